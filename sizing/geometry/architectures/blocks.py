"""The parts decoders are made of, as tensors: attention, feed-forward, experts."""

from __future__ import annotations

from sizing.geometry.architectures.decoder import Decoder


def attention(
    d: Decoder,
    prefix: str,
    *,
    bias: bool = False,
    out_bias: bool = False,
    qk_norm: str = "",
    out: str = "o_proj",
    heads: int | None = None,
    kv_heads: int | None = None,
    head_dim: int | None = None,
    gate: bool = False,
) -> None:
    """Separate q, k, v and output projections; `qk_norm` is "head" (one norm a head) or "full".

    `gate`: the query projection also yields an output gate and is twice as wide.
    """
    heads, kv_heads = heads or d.dims.heads, kv_heads or d.dims.kv_heads
    head_dim, hidden, add = head_dim or d.dims.head_dim, d.dims.hidden, d.tensors.linear
    add(f"{prefix}.q_proj", hidden, heads * head_dim * (2 if gate else 1), bias=bias)
    add(f"{prefix}.k_proj", hidden, kv_heads * head_dim, bias=bias)
    add(f"{prefix}.v_proj", hidden, kv_heads * head_dim, bias=bias)
    add(f"{prefix}.{out}", heads * head_dim, hidden, bias=out_bias)
    if qk_norm:
        per_head = qk_norm == "head"
        d.norm(f"{prefix}.q_norm", size=head_dim if per_head else heads * head_dim)
        d.norm(f"{prefix}.k_norm", size=head_dim if per_head else kv_heads * head_dim)


def fused_attention(
    d: Decoder, prefix: str, *, qkv: str = "qkv_proj", out: str = "o_proj", bias: bool = False, out_bias: bool = False
) -> None:
    """One matrix for queries, keys and values."""
    d.tensors.linear(f"{prefix}.{qkv}", d.dims.hidden, d.dims.q + 2 * d.dims.kv, bias=bias)
    d.tensors.linear(f"{prefix}.{out}", d.dims.q, d.dims.hidden, bias=out_bias)


def gated_mlp(
    d: Decoder,
    prefix: str,
    *,
    size: int | None = None,
    bias: bool = False,
    copies: int = 1,
    names: tuple[str, str, str] = ("gate_proj", "up_proj", "down_proj"),
) -> None:
    """gate, up and down, the usual feed-forward; `copies` of it where experts share a shape."""
    size, gate, up, down = size or d.dims.intermediate, *names
    d.tensors.linear(f"{prefix}.{gate}", d.dims.hidden, size, bias=bias, copies=copies)
    d.tensors.linear(f"{prefix}.{up}", d.dims.hidden, size, bias=bias, copies=copies)
    d.tensors.linear(f"{prefix}.{down}", size, d.dims.hidden, bias=bias, copies=copies)


def fused_gated_mlp(
    d: Decoder,
    prefix: str,
    *,
    gate_up: str = "gate_up_proj",
    down: str = "down_proj",
    bias: bool = False,
    size: int | None = None,
) -> None:
    """gate and up in one matrix."""
    size = size or d.dims.intermediate
    d.tensors.linear(f"{prefix}.{gate_up}", d.dims.hidden, 2 * size, bias=bias)
    d.tensors.linear(f"{prefix}.{down}", size, d.dims.hidden, bias=bias)


def plain_mlp(d: Decoder, prefix: str, up: str, down: str, *, bias: bool = True, size: int | None = None) -> None:
    """Two matrices with an activation between."""
    size = size or d.dims.intermediate
    d.tensors.linear(f"{prefix}.{up}", d.dims.hidden, size, bias=bias)
    d.tensors.linear(f"{prefix}.{down}", size, d.dims.hidden, bias=bias)


def expert_mlps(
    d: Decoder,
    prefix: str,
    count: int,
    size: int,
    *,
    experts: str = "experts",
    names: tuple[str, str, str] = ("gate_proj", "up_proj", "down_proj"),
) -> None:
    """`count` gated feed-forwards of one shape, each with its own tensors; named like the first of them."""
    gated_mlp(d, f"{prefix}.{experts}.0", size=size, copies=count, names=names)
