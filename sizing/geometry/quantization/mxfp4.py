"""MXFP4 as gpt-oss stores it: blocks of 32 four-bit floats with one scale byte, for the fused experts alone."""

from __future__ import annotations

from sizing.geometry.inventory import Kind, Tensor
from sizing.geometry.model import Quantization
from sizing.geometry.quantization.stored import Packing, Stored, packed, unpacked, up

BLOCK = 32


class Mxfp4(Packing):
    """`*_blocks` [experts, out, in/32, 16] and `*_scales` [experts, out, in/32] as bytes; biases keep the dtype."""

    quantization = Quantization(method="mxfp4", bits=4, group_size=BLOCK, vllm_name="gpt_oss_mxfp4")

    def store(self, tensor: Tensor, element_bytes: int) -> Stored:
        if tensor.kind is not Kind.LINEAR or not tensor.stacked:
            return unpacked(tensor, element_bytes)
        outputs, inputs = tensor.shape
        blocks = up(inputs, BLOCK)
        return packed(tensor, element_bytes, outputs * blocks * BLOCK // 2, outputs * blocks)
