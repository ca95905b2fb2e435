"""Mixtures of experts with ordinary attention: Mixtral, Qwen-MoE, Phi-MoE, OLMoE, Granite-MoE, DBRX."""

from __future__ import annotations

from sizing.geometry.architectures.blocks import attention, expert_mlps, gated_mlp
from sizing.geometry.architectures.decoder import Decoder, layer_windows, read_dims
from sizing.geometry.architectures.llama import NORMS, model_windows, qwen_windows
from sizing.geometry.architectures.registry import architecture
from sizing.geometry.fields import Fields
from sizing.geometry.model import Experts

MIXTRAL_NAMES = ("w1", "w3", "w2")


@architecture("MixtralForCausalLM")
def mixtral(f: Fields) -> Decoder:
    d = Decoder(read_dims(f), tied=f.flag("tie_word_embeddings"))
    count = f.count("num_local_experts", default=8, most=2**16)
    window = f.count("sliding_window", default=0, least=0)
    windows = layer_windows(f, d.dims.layers, window=window, default="sliding_attention")
    d.experts = Experts(
        count=count,
        per_token=f.count("num_experts_per_tok", default=2, most=count),
        intermediate_size=d.dims.intermediate,
        layers=d.dims.layers,
    )
    d.embedding_and_head()
    for i in range(d.dims.layers):
        layer = f"model.layers.{i}"
        attention(d, f"{layer}.self_attn")
        d.tensors.router(f"{layer}.block_sparse_moe.gate", d.dims.hidden, count)
        expert_mlps(d, f"{layer}.block_sparse_moe", count, d.dims.intermediate, names=MIXTRAL_NAMES)
        d.norm(*(f"{layer}.{name}" for name in NORMS))
        d.keep(window=windows[i])
    d.norm("model.norm")
    return d


def sparse_layers(f: Fields, layers: int) -> list[bool]:
    """Which layers hold experts, by Qwen's two fields."""
    step = f.count("decoder_sparse_step", default=1)
    dense = set(f.counts("mlp_only_layers"))
    return [i not in dense and (i + 1) % step == 0 for i in range(layers)]


def qwen_moe(f: Fields, *, qkv_bias: bool, out_bias: bool, qk_norm: str, shared: int, prefix: str = "model") -> Decoder:
    """Qwen2-MoE (a gated shared expert of size `shared`) and Qwen3-MoE (none)."""
    size = f.count("moe_intermediate_size", most=2**24)
    d = Decoder(
        read_dims(f, intermediate=None if f.has("intermediate_size") else size), tied=f.flag("tie_word_embeddings")
    )
    count = f.count("num_experts", "num_local_experts", most=2**16)
    sparse, windows = sparse_layers(f, d.dims.layers), qwen_windows(f)
    if any(sparse):
        d.experts = Experts(
            count=count,
            per_token=f.count("num_experts_per_tok", most=count),
            intermediate_size=size,
            shared_intermediate_size=shared,
            layers=sum(sparse),
        )
    head = "lm_head" if prefix == "model" else prefix.removesuffix("model") + "lm_head"
    d.embedding_and_head(embedding=f"{prefix}.embed_tokens", head=head)
    for i in range(d.dims.layers):
        layer = f"{prefix}.layers.{i}"
        attention(d, f"{layer}.self_attn", bias=qkv_bias, out_bias=out_bias, qk_norm=qk_norm)
        if sparse[i]:
            d.tensors.router(f"{layer}.mlp.gate", d.dims.hidden, count)
            expert_mlps(d, f"{layer}.mlp", count, size)
            if shared:
                gated_mlp(d, f"{layer}.mlp.shared_expert", size=shared)
                d.tensors.router(f"{layer}.mlp.shared_expert_gate", d.dims.hidden, 1)
        else:
            gated_mlp(d, f"{layer}.mlp")
        d.norm(*(f"{layer}.{name}" for name in NORMS))
        d.keep(window=windows[i])
    d.norm(f"{prefix}.norm")
    return d


@architecture("Qwen2MoeForCausalLM")
def qwen2_moe(f: Fields) -> Decoder:
    return qwen_moe(
        f,
        qkv_bias=f.flag("qkv_bias", True),
        out_bias=False,
        qk_norm="",
        shared=f.count("shared_expert_intermediate_size", default=5632),
    )


@architecture("Qwen3MoeForCausalLM")
def qwen3_moe(f: Fields) -> Decoder:
    bias = f.flag("attention_bias")
    return qwen_moe(f, qkv_bias=bias, out_bias=bias, qk_norm="head", shared=0)


@architecture("OlmoeForCausalLM")
def olmoe(f: Fields) -> Decoder:
    return routed(f, count=f.count("num_experts", most=2**16), qk_norm="full", bias=f.flag("attention_bias"))


@architecture("PhiMoEForCausalLM", "PhimoeForCausalLM")
def phi_moe(f: Fields) -> Decoder:
    """Layer norms with bias, and Mixtral's names for the experts."""
    return routed(
        f,
        count=f.count("num_local_experts", most=2**16),
        bias=f.flag("attention_bias"),
        norm_bias=True,
        block="block_sparse_moe",
        names=MIXTRAL_NAMES,
        head_bias=f.flag("lm_head_bias"),
        windowed=True,
    )


@architecture("MiniMaxM2ForCausalLM")
def minimax_m2(f: Fields) -> Decoder:
    """A norm over all heads of a layer at once; the router and its correction stay float32."""
    f = f.over({"head_dim": 128})
    return routed(
        f,
        count=f.count("num_local_experts", most=2**16),
        qk_norm="full" if f.flag("use_qk_norm", True) else "",
        block="block_sparse_moe",
        names=MIXTRAL_NAMES,
        correction=f.flag("use_routing_bias"),
        router_bytes=4,
    )


@architecture("GraniteMoeForCausalLM", "GraniteMoeSharedForCausalLM")
def granite_moe(f: Fields) -> Decoder:
    """All experts of a layer in two matrices."""
    d = Decoder(read_dims(f), tied=f.flag("tie_word_embeddings"))
    count, size = f.count("num_local_experts", default=8, most=2**16), d.dims.intermediate
    shared, bias = f.count("shared_intermediate_size", default=0, least=0), f.flag("attention_bias")
    d.experts = Experts(
        count=count,
        per_token=f.count("num_experts_per_tok", default=2, most=count),
        intermediate_size=size,
        shared_intermediate_size=shared,
        layers=d.dims.layers,
    )
    d.embedding_and_head()
    for i in range(d.dims.layers):
        layer = f"model.layers.{i}"
        attention(d, f"{layer}.self_attn", bias=bias, out_bias=bias)
        granite_experts(d, layer, count, size, shared)
        d.norm(*(f"{layer}.{name}" for name in NORMS))
        d.keep()
    d.norm("model.norm")
    return d


def granite_experts(d: Decoder, layer: str, count: int, size: int, shared: int) -> None:
    block, hidden = f"{layer}.block_sparse_moe", d.dims.hidden
    d.tensors.router(f"{block}.router.layer", hidden, count)
    d.tensors.linear(f"{block}.input_linear", hidden, 2 * size, copies=count, stacked=True)
    d.tensors.linear(f"{block}.output_linear", size, hidden, copies=count, stacked=True)
    if shared:
        d.tensors.linear(f"{layer}.shared_mlp.input_linear", hidden, 2 * shared)
        d.tensors.linear(f"{layer}.shared_mlp.output_linear", shared, hidden)


def routed(
    f: Fields,
    *,
    count: int,
    bias: bool = False,
    qk_norm: str = "",
    norm_bias: bool = False,
    block: str = "mlp",
    names: tuple[str, str, str] = ("gate_proj", "up_proj", "down_proj"),
    correction: bool = False,
    head_bias: bool = False,
    windowed: bool = False,
    router_bytes: int | None = None,
) -> Decoder:
    """Every layer a mixture with experts of `intermediate_size`."""
    d = Decoder(read_dims(f), tied=f.flag("tie_word_embeddings"))
    size = d.dims.intermediate
    d.experts = Experts(
        count=count,
        per_token=f.count("num_experts_per_tok", default=2, most=count),
        intermediate_size=size,
        layers=d.dims.layers,
    )
    windows = model_windows(f) if windowed else [None] * d.dims.layers
    d.embedding_and_head(head_bias=head_bias)
    for i in range(d.dims.layers):
        layer = f"model.layers.{i}"
        attention(d, f"{layer}.self_attn", bias=bias, out_bias=bias, qk_norm=qk_norm)
        d.tensors.router(f"{layer}.{block}.gate", d.dims.hidden, count, element_bytes=router_bytes)
        if correction:
            d.tensors.plain(f"{layer}.{block}.e_score_correction_bias", count, element_bytes=4)
        expert_mlps(d, f"{layer}.{block}", count, size, names=names)
        d.norm(*(f"{layer}.{name}" for name in NORMS), bias=norm_bias)
        d.keep(window=windows[i])
    d.norm("model.norm", bias=norm_bias)
    return d
