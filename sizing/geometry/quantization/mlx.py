"""Apple MLX: every matrix and table whose rows divide into groups, with a scale and an offset a group."""

from __future__ import annotations

from collections.abc import Mapping

from sizing.geometry.fields import Fields
from sizing.geometry.inventory import Kind, Tensor
from sizing.geometry.model import Quantization
from sizing.geometry.quantization.stored import Packing, Stored, packed, unpacked, up


class Mlx(Packing):
    """uint32 words [out, in*bits/32], scales and biases [out, in/group] in the checkpoint's dtype.

    vLLM does not read these files. A module's own entry overrides bits and group, or is false.
    """

    def __init__(self, q: Fields) -> None:
        self.default = settings(q)
        self.overrides = {
            name: settings(q.section(name)) if isinstance(value, Mapping) else None
            for name, value in q.values.items()
            if isinstance(value, Mapping) or value is False
        }
        bits, group, mode = self.default
        self.quantization = Quantization(method="mlx", bits=bits, group_size=group, format=mode, vllm_name=None)

    def store(self, tensor: Tensor, element_bytes: int) -> Stored:
        chosen = self.overrides.get(tensor.name, self.default)
        if chosen is None or tensor.kind not in (Kind.LINEAR, Kind.ROUTER, Kind.EMBEDDING):
            return unpacked(tensor, element_bytes)
        bits, group, mode = chosen
        rows, columns = tensor.shape
        if columns % group:
            return unpacked(tensor, element_bytes)
        words, groups = rows * up(columns * bits, 32) * 4, rows * columns // group
        parts = [words, groups] if mode != "affine" else [words, groups * element_bytes, groups * element_bytes]
        stored = packed(tensor, element_bytes, *parts)
        # Experts of a layer lie stacked in one tensor each.
        return Stored(stored.size_bytes, len(parts) + tensor.bias)


def settings(q: Fields) -> tuple[int, int, str]:
    return q.count("bits", default=4, most=8), q.count("group_size", default=64), q.text("mode", "affine")
