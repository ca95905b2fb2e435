"""Mixtures with shared experts under ordinary attention: GLM-4.5, dots, Ernie, Hunyuan, Ling."""

from __future__ import annotations

from sizing.geometry.architectures.blocks import attention, expert_mlps, fused_attention, gated_mlp
from sizing.geometry.architectures.decoder import Decoder, layer_windows, read_dims
from sizing.geometry.architectures.deepseek import experts_of, feed_forward
from sizing.geometry.architectures.llama import NORMS
from sizing.geometry.architectures.registry import architecture
from sizing.geometry.fields import Fields
from sizing.geometry.inventory import Inventory
from sizing.geometry.model import Experts


@architecture("Glm4MoeForCausalLM")
def glm4_moe(f: Fields) -> Decoder:
    """GLM-4.5 and later: DeepSeek's experts under grouped-query attention, with a next-token layer."""
    d = Decoder(read_dims(f), tied=f.flag("tie_word_embeddings"))
    d.experts, sparse = experts_of(f, d.dims.layers)
    qk_norm = "head" if f.flag("use_qk_norm") else ""
    bias = f.flag("attention_bias")

    def layer_of(layer: str, with_experts: bool) -> None:
        attention(d, f"{layer}.self_attn", bias=bias, qk_norm=qk_norm)
        feed_forward(d, f"{layer}.mlp", sparse=with_experts, correction=True)
        d.norm(*(f"{layer}.{name}" for name in NORMS))

    d.embedding_and_head()
    for i in range(d.dims.layers):
        layer_of(f"model.layers.{i}", sparse[i])
        d.keep()
    d.norm("model.norm")
    served, d.tensors = d.tensors, Inventory()
    for i in range(f.count("num_nextn_predict_layers", default=0, least=0, most=64)):
        layer = f"model.layers.{d.dims.layers + i}"
        d.norm(f"{layer}.enorm", f"{layer}.hnorm", f"{layer}.shared_head.norm")
        d.tensors.plain(f"{layer}.eh_proj", d.dims.hidden, 2 * d.dims.hidden)
        d.tensors.plain(f"{layer}.embed_tokens", d.dims.vocab, d.dims.hidden)
        d.tensors.plain(f"{layer}.shared_head.head", d.dims.vocab, d.dims.hidden)
        layer_of(layer, d.experts is not None)
    d.extra, d.tensors = d.tensors, served
    return d


@architecture("Dots1ForCausalLM")
def dots1(f: Fields) -> Decoder:
    d = Decoder(read_dims(f), tied=f.flag("tie_word_embeddings"))
    d.experts, sparse = experts_of(f, d.dims.layers)
    windows = layer_windows(f, d.dims.layers, window=f.count("sliding_window", default=4096))
    bias = f.flag("attention_bias")
    d.embedding_and_head()
    for i in range(d.dims.layers):
        layer = f"model.layers.{i}"
        attention(d, f"{layer}.self_attn", bias=bias, out_bias=bias, qk_norm="head")
        feed_forward(d, f"{layer}.mlp", sparse=sparse[i], correction=True)
        d.norm(*(f"{layer}.{name}" for name in NORMS))
        d.keep(window=windows[i])
    d.norm("model.norm")
    return d


@architecture("Ernie4_5_MoeForCausalLM", "Ernie4_5_MoEForCausalLM")
def ernie_moe(f: Fields) -> Decoder:
    d = Decoder(read_dims(f), tied=f.flag("tie_word_embeddings", True))
    count, size = f.count("moe_num_experts", most=2**16), f.count("moe_intermediate_size")
    shared = f.count("moe_num_shared_experts", default=2, least=0) * size
    first = f.count("moe_layer_start_index", default=1, least=0)
    last = f.count("moe_layer_end_index", default=0, least=-1) or -1
    step = f.count("moe_layer_interval", default=1)
    last = d.dims.layers - 1 if last == -1 else last
    sparse = [(i + 1) % step == 0 and first <= i <= last for i in range(d.dims.layers)]
    d.experts = Experts(
        count=count,
        per_token=f.count("moe_k", default=6, most=count),
        intermediate_size=size,
        shared_intermediate_size=shared,
        layers=max(1, sum(sparse)),
    )
    bias = f.flag("use_bias")
    d.embedding_and_head(head_bias=bias)
    for i in range(d.dims.layers):
        layer = f"model.layers.{i}"
        attention(d, f"{layer}.self_attn", bias=bias, out_bias=bias)
        if sparse[i]:
            d.tensors.plain(f"{layer}.mlp.gate", count, d.dims.hidden, element_bytes=4)
            d.tensors.plain(f"{layer}.mlp.moe_statics.e_score_correction_bias", 1, count, element_bytes=4)
            expert_mlps(d, f"{layer}.mlp", count, size)
            if shared:
                gated_mlp(d, f"{layer}.mlp.shared_experts", size=shared, bias=bias)
        else:
            gated_mlp(d, f"{layer}.mlp", bias=bias)
        d.norm(*(f"{layer}.{name}" for name in NORMS))
        d.keep()
    d.norm("model.norm")
    return d


@architecture("HunYuanMoEV1ForCausalLM")
def hunyuan_moe(f: Fields) -> Decoder:
    """Every layer a mixture with one shared feed-forward; some fields may be a list with one value a layer."""
    d = Decoder(read_dims(f), tied=f.flag("tie_word_embeddings"))
    count = uniform(f, "num_experts")
    size = uniform(f, "moe_intermediate_size", d.dims.intermediate)
    shared = uniform(f, "num_shared_expert", 1) * d.dims.intermediate
    d.experts = Experts(
        count=count,
        per_token=min(count, uniform(f, "moe_topk", 1)),
        intermediate_size=size,
        shared_intermediate_size=shared,
        layers=d.dims.layers,
    )
    bias = f.flag("attention_bias")
    d.embedding_and_head()
    for i in range(d.dims.layers):
        layer = f"model.layers.{i}"
        attention(d, f"{layer}.self_attn", bias=bias, out_bias=bias, qk_norm="head" if f.flag("use_qk_norm") else "")
        d.tensors.plain(f"{layer}.mlp.gate.wg", count, d.dims.hidden, element_bytes=4)
        gated_mlp(d, f"{layer}.mlp.shared_mlp", size=shared)
        expert_mlps(d, f"{layer}.mlp", count, size)
        d.norm(*(f"{layer}.{name}" for name in NORMS))
        d.keep()
    d.norm("model.norm")
    return d


def uniform(f: Fields, name: str, default: int | None = None) -> int:
    """A number, or a list whose entries are all that number."""
    if not isinstance(f.values.get(name), list):
        return f.count(name, default=default)
    values = set(f.counts(name, least=1))
    if len(values) != 1:
        raise f.refuse(name, f.values[name], "the same for every layer")
    return values.pop()


@architecture("BailingMoeForCausalLM", "BailingMoeV2ForCausalLM")
def bailing(f: Fields) -> Decoder:
    """Ling: one fused query-key-value matrix; the second version adds norms and a router correction."""
    d = Decoder(read_dims(f), tied=f.flag("tie_word_embeddings"))
    count, size = f.count("num_experts", most=2**16), f.count("moe_intermediate_size")
    shared = f.count("num_shared_experts", default=0, least=0) * f.count(
        "moe_shared_expert_intermediate_size", default=size
    )
    dense = f.count("first_k_dense_replace", default=0, least=0)
    d.experts = Experts(
        count=count,
        per_token=f.count("num_experts_per_tok", most=count),
        intermediate_size=size,
        shared_intermediate_size=shared,
        layers=max(1, d.dims.layers - dense),
    )
    d.embedding_and_head(embedding="model.word_embeddings")
    for i in range(d.dims.layers):
        layer = f"model.layers.{i}"
        fused_attention(
            d,
            f"{layer}.attention",
            qkv="query_key_value",
            out="dense",
            bias=f.flag("use_qkv_bias"),
            out_bias=f.flag("use_bias"),
        )
        if f.flag("use_qk_norm"):
            d.norm(f"{layer}.attention.query_layernorm", f"{layer}.attention.key_layernorm", size=d.dims.head_dim)
        if i < dense:
            gated_mlp(d, f"{layer}.mlp")
        else:
            d.tensors.router(f"{layer}.mlp.gate", d.dims.hidden, count)
            if f.flag("moe_router_enable_expert_bias"):
                d.tensors.plain(f"{layer}.mlp.gate.expert_bias", count, element_bytes=4)
            expert_mlps(d, f"{layer}.mlp", count, size)
            if shared:
                gated_mlp(d, f"{layer}.mlp.shared_experts", size=shared)
        d.norm(*(f"{layer}.{name}" for name in NORMS))
        d.keep()
    d.norm("model.norm")
    return d
