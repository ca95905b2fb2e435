"""Eight-bit floats in DeepSeek's and transformers' FP8, and bitsandbytes' integers."""

from __future__ import annotations

import json
from copy import copy

from sizing.geometry.fields import Fields
from sizing.geometry.inventory import Kind, Tensor
from sizing.geometry.model import Quantization
from sizing.geometry.quantization.names import name_parts
from sizing.geometry.quantization.stored import Packing, Stored, packed, unpacked, up

SCALE_BYTES = 4  # float32


class Fp8(Packing):
    """One byte a weight; a float32 scale a block (`weight_scale_inv`) or a tensor, and one for static inputs."""

    def __init__(self, q: Fields, *, narrow_scales: bool = False) -> None:
        block = q.counts("weight_block_size", least=1)
        self.narrow_scales = narrow_scales  # Qwen's own files hold the block scales in the checkpoint's dtype
        if block and len(block) != 2:
            raise q.refuse("weight_block_size", list(block), "two whole numbers, rows and columns")
        self.block = block
        self.static = q.text("activation_scheme", "dynamic") == "static"
        self.skipped = name_parts((*q.texts("modules_to_not_convert"), *q.texts("ignored_layers")))
        self.quantization = Quantization(
            method="fp8", bits=8, group_size=block[0] if block else None, format=q.text("fmt", "e4m3"), vllm_name="fp8"
        )

    loaded_layer_bytes = 2 * SCALE_BYTES  # a scale for the keys and one for the values

    def as_loaded(self) -> Fp8:
        """vLLM creates every scale as float32."""
        loaded = copy(self)
        loaded.narrow_scales = False
        return loaded

    def store(self, tensor: Tensor, element_bytes: int) -> Stored:
        if tensor.kind not in (Kind.LINEAR, Kind.TOWER) or tensor.name.endswith("lm_head") or self.skipped(tensor.name):
            return unpacked(tensor, element_bytes)
        outputs, inputs = tensor.shape
        scales = up(outputs, self.block[0]) * up(inputs, self.block[1]) if self.block else 1
        scale_bytes = element_bytes if self.narrow_scales and self.block else SCALE_BYTES
        parts = [outputs * inputs, scales * scale_bytes, *([SCALE_BYTES] if self.static else [])]
        return packed(tensor, element_bytes, *parts)


class BitsAndBytes(Packing):
    """LLM.int8 (int8 rows with a float32 scale each, and a format byte) or 4-bit blocks of 64 with their statistics.

    Every linear layer but the head is packed, routers included.
    """

    BLOCK = 64
    NESTED_BLOCK = 256
    OFFSET_DIGITS = 19  # characters of a float32 written out, give or take one: 0.04152340441942215

    def __init__(self, q: Fields, dtype: str = "bfloat16") -> None:
        self.dtype = dtype
        self.four = q.flag("load_in_4bit") or q.flag("_load_in_4bit")
        self.nested = q.flag("bnb_4bit_use_double_quant")
        self.skipped = name_parts((*q.texts("llm_int8_skip_modules"), "lm_head"))
        kind = q.text("bnb_4bit_quant_type", "fp4") if self.four else "int8"
        self.quantization = Quantization(
            method="bitsandbytes",
            bits=4 if self.four else 8,
            group_size=64 if self.four else None,
            format=kind,
            vllm_name="bitsandbytes",
        )
        self.kind = kind
        self.caveats = (
            ("bitsandbytes writes a float of varying length into each layer's four-bit state; a byte a layer is open",)
            if self.four and self.nested
            else ()
        )

    def state_bytes(self, outputs: int, inputs: int) -> int:
        """The JSON text bitsandbytes stores as a tensor beside each four-bit matrix (`QuantState.as_dict`)."""
        state: dict[str, object] = {
            "quant_type": self.kind,
            "blocksize": self.BLOCK,
            "dtype": self.dtype,
            "shape": [outputs, inputs],
        }
        if not self.nested:
            return len(json.dumps(state))
        state |= {"nested_blocksize": self.NESTED_BLOCK, "nested_dtype": "float32", "nested_offset": 0}
        return len(json.dumps(state)) - 1 + self.OFFSET_DIGITS

    def store(self, tensor: Tensor, element_bytes: int) -> Stored:
        if tensor.kind not in (Kind.LINEAR, Kind.ROUTER, Kind.TOWER) or tensor.stacked or self.skipped(tensor.name):
            return unpacked(tensor, element_bytes)
        outputs, inputs = tensor.shape
        if not self.four:
            return packed(tensor, element_bytes, outputs * inputs, outputs * SCALE_BYTES, 1)
        blocks, state = up(outputs * inputs, self.BLOCK), self.state_bytes(outputs, inputs)
        matrix, code = up(outputs * inputs, 2), 16 * 4
        if not self.nested:
            return packed(tensor, element_bytes, matrix, blocks * 4, code, state)
        nested = up(blocks, self.NESTED_BLOCK) * 4
        return packed(tensor, element_bytes, matrix, blocks, code, nested, 256 * 4, state)
