"""Older decoders: one fused query-key-value matrix, layer norms, mostly no gate."""

from __future__ import annotations

from sizing.geometry.architectures.blocks import fused_attention, plain_mlp
from sizing.geometry.architectures.decoder import Decoder, read_dims
from sizing.geometry.architectures.registry import architecture
from sizing.geometry.fields import Fields
from sizing.geometry.model import Experts


@architecture("GPT2LMHeadModel")
def gpt2(f: Fields) -> Decoder:
    return absolute(f, kv_default=None)


@architecture("GPTBigCodeForCausalLM")
def gpt_bigcode(f: Fields) -> Decoder:
    """StarCoder: one key/value head for all queries."""
    return absolute(f, kv_default=1 if f.flag("multi_query", True) else None)


def absolute(f: Fields, kv_default: int | None) -> Decoder:
    """A learned position table beside the token table; the head is the token table."""
    hidden = f.count("n_embd", "hidden_size")
    d = Decoder(
        read_dims(f, kv_default=kv_default, intermediate=f.count("n_inner", default=4 * hidden)),
        tied=f.flag("tie_word_embeddings", True),
    )
    d.embedding_and_head(embedding="transformer.wte")
    d.tensors.embedding("transformer.wpe", f.count("n_positions", "max_position_embeddings"), hidden)
    for i in range(d.dims.layers):
        layer = f"transformer.h.{i}"
        fused_attention(d, f"{layer}.attn", qkv="c_attn", out="c_proj", bias=True, out_bias=True)
        plain_mlp(d, f"{layer}.mlp", "c_fc", "c_proj")
        d.norm(f"{layer}.ln_1", f"{layer}.ln_2", bias=True)
        d.keep()
    d.norm("transformer.ln_f", bias=True)
    return d


@architecture("GPTJForCausalLM")
def gpt_j(f: Fields) -> Decoder:
    hidden = f.count("n_embd", "hidden_size")
    d = Decoder(read_dims(f, intermediate=f.count("n_inner", default=4 * hidden)), tied=f.flag("tie_word_embeddings"))
    d.embedding_and_head(embedding="transformer.wte", head_bias=True)
    for i in range(d.dims.layers):
        layer = f"transformer.h.{i}"
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            d.tensors.linear(f"{layer}.attn.{name}", hidden, hidden)
        plain_mlp(d, f"{layer}.mlp", "fc_in", "fc_out")
        d.norm(f"{layer}.ln_1", bias=True)
        d.keep()
    d.norm("transformer.ln_f", bias=True)
    return d


@architecture("GPTNeoXForCausalLM")
def gpt_neox(f: Fields) -> Decoder:
    d = Decoder(read_dims(f), tied=f.flag("tie_word_embeddings"))
    bias = f.flag("attention_bias", True)
    d.embedding_and_head(embedding="gpt_neox.embed_in", head="embed_out")
    for i in range(d.dims.layers):
        layer = f"gpt_neox.layers.{i}"
        fused_attention(d, f"{layer}.attention", qkv="query_key_value", out="dense", bias=bias, out_bias=bias)
        plain_mlp(d, f"{layer}.mlp", "dense_h_to_4h", "dense_4h_to_h")
        d.norm(f"{layer}.input_layernorm", f"{layer}.post_attention_layernorm", bias=True)
        d.keep()
    d.norm("gpt_neox.final_layer_norm", bias=True)
    return d


@architecture("BloomForCausalLM", "BloomModel")
def bloom(f: Fields) -> Decoder:
    hidden = f.count("hidden_size", "n_embed", "n_embd")
    d = Decoder(
        read_dims(Fields({**f.values, "hidden_size": hidden}, f.path), intermediate=4 * hidden),
        tied=f.flag("tie_word_embeddings", True),
    )
    d.embedding_and_head(embedding="transformer.word_embeddings")
    d.norm("transformer.word_embeddings_layernorm", "transformer.ln_f", bias=True)
    for i in range(d.dims.layers):
        layer = f"transformer.h.{i}"
        fused_attention(d, f"{layer}.self_attention", qkv="query_key_value", out="dense", bias=True, out_bias=True)
        plain_mlp(d, f"{layer}.mlp", "dense_h_to_4h", "dense_4h_to_h")
        d.norm(f"{layer}.input_layernorm", f"{layer}.post_attention_layernorm", bias=True)
        d.keep()
    return d


@architecture("OPTForCausalLM")
def opt(f: Fields) -> Decoder:
    """Positions start at two; the smallest ones project a narrower token table up and down."""
    d = Decoder(read_dims(f, intermediate=f.count("ffn_dim")), tied=f.flag("tie_word_embeddings", True))
    hidden, bias = d.dims.hidden, f.flag("enable_bias", True)
    narrow = f.count("word_embed_proj_dim", default=hidden)
    d.tensors.embedding("model.decoder.embed_tokens", d.dims.vocab, narrow)
    if not d.tied:
        d.tensors.linear("lm_head", narrow, d.dims.vocab)
    d.tensors.embedding("model.decoder.embed_positions", f.count("max_position_embeddings") + 2, hidden)
    if narrow != hidden:
        d.tensors.linear("model.decoder.project_in", narrow, hidden)
        d.tensors.linear("model.decoder.project_out", hidden, narrow)
    for i in range(d.dims.layers):
        layer = f"model.decoder.layers.{i}"
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            d.tensors.linear(f"{layer}.self_attn.{name}", hidden, hidden, bias=bias)
        plain_mlp(d, layer, "fc1", "fc2", bias=bias)
        d.norm(f"{layer}.self_attn_layer_norm", f"{layer}.final_layer_norm", bias=True)
        d.keep()
    if f.flag("do_layer_norm_before", True) and not f.flag("_remove_final_layer_norm"):
        d.norm("model.decoder.final_layer_norm", bias=True)
    return d


@architecture("MptForCausalLM", "MPTForCausalLM")
def mpt(f: Fields) -> Decoder:
    hidden = f.count("d_model")
    settings = f.optional_section("attn_config") or Fields({}, "attn_config")
    heads = f.count("n_heads")
    one = settings.text("attn_type") == "multiquery_attention"
    kv_heads = 1 if one else settings.count("kv_n_heads", default=heads)
    width = f.ratio("expansion_ratio", 4)
    d = Decoder(
        read_dims(f, kv_default=kv_heads, intermediate=int(width * hidden)), tied=f.flag("tie_word_embeddings", True)
    )
    bias = not f.flag("no_bias", True)
    d.embedding_and_head(embedding="transformer.wte")
    if not settings.flag("alibi", True) and f.flag("learned_pos_emb", True):
        d.tensors.embedding("transformer.wpe", f.count("max_seq_len"), hidden)
    for i in range(d.dims.layers):
        layer = f"transformer.blocks.{i}"
        fused_attention(d, f"{layer}.attn", qkv="Wqkv", out="out_proj", bias=bias, out_bias=bias)
        if settings.flag("qk_ln"):
            d.norm(f"{layer}.attn.q_ln", f"{layer}.attn.k_ln", bias=bias)
        plain_mlp(d, f"{layer}.ffn", "up_proj", "down_proj", bias=bias)
        d.norm(f"{layer}.norm_1", f"{layer}.norm_2", bias=bias)
        d.keep()
    d.norm("transformer.norm_f", bias=bias)
    return d


@architecture("FalconForCausalLM", "RWForCausalLM")
def falcon(f: Fields) -> Decoder:
    """7B shares one key/value head; the newer, larger ones have groups and two norms side by side."""
    grouped = f.flag("new_decoder_architecture") or (f.has("n_head_kv") and not f.has("num_kv_heads"))
    hidden, heads = f.count("hidden_size", "n_embed"), f.count("num_attention_heads", "n_head")
    kv_heads = (
        f.count("num_kv_heads", "n_head_kv", default=heads)
        if grouped
        else (1 if f.flag("multi_query", True) else heads)
    )
    values = {**f.values, "hidden_size": hidden, "num_kv_heads": kv_heads, "n_head_kv": None}
    d = Decoder(
        read_dims(Fields(values, f.path), intermediate=f.count("ffn_hidden_size", default=4 * hidden)),
        tied=f.flag("tie_word_embeddings", True),
    )
    bias = f.flag("bias")
    d.embedding_and_head(embedding="transformer.word_embeddings")
    if d.tied:  # the published files hold the head all the same
        d.extra.linear("lm_head", hidden, d.dims.vocab)
    for i in range(d.dims.layers):
        layer = f"transformer.h.{i}"
        fused_attention(d, f"{layer}.self_attention", qkv="query_key_value", out="dense", bias=bias, out_bias=bias)
        plain_mlp(d, f"{layer}.mlp", "dense_h_to_4h", "dense_4h_to_h", bias=bias)
        if grouped and f.count("num_ln_in_parallel_attn", default=2) == 2:
            d.norm(f"{layer}.ln_attn", f"{layer}.ln_mlp", bias=True)
        else:
            d.norm(f"{layer}.input_layernorm", bias=True)
            if not f.flag("parallel_attn", True):
                d.norm(f"{layer}.post_attention_layernorm", bias=True)
        d.keep()
    d.norm("transformer.ln_f", bias=True)
    return d


@architecture("DbrxForCausalLM")
def dbrx(f: Fields) -> Decoder:
    attn, ffn = f.section("attn_config"), f.section("ffn_config")
    count, size = ffn.count("moe_num_experts", most=2**16), ffn.count("ffn_hidden_size")
    d = Decoder(
        read_dims(f, kv_default=attn.count("kv_n_heads"), intermediate=size), tied=f.flag("tie_word_embeddings")
    )
    d.experts = Experts(
        count=count, per_token=ffn.count("moe_top_k", most=count), intermediate_size=size, layers=d.dims.layers
    )
    d.embedding_and_head(embedding="transformer.wte")
    for i in range(d.dims.layers):
        layer, block = f"transformer.blocks.{i}", f"transformer.blocks.{i}.norm_attn_norm"
        fused_attention(d, f"{block}.attn", qkv="Wqkv", out="out_proj")
        d.norm(f"{block}.norm_1", f"{block}.norm_2")
        d.tensors.router(f"{layer}.ffn.router.layer", d.dims.hidden, count)
        for name in ("w1", "v1", "w2"):
            d.tensors.linear(f"{layer}.ffn.experts.mlp.{name}", d.dims.hidden, size, copies=count, stacked=True)
        d.keep()
    d.norm("transformer.norm_f")
    return d
