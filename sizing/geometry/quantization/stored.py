"""How a tensor lies in a safetensors file: its bytes and how many entries of the weight map it takes."""

from __future__ import annotations

from dataclasses import dataclass

from sizing.geometry.inventory import Kind, Tensor
from sizing.geometry.model import Quantization


@dataclass(frozen=True, slots=True)
class Stored:
    size_bytes: int
    entries: int

    def __add__(self, other: Stored) -> Stored:
        return Stored(self.size_bytes + other.size_bytes, self.entries + other.entries)


NOTHING = Stored(0, 0)


def up(value: int, unit: int) -> int:
    """Whole units that cover `value`."""
    return -(-value // unit)


def unpacked(tensor: Tensor, element_bytes: int) -> Stored:
    """The tensor as it is, in the checkpoint's dtype or its own fixed width."""
    width = tensor.element_bytes or element_bytes
    each = (1 if tensor.stacked else tensor.copies) * (2 if tensor.bias else 1)
    return Stored((tensor.elements + tensor.bias_elements) * width, each)


def packed(tensor: Tensor, element_bytes: int, *parts: int) -> Stored:
    """A linear layer whose matrix became `parts` (bytes each, for one copy); its bias keeps the dtype."""
    rows = 1 if tensor.stacked else tensor.copies
    entries = rows * (len(parts) + (1 if tensor.bias else 0))
    return Stored(sum(parts) * tensor.copies + tensor.bias_elements * element_bytes, entries)


class Packing:
    """How a checkpoint stores its tensors. This one packs nothing: everything is in the checkpoint's dtype.

    `element_bytes` is the width of what stays unpacked. `caveats` say what the config leaves open about the
    byte count. `loaded_layer_bytes` are added for each attention layer of the parameters vLLM loads into.
    """

    quantization: Quantization | None = None
    caveats: tuple[str, ...] = ()
    loaded_layer_bytes = 0

    def store(self, tensor: Tensor, element_bytes: int) -> Stored:
        return unpacked(tensor, element_bytes)

    def as_loaded(self) -> Packing:
        """The layout vLLM creates to load the checkpoint into."""
        return self


def in_layers(tensor: Tensor) -> bool:
    """Linear layers inside the decoder's blocks: what AWQ and GPTQ tools walk over."""
    return tensor.kind is Kind.LINEAR and any(part.isdigit() for part in tensor.name.split("."))
