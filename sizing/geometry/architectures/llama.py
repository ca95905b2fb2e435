"""Llama and the decoders that differ from it only in biases, norms or windows."""

from __future__ import annotations

import re

from sizing.geometry.architectures.blocks import attention, gated_mlp
from sizing.geometry.architectures.decoder import Decoder, layer_windows, read_dims
from sizing.geometry.architectures.registry import architecture
from sizing.geometry.fields import Fields

NORMS = ("input_layernorm", "post_attention_layernorm")


def llama_like(
    f: Fields,
    *,
    qkv_bias: bool = False,
    out_bias: bool = False,
    mlp_bias: bool = False,
    qk_norm: str = "",
    windows: list[int | None] | None = None,
    norms: tuple[str, ...] = NORMS,
    norm_bias: bool = False,
    head_bias: bool = False,
    tied: bool = False,
    prefix: str = "model",
) -> Decoder:
    """A pre-norm decoder with separate projections and a gated feed-forward."""
    d = Decoder(read_dims(f), tied=f.flag("tie_word_embeddings", tied))
    windows = windows or [None] * d.dims.layers
    head = "lm_head" if prefix == "model" else prefix.removesuffix("model") + "lm_head"
    d.embedding_and_head(embedding=f"{prefix}.embed_tokens", head=head, head_bias=head_bias)
    for i in range(d.dims.layers):
        layer = f"{prefix}.layers.{i}"
        attention(d, f"{layer}.self_attn", bias=qkv_bias, out_bias=out_bias, qk_norm=qk_norm)
        gated_mlp(d, f"{layer}.mlp", bias=mlp_bias)
        d.norm(*(f"{layer}.{name}" for name in norms), bias=norm_bias)
        d.keep(window=windows[i])
    d.norm(f"{prefix}.norm", bias=norm_bias)
    return d


def model_windows(f: Fields) -> list[int | None]:
    """vLLM's general rule: `layer_types` decide, without them `sliding_window` holds for every layer."""
    window = f.count("sliding_window", default=0, least=0)
    return layer_windows(f, f.layers("num_hidden_layers"), window=window or None, default="sliding_attention")


def stores_rotary_table(f: Fields) -> bool:
    """transformers before 4.32 saved each Llama layer's rotary frequencies as a float32 tensor."""
    found = re.match(r"(\d+)\.(\d+)", f.text("transformers_version"))
    return found is not None and (int(found[1]), int(found[2])) < (4, 32)


@architecture(
    "LlamaForCausalLM",
    "LLaMAForCausalLM",
    "AquilaForCausalLM",
    "AquilaModel",
    "XverseForCausalLM",
    "YiForCausalLM",
    "CwmForCausalLM",
)
def llama(f: Fields) -> Decoder:
    """Also Yi, CodeLlama, Vicuna, Granite-code, SmolLM2, DeepSeek-coder: all are stored as Llama."""
    bias = f.flag("attention_bias") or f.flag("bias")
    d = llama_like(f, qkv_bias=bias, out_bias=bias, mlp_bias=f.flag("mlp_bias"), windows=model_windows(f))
    if stores_rotary_table(f):
        for i in range(d.dims.layers):
            d.tensors.buffer(f"model.layers.{i}.self_attn.rotary_emb.inv_freq", d.dims.head_dim // 2, element_bytes=4)
    return d


@architecture("MistralForCausalLM")
def mistral(f: Fields) -> Decoder:
    """v0.1 keeps a window of every layer, also where the field is left out; later ones say `sliding_window: null`."""
    stated = f if "sliding_window" in f.values else Fields({**f.values, "sliding_window": 4096}, f.path)
    return llama_like(stated, windows=model_windows(stated))


def qwen_windows(f: Fields) -> list[int | None]:
    """The window counts only with use_sliding_window, from layer max_window_layers on."""
    layers = f.layers("num_hidden_layers")
    if not f.flag("use_sliding_window"):
        return [None] * layers
    window = f.count("sliding_window", default=4096)
    if f.has("layer_types"):
        return layer_windows(f, layers, window=window)
    first = f.count("max_window_layers", default=layers, least=0)
    return [window if i >= first else None for i in range(layers)]


@architecture("Qwen2ForCausalLM")
def qwen2(f: Fields) -> Decoder:
    return llama_like(f, qkv_bias=True, windows=qwen_windows(f))


@architecture("Qwen3ForCausalLM")
def qwen3(f: Fields) -> Decoder:
    bias = f.flag("attention_bias")
    return llama_like(f, qkv_bias=bias, out_bias=bias, qk_norm="head", windows=qwen_windows(f))
