"""Lightning attention (MiniMax) and short convolutions (LFM2) with full layers in between."""

from __future__ import annotations

from sizing.geometry.architectures.blocks import attention, expert_mlps, gated_mlp
from sizing.geometry.architectures.decoder import Decoder, read_dims
from sizing.geometry.architectures.llama import NORMS
from sizing.geometry.architectures.mixture import MIXTRAL_NAMES
from sizing.geometry.architectures.registry import architecture
from sizing.geometry.fields import Fields
from sizing.geometry.model import Experts, RecurrentState


@architecture("MiniMaxM1ForCausalLM", "MiniMaxText01ForCausalLM", "MiniMaxForCausalLM")
def minimax(f: Fields) -> Decoder:
    """Lightning attention with a full layer in every eighth place; each layer a mixture."""
    d = Decoder(read_dims(f), tied=f.flag("tie_word_embeddings"))
    full = f.counts("attn_type_list") or tuple(int(t == "full_attention") for t in f.texts("layer_types"))
    if len(full) != d.dims.layers:
        raise f.refuse("attn_type_list", f"{len(full)} entries", f"one entry for each of {d.dims.layers} layers")
    count, size, heads = f.count("num_local_experts", most=2**16), d.dims.intermediate, d.dims.q
    d.experts = Experts(
        count=count,
        per_token=f.count("num_experts_per_tok", default=2, most=count),
        intermediate_size=size,
        layers=d.dims.layers,
    )
    d.embedding_and_head()
    for i in range(d.dims.layers):
        layer = f"model.layers.{i}"
        if full[i]:
            attention(d, f"{layer}.self_attn")
            d.keep()
        else:
            d.tensors.linear(f"{layer}.self_attn.qkv_proj", d.dims.hidden, 3 * heads)
            d.tensors.linear(f"{layer}.self_attn.output_gate", d.dims.hidden, heads)
            d.tensors.linear(f"{layer}.self_attn.out_proj", heads, d.dims.hidden)
            d.norm(f"{layer}.self_attn.norm", size=heads)
        d.tensors.router(f"{layer}.block_sparse_moe.gate", d.dims.hidden, count, element_bytes=4)
        expert_mlps(d, f"{layer}.block_sparse_moe", count, size, names=MIXTRAL_NAMES)
        d.norm(*(f"{layer}.{name}" for name in NORMS))
    d.norm("model.norm")
    lightning = sum(not kind for kind in full)
    if lightning:
        d.recurrent = RecurrentState(layers=lightning, elements_per_layer=d.dims.heads * d.dims.head_dim**2)
    return d


@architecture("Lfm2ForCausalLM")
def lfm2(f: Fields) -> Decoder:
    """Short gated convolutions with full layers in between; the feed-forward's width is derived."""
    width = f.count("block_ff_dim", "intermediate_size", default=12288)
    if f.flag("block_auto_adjust_ff_dim", True):
        unit = f.count("block_multiple_of", default=256)
        width = int(f.ratio("block_ffn_dim_multiplier", 1.0) * (2 * width // 3))
        width = max(1, -(-width // unit)) * unit
    d = Decoder(read_dims(f, intermediate=width), tied=f.flag("tie_embedding", f.flag("tie_word_embeddings", True)))
    types, listed = f.texts("layer_types"), set(f.counts("full_attn_idxs"))
    full = [
        types[i] == "full_attention" if i < len(types) else not types and (i in listed or not listed)
        for i in range(d.dims.layers)
    ]
    bias, hidden, kernel = f.flag("conv_bias"), d.dims.hidden, f.count("conv_L_cache", default=3, least=2)
    d.embedding_and_head()
    for i in range(d.dims.layers):
        layer = f"model.layers.{i}"
        if full[i]:
            attention(d, f"{layer}.self_attn", out="out_proj")
            d.norm(f"{layer}.self_attn.q_layernorm", f"{layer}.self_attn.k_layernorm", size=d.dims.head_dim)
            d.keep()
        else:
            d.tensors.plain(f"{layer}.conv.conv", hidden, 1, kernel, bias=bias)
            d.tensors.linear(f"{layer}.conv.in_proj", hidden, 3 * hidden, bias=bias)
            d.tensors.linear(f"{layer}.conv.out_proj", hidden, hidden, bias=bias)
        gated_mlp(d, f"{layer}.feed_forward", names=("w1", "w3", "w2"))
        d.norm(f"{layer}.operator_norm", f"{layer}.ffn_norm")
    d.norm("model.embedding_norm")
    if not all(full):
        d.recurrent = RecurrentState(layers=full.count(False), elements_per_layer=hidden * (kernel - 1))
    return d
