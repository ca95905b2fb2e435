"""What image towers are made of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sizing.geometry.architectures.decoder import Decoder
from sizing.geometry.inventory import Inventory, Kind
from sizing.geometry.model import Vision


@contextmanager
def tower(d: Decoder, hidden: int, layers: int) -> Iterator[Inventory]:
    """Matrices added inside belong to an image tower; their number becomes the decoder's `vision`."""
    before, d.tensors.matrix = d.tensors.parameters, Kind.TOWER
    yield d.tensors
    d.tensors.matrix = Kind.LINEAR
    d.vision = Vision(hidden_size=hidden, layers=layers, parameters=d.tensors.parameters - before)


def norms(t: Inventory, size: int, *names: str, bias: bool = True) -> None:
    for name in names:
        t.plain(name, size, bias=bias)


def mlp(
    t: Inventory,
    prefix: str,
    hidden: int,
    size: int,
    names: tuple[str, str] = ("fc1", "fc2"),
    *,
    bias: bool = True,
    out: int | None = None,
) -> None:
    t.linear(f"{prefix}.{names[0]}", hidden, size, bias=bias)
    t.linear(f"{prefix}.{names[1]}", size, out or hidden, bias=bias)


def separate_attention(
    t: Inventory, prefix: str, hidden: int, *, out: str = "out_proj", bias: bool = True, suffix: str = ""
) -> None:
    for name in ("q_proj", "k_proj", "v_proj", out):
        t.linear(f"{prefix}.{name}{suffix}", hidden, hidden, bias=bias)


def fused_attention(t: Inventory, prefix: str, hidden: int, *, qkv: str = "qkv", out: str = "proj") -> None:
    t.linear(f"{prefix}.{qkv}", hidden, 3 * hidden, bias=True)
    t.linear(f"{prefix}.{out}", hidden, hidden, bias=True)
