"""The tensors of a checkpoint by name and shape, before any quantisation packs them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from math import prod


class Kind(Enum):
    LINEAR = "linear"  # a matrix that a quantisation may pack
    EMBEDDING = "embedding"  # a table; few methods touch it
    TOWER = "tower"  # a matrix of an image tower; tools made for language models leave it alone
    ROUTER = "router"  # a linear layer that picks experts; most tools leave it alone
    PLAIN = "plain"  # norms, biases of their own, convolutions, routers stored as bare parameters
    BUFFER = "buffer"  # stored beside the parameters but not one (rotary inv_freq)


@dataclass(frozen=True, slots=True)
class Tensor:
    """`copies` tensors of one shape; a stacked tensor holds its copies in one file entry (fused experts)."""

    name: str
    kind: Kind
    shape: tuple[int, ...]  # a linear layer is (outputs, inputs)
    bias: bool = False
    copies: int = 1
    stacked: bool = False
    element_bytes: int | None = None  # fixed width, whatever the checkpoint's dtype

    @property
    def elements(self) -> int:
        return prod(self.shape) * self.copies

    @property
    def bias_elements(self) -> int:
        return self.shape[0] * self.copies if self.bias else 0

    @property
    def parameters(self) -> int:
        return 0 if self.kind is Kind.BUFFER else self.elements + self.bias_elements


@dataclass(slots=True)
class Inventory:
    """Collects the tensors of a checkpoint, named as its files name them."""

    tensors: list[Tensor] = field(default_factory=list)
    matrix: Kind = Kind.LINEAR  # what `linear` adds: TOWER while an image tower is described

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self.tensors)

    def linear(
        self, name: str, inputs: int, outputs: int, *, bias: bool = False, copies: int = 1, stacked: bool = False
    ) -> None:
        self.tensors.append(Tensor(name, self.matrix, (outputs, inputs), bias, copies, stacked))

    def router(
        self, name: str, inputs: int, outputs: int, *, bias: bool = False, element_bytes: int | None = None
    ) -> None:
        self.tensors.append(Tensor(name, Kind.ROUTER, (outputs, inputs), bias, element_bytes=element_bytes))

    def embedding(self, name: str, rows: int, columns: int) -> None:
        self.tensors.append(Tensor(name, Kind.EMBEDDING, (rows, columns)))

    def plain(
        self, name: str, *shape: int, bias: bool = False, copies: int = 1, element_bytes: int | None = None
    ) -> None:
        self.tensors.append(Tensor(name, Kind.PLAIN, shape, bias, copies, element_bytes=element_bytes))

    def buffer(self, name: str, *shape: int, element_bytes: int | None = None, copies: int = 1) -> None:
        self.tensors.append(Tensor(name, Kind.BUFFER, shape, copies=copies, element_bytes=element_bytes))

    @property
    def parameters(self) -> int:
        return sum(t.parameters for t in self.tensors)
