"""Models by name alone: the published sizes of well-known checkpoints."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

from sizing.gpu_memory.families import UnknownModel, plain_name
from sizing.gpu_memory.row_shapes import shapes_from_figures
from sizing.gpu_memory.shapes import ModelShapes

COLUMNS = (
    "num_hidden_layers",
    "hidden_size",
    "intermediate_size",
    "vocab_size",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "tie_word_embeddings",
)
MIXTURE = ("num_experts", "num_experts_per_tok", "moe_intermediate_size", "shared_expert_intermediate_size")
GLUED = re.compile(r"(?<=[a-z])-(?=\d)")  # 'llama-3.1' and 'llama3.1' are one name


@cache
def _catalogue() -> dict[str, dict[str, object]]:
    body = json.loads((Path(__file__).parent / "data" / "models.json").read_text(encoding="utf-8"))
    found = {}
    for name, row in body["models"].items():
        sizes = dict(zip(COLUMNS, row["sizes"], strict=True))
        sizes.update(zip(MIXTURE, row.get("experts", ()), strict=False))
        sizes["sliding_window"] = row.get("window")
        found[name] = sizes
    return found


def canonical(model: str) -> str:
    """'Qwen/Qwen2.5-7B-Instruct-AWQ' -> 'qwen2.5-7b-instruct-awq', 'meta-llama/Llama-3.1-8B' -> 'llama3.1-8b'."""
    return GLUED.sub("", plain_name(model).rsplit("/", 1)[-1].removeprefix("meta-"))


def base_model(model: str) -> str | None:
    """The longest catalogue name that the model's name holds as whole words: a fine-tune keeps its base's sizes."""
    name = canonical(model)
    held = [known for known in _catalogue() if re.search(rf"(?:^|-){re.escape(canonical(known))}(?=$|[-.@:])", name)]
    return max(held, key=len, default=None)


def packing_in(model: str) -> str | None:
    """The quantisation a name states, for starts that do not state one."""
    name = plain_name(model)
    found = re.search(r"awq|gptq|nvfp4|mxfp4|fp8|w8a8|w4a16|int8|int4|bnb", name)
    return "mxfp4" if "gpt-oss" in name else found[0] if found else None


def shapes_by_name(model: str, quantization: str | None) -> ModelShapes:
    """Raises UnknownModel, naming the model and the nearest known one."""
    known = base_model(model)
    if known is None:
        family = re.match(r"[a-z]+", canonical(model))
        near = [name for name in _catalogue() if family and name.startswith(family[0])]
        hint = f"; known of that family: {', '.join(near)}" if near else ""
        raise UnknownModel(f"model is {model!r}, whose sizes are not stated and not known here{hint}")
    return shapes_from_figures(model, _catalogue()[known], quantization or packing_in(model))
