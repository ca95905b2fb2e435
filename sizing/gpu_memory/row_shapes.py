"""From a recorded start to the model it ran: its recorded sizes, or the published config of its name."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sizing.gpu_memory.families import UnknownModel, family_of, format_of
from sizing.gpu_memory.shapes import ExpertShapes, KvLayers, ModelShapes


def _windows(text: object, layers: int) -> tuple[tuple[int, int | None], ...]:
    """(layers, window) of each kind: '1024, 5 sliding : 1 full', '128, alternating (1:1)', 4096, null."""
    if text is None:
        return ((layers, None),)
    numbers = [int(n) for n in re.findall(r"\d+", str(text))]
    if not numbers:
        return ((layers, None),)
    if "all layers" in str(text) or len(numbers) < 3:
        return ((layers, numbers[0]),)
    sliding, full = (numbers[1], numbers[2])
    whole = layers * full // (sliding + full)
    return ((layers - whole, numbers[0]), (whole, None))


def _number(a: Mapping[str, object], key: str, default: int | None = None) -> int:
    value = a.get(key)
    if value is None and default is not None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise UnknownModel(f"architecture.{key} is {value!r}; it should be a positive number")
    return int(value)


def shapes_from_figures(model: str, a: Mapping[str, object], quantization: str | None) -> ModelShapes:
    """A model from the public figures a start records beside its name."""
    family = family_of(model)
    architecture = family.architecture if family else "unknown"
    layers, heads = _number(a, "num_hidden_layers"), _number(a, "num_attention_heads")
    kv_heads = _number(a, "num_key_value_heads", heads)
    hidden, vocab = _number(a, "hidden_size"), _number(a, "vocab_size")
    head_dim = _number(a, "head_dim", hidden // heads)
    experts = None
    if a.get("num_experts"):
        shared = _number(a, "shared_expert_intermediate_size") if a.get("shared_expert_intermediate_size") else 0
        experts = ExpertShapes(
            _number(a, "num_experts"),
            _number(a, "num_experts_per_tok"),
            _number(a, "moe_intermediate_size", _number(a, "intermediate_size")),
            shared,
        )
    kv = tuple(
        KvLayers(n, 2 * kv_heads * head_dim, window) for n, window in _windows(a.get("sliding_window"), layers) if n
    )
    return ModelShapes(
        name=model,
        architecture=architecture,
        layers=layers,
        hidden=hidden,
        intermediate=_number(a, "intermediate_size"),
        vocab=vocab,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        tied=bool(a.get("tie_word_embeddings")),
        kv=kv,
        rope_positions=family.positions if family else 32768,
        format=format_of(quantization, architecture),
        experts=experts,
        images=family.tower if family else None,
    )
