"""Llama 4 and Gemma 4: experts in one tensor a matrix, windows or chunks between full layers, image towers."""

from __future__ import annotations

from typing import Final

from sizing.geometry.architectures.blocks import expert_mlps, gated_mlp
from sizing.geometry.architectures.decoder import Decoder, layer_windows, read_dims
from sizing.geometry.architectures.gemma import FOUR_NORMS
from sizing.geometry.architectures.llama import NORMS
from sizing.geometry.architectures.multimodal import nested, vision
from sizing.geometry.architectures.registry import architecture
from sizing.geometry.fields import Fields
from sizing.geometry.model import Experts, KvGroup
from sizing.geometry.quantization.methods import quantization_section
from sizing.geometry.towers import others
from sizing.geometry.towers.blocks import tower

LLAMA4_TEXT: Final = {
    "vocab_size": 202048,
    "hidden_size": 5120,
    "intermediate_size": 8192,
    "intermediate_size_mlp": 16384,
    "num_hidden_layers": 48,
    "num_attention_heads": 40,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "num_local_experts": 16,
    "num_experts_per_tok": 1,
    "max_position_embeddings": 131072,
}
GEMMA4_TEXT: Final = {
    "vocab_size": 262144,
    "hidden_size": 2304,
    "intermediate_size": 9216,
    "num_hidden_layers": 30,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "global_head_dim": 512,
    "sliding_window": 512,
    "max_position_embeddings": 131072,
    "hidden_size_per_layer_input": 256,
    "vocab_size_per_layer_input": 262144,
}


def unfused(f: Fields) -> bool:
    """llm-compressor takes fused experts apart before it packs them."""
    q = quantization_section(f)
    return q is not None and q.text("quant_method") == "compressed-tensors"


def stacked_experts(d: Decoder, prefix: str, count: int, size: int, *, apart: bool) -> None:
    if apart:
        expert_mlps(d, prefix, count, size)
        return
    d.tensors.linear(f"{prefix}.experts.gate_up_proj", d.dims.hidden, 2 * size, copies=count, stacked=True)
    d.tensors.linear(f"{prefix}.experts.down_proj", size, d.dims.hidden, copies=count, stacked=True)


@architecture("Llama4ForCausalLM")
def llama4_text(f: Fields) -> Decoder:
    return llama4(f, "model", "lm_head", apart=unfused(f))


@architecture("Llama4ForConditionalGeneration")
def llama4_images(f: Fields) -> Decoder:
    text, v = nested(f, LLAMA4_TEXT), vision(f)
    d = llama4(text, "language_model.model", "language_model.lm_head", apart=unfused(f))
    d.text = text
    with tower(d, v.count("hidden_size", default=768), v.layers("num_hidden_layers", default=34)) as t:
        others.llama4(t, v, "vision_model")
        t.linear("multi_modal_projector.linear_1", v.count("vision_output_dim", default=7680), d.dims.hidden)
    return d


def llama4(f: Fields, prefix: str, head: str, *, apart: bool) -> Decoder:
    """Three layers of four attend within chunks; experts beside one shared feed-forward, in every n-th layer."""
    d = Decoder(read_dims(f), tied=f.flag("tie_word_embeddings"))
    count, size = f.count("num_local_experts", most=2**16), d.dims.intermediate
    step, dense = f.count("interleave_moe_layer_step", default=1), f.count("intermediate_size_mlp", default=16384)
    listed = f.counts("moe_layers")
    sparse = [(i in listed) if listed else (i + 1) % step == 0 for i in range(d.dims.layers)]
    if any(sparse):
        d.experts = Experts(
            count=count,
            per_token=f.count("num_experts_per_tok", default=1, most=count),
            intermediate_size=size,
            shared_intermediate_size=size,
            layers=sum(sparse),
        )
    chunk, bias = f.count("attention_chunk_size", default=8192), f.flag("attention_bias")
    rotary = f.counts("no_rope_layers") or tuple(int((i + 1) % 4 != 0) for i in range(d.dims.layers))
    d.embedding_and_head(embedding=f"{prefix}.embed_tokens", head=head)
    for i in range(d.dims.layers):
        layer = f"{prefix}.layers.{i}"
        for name, inputs, outputs in (
            ("q_proj", d.dims.hidden, d.dims.q),
            ("k_proj", d.dims.hidden, d.dims.kv),
            ("v_proj", d.dims.hidden, d.dims.kv),
            ("o_proj", d.dims.q, d.dims.hidden),
        ):
            d.tensors.linear(f"{layer}.self_attn.{name}", inputs, outputs, bias=bias)
        if sparse[i]:
            d.tensors.router(f"{layer}.feed_forward.router", d.dims.hidden, count)
            stacked_experts(d, f"{layer}.feed_forward", count, size, apart=apart)
            gated_mlp(d, f"{layer}.feed_forward.shared_expert", size=size)
        else:
            gated_mlp(d, f"{layer}.feed_forward", size=dense)
        d.norm(*(f"{layer}.{name}" for name in NORMS))
        local = rotary[i] if i < len(rotary) else 1
        d.kv.append(
            KvGroup(
                kind="chunked" if local else "full",
                layers=1,
                kv_heads=d.dims.kv_heads,
                head_dim=d.dims.head_dim,
                value_head_dim=d.dims.head_dim,
                window_tokens=chunk if local else None,
            )
        )
    d.norm(f"{prefix}.norm")
    return d


@architecture("Gemma4ForConditionalGeneration")
def gemma4_images(f: Fields) -> Decoder:
    if f.has("audio_config"):
        raise f.refuse("audio_config", "an object", "null: the audio tower's tensors are not known here")
    text = nested(f, GEMMA4_TEXT)
    d = gemma4(text, "model.language_model", apart=unfused(f))
    d.text, d.bidirectional_images = text, text.text("use_bidirectional_attention") == "vision"
    if not f.has("vision_config"):
        return d
    v = vision(f)
    with tower(d, v.count("hidden_size", default=768), v.layers("num_hidden_layers", default=16)) as t:
        width, _ = others.gemma4(t, v, "model.vision_tower")
        t.linear("model.embed_vision.embedding_projection", width, d.dims.hidden)
    return d


@architecture("Gemma4ForCausalLM")
def gemma4_text(f: Fields) -> Decoder:
    return gemma4(Fields({**GEMMA4_TEXT, **f.values}, f.path), "model", apart=unfused(f))


def gemma4(f: Fields, prefix: str, *, apart: bool) -> Decoder:
    """Full layers have wider heads and may share keys as values; the last layers may reuse earlier ones' keys."""
    d = Decoder(read_dims(f), tied=f.flag("tie_word_embeddings", True))
    hidden, layers = d.dims.hidden, d.dims.layers
    windows = layer_windows(f, layers, window=f.count("sliding_window"), pattern=6)
    shared = f.count("num_kv_shared_layers", default=0, least=0, most=layers)
    same, bias = f.flag("attention_k_eq_v"), f.flag("attention_bias")
    wide, per_layer = f.count("global_head_dim"), f.count("hidden_size_per_layer_input", default=0, least=0)
    mixture = f.flag("enable_moe_block")
    count = f.count("num_experts", most=2**16) if mixture else 0
    size = f.count("moe_intermediate_size", "expert_intermediate_size") if mixture else 0
    if mixture:
        d.experts = Experts(
            count=count,
            per_token=f.count("top_k_experts", most=count),
            intermediate_size=size,
            shared_intermediate_size=d.dims.intermediate,
            layers=layers,
        )
    d.embedding_and_head(embedding=f"{prefix}.embed_tokens")
    for i in range(layers):
        layer, full = f"{prefix}.layers.{i}", windows[i] is None
        head = wide if full else d.dims.head_dim
        kv_heads = f.count("num_global_key_value_heads", default=d.dims.kv_heads) if full and same else d.dims.kv_heads
        reused = shared > 0 and i >= layers - shared
        d.tensors.linear(f"{layer}.self_attn.q_proj", hidden, d.dims.heads * head, bias=bias)
        d.tensors.linear(f"{layer}.self_attn.k_proj", hidden, kv_heads * head, bias=bias)
        if not (full and same):
            d.tensors.linear(f"{layer}.self_attn.v_proj", hidden, kv_heads * head, bias=bias)
        d.tensors.linear(f"{layer}.self_attn.o_proj", d.dims.heads * head, hidden, bias=bias)
        d.norm(f"{layer}.self_attn.q_norm", f"{layer}.self_attn.k_norm", size=head)
        gated_mlp(d, f"{layer}.mlp", size=d.dims.intermediate * (2 if reused and f.flag("use_double_wide_mlp") else 1))
        d.norm(*(f"{layer}.{name}" for name in FOUR_NORMS))
        d.tensors.buffer(f"{layer}.layer_scalar", 1)
        if mixture:
            d.tensors.router(f"{layer}.router.proj", hidden, count)
            d.norm(f"{layer}.router.scale")
            d.tensors.plain(f"{layer}.router.per_expert_scale", count)
            stacked_experts(d, layer, count, size, apart=apart)
            d.norm(
                *(
                    f"{layer}.{name}"
                    for name in (
                        "post_feedforward_layernorm_1",
                        "post_feedforward_layernorm_2",
                        "pre_feedforward_layernorm_2",
                    )
                )
            )
        if per_layer:
            d.tensors.linear(f"{layer}.per_layer_input_gate", hidden, per_layer)
            d.tensors.linear(f"{layer}.per_layer_projection", per_layer, hidden)
            d.norm(f"{layer}.post_per_layer_input_norm")
        if not reused:
            d.keep(window=windows[i], kv_heads=kv_heads, head_dim=head)
    d.norm(f"{prefix}.norm")
    if per_layer:
        rows = f.count("vocab_size_per_layer_input")
        d.tensors.embedding(f"{prefix}.embed_tokens_per_layer", rows, layers * per_layer)
        d.tensors.linear(f"{prefix}.per_layer_model_projection", hidden, layers * per_layer)
        d.norm(f"{prefix}.per_layer_projection_norm", size=per_layer)
    return d
