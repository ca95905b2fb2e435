"""Gated decoders with names of their own, most with one query-key-value matrix: Baichuan, Qwen 1, ChatGLM."""

from __future__ import annotations

from sizing.geometry.architectures.blocks import fused_attention, fused_gated_mlp, gated_mlp, plain_mlp
from sizing.geometry.architectures.decoder import Decoder, read_dims
from sizing.geometry.architectures.llama import stores_rotary_table
from sizing.geometry.architectures.registry import architecture
from sizing.geometry.fields import Fields


@architecture("BaichuanForCausalLM", "BaiChuanForCausalLM")
def baichuan(f: Fields) -> Decoder:
    """7B has rotary positions and, in its first version, stores their table; 13B has none."""
    d = Decoder(read_dims(f), tied=f.flag("tie_word_embeddings"))
    d.embedding_and_head()
    rotary = f.has("max_position_embeddings") and d.dims.vocab == 64000 and stores_rotary_table(f)
    for i in range(d.dims.layers):
        layer = f"model.layers.{i}"
        fused_attention(d, f"{layer}.self_attn", qkv="W_pack")
        gated_mlp(d, f"{layer}.mlp")
        d.norm(f"{layer}.input_layernorm", f"{layer}.post_attention_layernorm")
        if rotary:
            d.tensors.buffer(f"{layer}.self_attn.rotary_emb.inv_freq", d.dims.head_dim // 2, element_bytes=4)
        d.keep()
    d.norm("model.norm")
    return d


def qwen(f: Fields) -> Decoder:
    """The first Qwen: `intermediate_size` counts gate and up together."""
    size = f.count("intermediate_size") // 2
    d = Decoder(read_dims(f, intermediate=size), tied=f.flag("tie_word_embeddings"))
    bias = not f.flag("no_bias", True)
    d.embedding_and_head(embedding="transformer.wte")
    for i in range(d.dims.layers):
        layer = f"transformer.h.{i}"
        d.tensors.linear(f"{layer}.attn.c_attn", d.dims.hidden, 3 * d.dims.q, bias=True)
        d.tensors.linear(f"{layer}.attn.c_proj", d.dims.q, d.dims.hidden, bias=bias)
        gated_mlp(d, f"{layer}.mlp", names=("w2", "w1", "c_proj"), bias=bias)
        d.norm(f"{layer}.ln_1", f"{layer}.ln_2")
        d.keep()
    d.norm("transformer.ln_f")
    return d


@architecture("InternLM2ForCausalLM")
def internlm2(f: Fields) -> Decoder:
    d = Decoder(read_dims(f), tied=f.flag("tie_word_embeddings"))
    bias = f.flag("bias", True)
    d.embedding_and_head(embedding="model.tok_embeddings", head="output")
    for i in range(d.dims.layers):
        layer = f"model.layers.{i}"
        fused_attention(d, f"{layer}.attention", qkv="wqkv", out="wo", bias=bias, out_bias=bias)
        gated_mlp(d, f"{layer}.feed_forward", names=("w1", "w3", "w2"))
        d.norm(f"{layer}.attention_norm", f"{layer}.ffn_norm")
        d.keep()
    d.norm("model.norm")
    return d


@architecture("ExaoneForCausalLM")
def exaone(f: Fields) -> Decoder:
    d = Decoder(read_dims(f), tied=f.flag("tie_word_embeddings"))
    d.embedding_and_head(embedding="transformer.wte")
    for i in range(d.dims.layers):
        layer, dims = f"transformer.h.{i}", d.dims
        d.tensors.linear(f"{layer}.attn.attention.q_proj", dims.hidden, dims.q)
        d.tensors.linear(f"{layer}.attn.attention.k_proj", dims.hidden, dims.kv)
        d.tensors.linear(f"{layer}.attn.attention.v_proj", dims.hidden, dims.kv)
        d.tensors.linear(f"{layer}.attn.attention.out_proj", dims.q, dims.hidden)
        gated_mlp(d, f"{layer}.mlp", names=("c_fc_0", "c_fc_1", "c_proj"))
        d.norm(f"{layer}.ln_1", f"{layer}.ln_2")
        d.keep()
    d.norm("transformer.ln_f")
    return d


@architecture("ChatGLMModel", "ChatGLMForConditionalGeneration", "ChatGLMForCausalLM")
def chatglm(f: Fields) -> Decoder:
    """ChatGLM 2, 3 and GLM-4: grouped keys, gated feed-forward, half of a head rotated."""
    if not f.has("ffn_hidden_size"):
        return chatglm1(f)
    values = dict(f.values) if f.flag("multi_query_attention") else {**f.values, "multi_query_group_num": None}
    if f.has("padded_vocab_size"):
        values["vocab_size"] = None
    d = Decoder(read_dims(Fields(values, f.path)), tied=f.flag("tie_word_embeddings"))
    bias = f.flag("add_bias_linear")
    d.embedding_and_head(embedding="transformer.embedding.word_embeddings", head="transformer.output_layer")
    d.tensors.buffer("transformer.rotary_pos_emb.inv_freq", d.dims.head_dim // 4, element_bytes=2)
    for i in range(d.dims.layers):
        layer = f"transformer.encoder.layers.{i}"
        fused_attention(
            d,
            f"{layer}.self_attention",
            qkv="query_key_value",
            out="dense",
            bias=bias or f.flag("add_qkv_bias"),
            out_bias=bias,
        )
        fused_gated_mlp(d, f"{layer}.mlp", gate_up="dense_h_to_4h", down="dense_4h_to_h", bias=bias)
        d.norm(f"{layer}.input_layernorm", f"{layer}.post_attention_layernorm", bias=not f.flag("rmsnorm", True))
        d.keep()
    if f.flag("post_layer_norm", True):
        d.norm("transformer.encoder.final_layernorm", bias=not f.flag("rmsnorm", True))
    return d


def chatglm1(f: Fields) -> Decoder:
    """The first ChatGLM keeps its norms in float32 and a rotary table a layer."""
    d = Decoder(read_dims(f, intermediate=f.count("inner_hidden_size")), tied=f.flag("tie_word_embeddings"))
    d.embedding_and_head(embedding="transformer.word_embeddings")

    def wide_norm(*names: str) -> None:
        for name in names:
            d.tensors.plain(name, d.dims.hidden, bias=True, element_bytes=4)

    for i in range(d.dims.layers):
        layer = f"transformer.layers.{i}"
        fused_attention(d, f"{layer}.attention", qkv="query_key_value", out="dense", bias=True, out_bias=True)
        plain_mlp(d, f"{layer}.mlp", "dense_h_to_4h", "dense_4h_to_h")
        wide_norm(f"{layer}.input_layernorm", f"{layer}.post_attention_layernorm")
        d.tensors.buffer(f"{layer}.attention.rotary_emb.inv_freq", d.dims.head_dim // 4, element_bytes=2)
        d.keep()
    wide_norm("transformer.final_layernorm")
    return d
