"""Dense decoders that are Llama but for a bias, a norm, a fused matrix or a missing gate."""

from __future__ import annotations

from sizing.geometry.architectures.blocks import attention, fused_attention, fused_gated_mlp, gated_mlp
from sizing.geometry.architectures.decoder import Decoder, layer_windows, read_dims
from sizing.geometry.architectures.gemma import FOUR_NORMS
from sizing.geometry.architectures.llama import NORMS, llama_like, model_windows, qwen_windows
from sizing.geometry.architectures.registry import architecture
from sizing.geometry.fields import Fields

POST_NORMS = ("post_attention_layernorm", "post_feedforward_layernorm")


@architecture("InternLMForCausalLM", "PanguEmbeddedForCausalLM")
def internlm(f: Fields) -> Decoder:
    """One flag puts a bias on all four projections; the rotary table is stored with every layer."""
    bias = f.flag("bias", True)
    d = llama_like(f, qkv_bias=bias, out_bias=bias)
    for i in range(d.dims.layers):
        d.tensors.buffer(f"model.layers.{i}.self_attn.rotary_emb.inv_freq", d.dims.head_dim // 2, element_bytes=4)
    return d


@architecture("InternLM3ForCausalLM")
def internlm3(f: Fields) -> Decoder:
    bias = f.flag("bias")
    return llama_like(f, qkv_bias=f.flag("qkv_bias"), out_bias=bias, mlp_bias=bias)


@architecture("OrionForCausalLM")
def orion(f: Fields) -> Decoder:
    return llama_like(f, norm_bias=True)


@architecture("MiniCPMForCausalLM")
def minicpm(f: Fields) -> Decoder:
    return llama_like(f, tied=True)


@architecture("GraniteForCausalLM", "HeliumForCausalLM", "TeleFLMForCausalLM", "TeleFLM")
def granite(f: Fields) -> Decoder:
    bias = f.flag("attention_bias")
    return llama_like(f, qkv_bias=bias, out_bias=bias, mlp_bias=f.flag("mlp_bias"))


@architecture("SmolLM3ForCausalLM")
def smollm3(f: Fields) -> Decoder:
    bias = f.flag("attention_bias")
    return llama_like(
        f,
        qkv_bias=bias,
        out_bias=bias,
        mlp_bias=f.flag("mlp_bias"),
        tied=True,
        windows=model_windows(f) if f.flag("use_sliding_window") else None,
    )


@architecture("SeedOssForCausalLM")
def seed_oss(f: Fields) -> Decoder:
    return llama_like(
        f, qkv_bias=f.flag("attention_bias", True), out_bias=f.flag("attention_out_bias"), mlp_bias=f.flag("mlp_bias")
    )


@architecture("Ernie4_5ForCausalLM", "Ernie4_5_ForCausalLM")
def ernie(f: Fields) -> Decoder:
    bias = f.flag("use_bias")
    return llama_like(f, qkv_bias=bias, out_bias=bias, mlp_bias=bias, tied=True)


@architecture("HunYuanDenseV1ForCausalLM")
def hunyuan(f: Fields) -> Decoder:
    """Named query_layernorm and key_layernorm in the files; one a head."""
    bias = f.flag("attention_bias")
    return llama_like(f, qkv_bias=bias, out_bias=bias, qk_norm="head" if f.flag("use_qk_norm", True) else "")


@architecture("Ministral3ForCausalLM", "MinistralForCausalLM")
def ministral(f: Fields) -> Decoder:
    return llama_like(f, windows=model_windows(f))


@architecture("MiMoForCausalLM")
def mimo(f: Fields) -> Decoder:
    """Qwen2's decoder, and a stored next-token layer that serving leaves out."""
    d = llama_like(f, qkv_bias=f.flag("attention_bias", True), windows=qwen_windows(f))
    served, d.tensors = d.tensors, type(d.tensors)()
    for i in range(f.count("num_nextn_predict_layers", default=0, least=0, most=64)):
        layer = f"model.mtp_layers.{i}"
        attention(d, f"{layer}.self_attn", bias=f.flag("attention_bias", True))
        gated_mlp(d, f"{layer}.mlp")
        d.norm(*(f"{layer}.{name}" for name in (*NORMS, "token_layernorm", "hidden_layernorm", "final_layernorm")))
        d.tensors.linear(f"{layer}.input_proj", 2 * d.dims.hidden, d.dims.hidden)
    d.extra, d.tensors = d.tensors, served
    return d


@architecture("CohereForCausalLM")
def cohere(f: Fields, windows: list[int | None] | None = None) -> Decoder:
    """One norm a layer; the norms of queries and keys, where used, differ from head to head."""
    bias = f.flag("attention_bias")
    return llama_like(
        f,
        qkv_bias=bias,
        out_bias=bias,
        norms=NORMS[:1],
        tied=True,
        windows=windows,
        qk_norm="full" if f.flag("use_qk_norm") and windows is None else "",
    )


@architecture("Cohere2ForCausalLM")
def cohere2(f: Fields) -> Decoder:
    """Three layers of four keep a window, which here does not count the token itself."""
    pattern = f.count("sliding_window_pattern", "_sliding_window_pattern", default=4)
    return cohere(
        f,
        layer_windows(
            f, f.layers("num_hidden_layers"), window=f.count("sliding_window", default=4096) + 1, pattern=pattern
        ),
    )


@architecture("OlmoForCausalLM")
def olmo(f: Fields) -> Decoder:
    """Its norms have no parameters at all."""
    bias = f.flag("attention_bias")
    d = llama_like(f, qkv_bias=bias, out_bias=bias, norms=())
    d.tensors.tensors = [t for t in d.tensors if t.name != "model.norm"]
    return d


@architecture("Olmo2ForCausalLM", "Olmo3ForCausalLM")
def olmo2(f: Fields) -> Decoder:
    """Norms behind the blocks, and over all heads at once; Olmo 3 adds windows."""
    bias = f.flag("attention_bias")
    three = f.has("sliding_window", "layer_types")
    windows = (
        layer_windows(f, f.layers("num_hidden_layers"), window=f.count("sliding_window", default=4096), pattern=4)
        if three
        else None
    )
    return llama_like(f, qkv_bias=bias, out_bias=bias, qk_norm="full", norms=POST_NORMS, windows=windows)


@architecture("Exaone4ForCausalLM")
def exaone4(f: Fields) -> Decoder:
    """`sliding_window_pattern` is a number, or a string like "LLLG" whose G is full."""
    layers, pattern = f.layers("num_hidden_layers"), f.raw("sliding_window_pattern")
    every = len(pattern) if isinstance(pattern, str) else f.count("sliding_window_pattern", default=4)
    windows = (
        layer_windows(f, layers, window=f.count("sliding_window"), pattern=every) if (f.has("sliding_window")) else None
    )
    return llama_like(f, qk_norm="head", norms=POST_NORMS, windows=windows)


@architecture("StableLmForCausalLM", "StableLMEpochForCausalLM")
def stablelm(f: Fields) -> Decoder:
    """Layer norms with bias; with a parallel residual the second one falls away."""
    norms = NORMS[:1] if f.flag("use_parallel_residual") else NORMS
    d = llama_like(f, qkv_bias=f.flag("use_qkv_bias"), norm_bias=True, norms=norms)
    if f.flag("qk_layernorm"):
        for i in range(d.dims.layers):
            for name, heads in (("q_layernorm", d.dims.heads), ("k_layernorm", d.dims.kv_heads)):
                d.tensors.plain(f"model.layers.{i}.self_attn.{name}.norms.0", d.dims.head_dim, copies=heads)
    return d


@architecture("GlmForCausalLM")
def glm(f: Fields, norms: tuple[str, ...] = NORMS) -> Decoder:
    d = Decoder(read_dims(f, kv_default=2), tied=f.flag("tie_word_embeddings"))
    d.embedding_and_head()
    for i in range(d.dims.layers):
        layer = f"model.layers.{i}"
        attention(d, f"{layer}.self_attn", bias=f.flag("attention_bias", True))
        fused_gated_mlp(d, f"{layer}.mlp")
        d.norm(*(f"{layer}.{name}" for name in norms))
        d.keep()
    d.norm("model.norm")
    return d


@architecture("Glm4ForCausalLM")
def glm4(f: Fields) -> Decoder:
    return glm(f, FOUR_NORMS)


@architecture("Phi3ForCausalLM", "Phi3SmallForCausalLM", "Phi4ForCausalLM")
def phi3(f: Fields) -> Decoder:
    """Phi-3, 3.5 and 4: everything fused, no biases."""
    if f.has("mup_use_scaling", "blocksparse_block_size"):
        raise f.refuse("architectures", "Phi3SmallForCausalLM", "a Phi-3 without block-sparse attention")
    d = Decoder(read_dims(f), tied=f.flag("tie_word_embeddings"))
    windows = model_windows(f)
    d.embedding_and_head()
    for i in range(d.dims.layers):
        layer = f"model.layers.{i}"
        fused_attention(d, f"{layer}.self_attn")
        fused_gated_mlp(d, f"{layer}.mlp")
        d.norm(*(f"{layer}.{name}" for name in NORMS))
        d.keep(window=windows[i])
    d.norm("model.norm")
    return d
