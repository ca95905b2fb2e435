"""Which packing a config names."""

from __future__ import annotations

from collections.abc import Callable

from sizing.geometry.errors import UnsupportedModel
from sizing.geometry.fields import Fields
from sizing.geometry.quantization.compressed import CompressedTensors, ModelOpt
from sizing.geometry.quantization.eight_bit import BitsAndBytes, Fp8
from sizing.geometry.quantization.four_bit import Awq, Gptq
from sizing.geometry.quantization.mlx import Mlx
from sizing.geometry.quantization.mxfp4 import Mxfp4
from sizing.geometry.quantization.stored import Packing

METHODS: dict[str, Callable[[Fields], Packing]] = {
    "awq": Awq,
    "bitsandbytes": BitsAndBytes,
    "compressed-tensors": CompressedTensors,
    "fp8": Fp8,
    "gptq": Gptq,
    "mlx": Mlx,
    "modelopt": ModelOpt,
    "modelopt-fp4": ModelOpt,
    "mxfp4": lambda _: Mxfp4(),
}


def quantization_section(f: Fields) -> Fields | None:
    """Where the config names its packing: at the top, in the nested language model, or MLX's own key."""
    text = f.optional_section("text_config")
    for place in (f, text):
        if place is not None:
            for key in ("quantization_config", "compression_config", "quantization"):
                section = place.optional_section(key)
                if section is not None and section.values:
                    return section
    return None


def nameless(q: Fields) -> str:
    """MLX and ModelOpt write no quant_method: the one has bits and a group size, the other its producer."""
    producer = q.optional_section("producer")
    if producer is not None and producer.text("name") == "modelopt":
        return "modelopt"
    return "mlx" if q.has("bits") and q.has("group_size") else ""


def read_method(f: Fields, dtype: str) -> Packing:
    """The packing the config names, or none. `dtype`: the checkpoint's."""
    q = quantization_section(f)
    if q is None:
        return Packing()
    name = q.text("quant_method").lower().replace("_", "-") or nameless(q)
    method = METHODS.get(name)
    if method is None:
        known = ", ".join(sorted(METHODS))
        raise UnsupportedModel(
            f"config.json: {q.name('quant_method')} is {name!r}, whose tensor layout is not known; known are {known}"
        )
    if name == "fp8":
        return Fp8(q, narrow_scales=f.text("model_type").startswith("qwen"))
    if name == "bitsandbytes":
        return BitsAndBytes(q, dtype)
    return method(q)
