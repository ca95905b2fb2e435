"""Gemma 1 to 3: tied embeddings, wide heads, and from Gemma 2 on sliding layers between full ones."""

from __future__ import annotations

from sizing.geometry.architectures.decoder import Decoder, layer_windows
from sizing.geometry.architectures.llama import llama_like
from sizing.geometry.architectures.registry import architecture
from sizing.geometry.fields import Fields

FOUR_NORMS = ("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm")


@architecture("GemmaForCausalLM")
def gemma(f: Fields) -> Decoder:
    bias = f.flag("attention_bias")
    return llama_like(f, tied=True, qkv_bias=bias, out_bias=bias)


@architecture("Gemma2ForCausalLM")
def gemma2(f: Fields) -> Decoder:
    window = f.count("sliding_window", default=4096)
    bias = f.flag("attention_bias")
    return llama_like(
        f,
        tied=True,
        norms=FOUR_NORMS,
        qkv_bias=bias,
        out_bias=bias,
        windows=layer_windows(f, f.layers("num_hidden_layers"), window=window, pattern=2),
    )


@architecture("Gemma3ForCausalLM")
def gemma3(f: Fields, prefix: str = "model") -> Decoder:
    window = f.count("sliding_window", default=4096)
    pattern = f.count("sliding_window_pattern", "_sliding_window_pattern", default=6)
    bias = f.flag("attention_bias")
    return llama_like(
        f,
        tied=True,
        norms=FOUR_NORMS,
        qk_norm="head",
        prefix=prefix,
        qkv_bias=bias,
        out_bias=bias,
        windows=layer_windows(f, f.layers("num_hidden_layers"), window=window, pattern=pattern),
    )
