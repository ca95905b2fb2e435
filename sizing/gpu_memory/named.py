"""Models by name alone: the published sizes of well-known checkpoints."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

from sizing.gpu_memory.families import UnknownModel, plain_name
from sizing.gpu_memory.row_shapes import shapes_from_figures
from sizing.gpu_memory.shapes import ModelShapes

COLUMNS = ("num_hidden_layers", "hidden_size", "intermediate_size", "vocab_size", "num_attention_heads",
           "num_key_value_heads", "head_dim", "tie_word_embeddings")
MIXTURE = ("num_experts", "num_experts_per_tok", "moe_intermediate_size", "shared_expert_intermediate_size")
# What a name carries beyond the model: owner, packing, training, date.
SUFFIX = re.compile(
    r"-(instruct|it|chat|base|hf|awq|gptq|int4|int8|4bit|8bit|fp8|fp8-dynamic|dynamic|nvfp4|mxfp4|w4a16|w8a8|w8a16"
    r"|bnb|g128|quantized|marlin|turbo|preview|thinking|v0\.\d|v\d|bf16|fp16|autoround|\d{4})(?=[-.]|$)"
)


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


def stem(model: str) -> str:
    """'Qwen/Qwen2.5-7B-Instruct-AWQ' -> 'qwen2.5-7b'."""
    name = plain_name(model).rsplit("/", 1)[-1].removeprefix("meta-")
    while (shorter := SUFFIX.sub("", name)) != name:
        name = shorter
    return name


def packing_in(model: str) -> str | None:
    """The quantisation a name states, for starts that do not state one."""
    name = plain_name(model)
    found = re.search(r"awq|gptq|nvfp4|mxfp4|fp8|w8a8|w4a16|int8|int4|bnb", name)
    return "mxfp4" if "gpt-oss" in name else found[0] if found else None


def shapes_by_name(model: str, quantization: str | None) -> ModelShapes:
    """Raises UnknownModel, naming the model and the nearest known one."""
    wanted = stem(model)
    sizes = _catalogue().get(wanted)
    if sizes is None:
        family = re.match(r"[a-z]+", wanted)
        near = [name for name in _catalogue() if family and name.startswith(family[0])]
        hint = f"; known of that family: {', '.join(near)}" if near else ""
        raise UnknownModel(f"model is {model!r}, whose sizes are not stated and not known here{hint}")
    return shapes_from_figures(model, sizes, quantization or packing_in(model))
