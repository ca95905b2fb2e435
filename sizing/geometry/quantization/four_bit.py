"""AWQ and GPTQ: integers packed into int32 words, with scales and zero points a group."""

from __future__ import annotations

from copy import copy

from sizing.geometry.fields import Fields
from sizing.geometry.inventory import Tensor
from sizing.geometry.model import Quantization
from sizing.geometry.quantization.names import contains
from sizing.geometry.quantization.stored import Packing, Stored, in_layers, packed, unpacked, up

SCALE_BYTES = 2  # both tools store float16 scales


class Awq(Packing):
    """AutoAWQ: qweight [in, out/8] and qzeros [in/g, out/8] as int32, scales [in/g, out] as float16."""

    def __init__(self, q: Fields) -> None:
        self.bits = q.count("bits", "w_bit", default=4, most=8)
        if self.bits not in (4, 8):
            raise q.refuse("bits", self.bits, "4 or 8, the widths AWQ packs")
        self.group = group_size(q, "group_size", "q_group_size")
        self.skipped = contains(q.texts("modules_to_not_convert"))
        self.quantization = Quantization(
            method="awq", bits=self.bits, group_size=self.group, format=q.text("version", "gemm"), vllm_name="auto_awq"
        )

    def store(self, tensor: Tensor, element_bytes: int) -> Stored:
        if not in_layers(tensor) or self.skipped(tensor.name):
            return unpacked(tensor, element_bytes)
        outputs, inputs = tensor.shape
        groups = 1 if self.group == -1 else up(inputs, self.group)
        weights = inputs * up(outputs * self.bits, 32) * 4
        zeros = groups * up(outputs * self.bits, 32) * 4
        return packed(tensor, element_bytes, weights, zeros, groups * outputs * SCALE_BYTES)


class Gptq(Packing):
    """AutoGPTQ and GPTQModel: qweight [in*bits/32, out], qzeros [in/g, out*bits/32], scales [in/g, out], g_idx [in]."""

    def __init__(self, q: Fields) -> None:
        self.bits = q.count("bits", most=8)
        if self.bits not in (2, 3, 4, 8):
            raise q.refuse("bits", self.bits, "2, 3, 4 or 8, the widths GPTQ packs")
        self.group = group_size(q, "group_size")
        self.head = q.flag("lm_head")
        self.ordered = q.flag("desc_act")
        self.indexed = True
        # AutoGPTQ, known by a field it alone writes, stores a bias with every layer it packs.
        self.biased = "model_file_base_name" in q.values and not q.has("checkpoint_format", "meta")
        self.quantization = Quantization(
            method="gptq",
            bits=self.bits,
            group_size=self.group,
            format=q.text("checkpoint_format", "gptq"),
            vllm_name="auto_gptq",
        )

    def as_loaded(self) -> Gptq:
        """vLLM keeps the order of the columns only where it matters, and no bias of zeros."""
        loaded = copy(self)
        loaded.indexed, loaded.biased = self.ordered, False
        return loaded

    def store(self, tensor: Tensor, element_bytes: int) -> Stored:
        inside = in_layers(tensor) or (self.head and tensor.name.endswith("lm_head"))
        if not inside:
            return unpacked(tensor, element_bytes)
        outputs, inputs = tensor.shape
        groups = 1 if self.group == -1 else up(inputs, self.group)
        weights = up(inputs * self.bits, 32) * outputs * 4
        zeros = groups * up(outputs * self.bits, 32) * 4
        parts = [weights, zeros, groups * outputs * SCALE_BYTES, *([inputs * 4] if self.indexed else [])]
        if self.biased and not tensor.bias:
            parts.append(outputs * SCALE_BYTES)
        return packed(tensor, element_bytes, *parts)


def group_size(q: Fields, *names: str) -> int:
    """Columns that share a scale; -1 is a whole row."""
    return -1 if q.raw(*names) == -1 else q.count(*names, default=128)
