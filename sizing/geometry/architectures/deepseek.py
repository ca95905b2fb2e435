"""DeepSeek V2 and V3: latent attention, many small experts, in V3 a stored next-token layer."""

from __future__ import annotations

from sizing.geometry.architectures.blocks import attention, expert_mlps, gated_mlp
from sizing.geometry.architectures.decoder import Decoder, read_dims
from sizing.geometry.architectures.llama import NORMS
from sizing.geometry.architectures.registry import architecture
from sizing.geometry.fields import Fields
from sizing.geometry.inventory import Inventory
from sizing.geometry.model import Experts


def latent_attention(d: Decoder, f: Fields, prefix: str, *, bias: bool = False) -> None:
    """Queries and keys through low-rank matrices; what a token keeps is the key/value latent and one rope part."""
    rank, rope = f.count("kv_lora_rank"), f.count("qk_rope_head_dim")
    nope, value = f.count("qk_nope_head_dim"), f.count("v_head_dim")
    heads, hidden, query_rank = d.dims.heads, d.dims.hidden, f.count("q_lora_rank", default=0, least=0)
    if query_rank:
        d.tensors.linear(f"{prefix}.q_a_proj", hidden, query_rank, bias=bias)
        d.norm(f"{prefix}.q_a_layernorm", size=query_rank)
        d.tensors.linear(f"{prefix}.q_b_proj", query_rank, heads * (nope + rope))
    else:
        d.tensors.linear(f"{prefix}.q_proj", hidden, heads * (nope + rope))
    d.tensors.linear(f"{prefix}.kv_a_proj_with_mqa", hidden, rank + rope, bias=bias)
    d.norm(f"{prefix}.kv_a_layernorm", size=rank)
    d.tensors.linear(f"{prefix}.kv_b_proj", rank, heads * (nope + value))
    d.tensors.linear(f"{prefix}.o_proj", heads * value, hidden, bias=bias)
    d.qk_nope = nope


def experts_of(f: Fields, layers: int) -> tuple[Experts | None, list[bool]]:
    """The mixture and which layers have it."""
    if not f.has("n_routed_experts"):
        return None, [False] * layers
    count, size = f.count("n_routed_experts", most=2**16), f.count("moe_intermediate_size")
    dense, step = f.count("first_k_dense_replace", default=0, least=0), f.count("moe_layer_freq", default=1)
    sparse = [i >= dense and i % step == 0 for i in range(layers)]
    if not any(sparse):
        return None, sparse
    shared = f.count("n_shared_experts", default=0, least=0) * size
    return Experts(
        count=count,
        per_token=f.count("num_experts_per_tok", most=count),
        intermediate_size=size,
        shared_intermediate_size=shared,
        layers=sum(sparse),
    ), sparse


def feed_forward(d: Decoder, prefix: str, *, sparse: bool, correction: bool) -> None:
    """A dense layer, or routed experts with shared ones beside them."""
    e = d.experts
    if not sparse or e is None:
        gated_mlp(d, prefix)
        return
    # The router is a bare parameter in the published code, so no packing touches it.
    d.tensors.plain(f"{prefix}.gate", e.count, d.dims.hidden)
    if correction:
        d.tensors.plain(f"{prefix}.gate.e_score_correction_bias", e.count, element_bytes=4)
    expert_mlps(d, prefix, e.count, e.intermediate_size)
    if e.shared_intermediate_size:
        gated_mlp(d, f"{prefix}.shared_experts", size=e.shared_intermediate_size)


def next_token_layers(d: Decoder, f: Fields, *, correction: bool, sparse_index: bool = False) -> None:
    """V3 stores the layers that draft the next token behind the others, with their own table and head."""
    served, d.tensors = d.tensors, Inventory()
    for i in range(d.dims.layers, d.dims.layers + f.count("num_nextn_predict_layers", default=0, least=0, most=64)):
        layer = f"model.layers.{i}"
        d.norm(f"{layer}.enorm", f"{layer}.hnorm", f"{layer}.shared_head.norm")
        d.tensors.plain(f"{layer}.eh_proj", d.dims.hidden, 2 * d.dims.hidden)
        d.tensors.plain(f"{layer}.embed_tokens", d.dims.vocab, d.dims.hidden)
        d.tensors.plain(f"{layer}.shared_head.head", d.dims.vocab, d.dims.hidden)
        decoder_layer(d, f, layer, sparse=d.experts is not None, correction=correction, sparse_index=sparse_index)
    d.extra, d.tensors = d.tensors, served


def indexer(d: Decoder, f: Fields, prefix: str) -> None:
    """V3.2's index: it scores tokens to attend to the best `index_topk` only."""
    heads, size = f.count("index_n_heads"), f.count("index_head_dim")
    d.tensors.linear(f"{prefix}.wq_b", f.count("q_lora_rank"), heads * size)
    d.tensors.linear(f"{prefix}.wk", d.dims.hidden, size)
    d.tensors.plain(f"{prefix}.k_norm", size, bias=True, element_bytes=4)
    d.tensors.plain(f"{prefix}.weights_proj", heads, d.dims.hidden)


def decoder_layer(d: Decoder, f: Fields, layer: str, *, sparse: bool, correction: bool, sparse_index: bool) -> None:
    latent_attention(d, f, f"{layer}.self_attn", bias=f.flag("attention_bias"))
    if sparse_index:
        indexer(d, f, f"{layer}.self_attn.indexer")
    feed_forward(d, f"{layer}.mlp", sparse=sparse, correction=correction)
    d.norm(*(f"{layer}.{name}" for name in NORMS))


def deepseek(f: Fields, *, sparse_index: bool = False) -> Decoder:
    """V2, V3, R1, Kimi-K2 and what is stored like them."""
    d = Decoder(
        read_dims(f, head_dim=f.count("qk_nope_head_dim") + f.count("qk_rope_head_dim")),
        tied=f.flag("tie_word_embeddings"),
    )
    d.experts, sparse = experts_of(f, d.dims.layers)
    d.sparse_index = sparse_index
    correction = f.text("topk_method") == "noaux_tc"
    d.embedding_and_head()
    for i in range(d.dims.layers):
        decoder_layer(d, f, f"model.layers.{i}", sparse=sparse[i], correction=correction, sparse_index=sparse_index)
        d.keep_latent(f.count("kv_lora_rank"), f.count("qk_rope_head_dim"))
    d.norm("model.norm")
    next_token_layers(d, f, correction=correction, sparse_index=sparse_index)
    return d


@architecture("DeepseekV2ForCausalLM", "DeepseekV3ForCausalLM")
def deepseek_v2(f: Fields) -> Decoder:
    return deepseek(f) if f.has("kv_lora_rank") else deepseek_v1(f)


@architecture("DeepseekV32ForCausalLM", "GlmMoeDsaForCausalLM")
def deepseek_v32(f: Fields) -> Decoder:
    return deepseek(f, sparse_index=True)


@architecture("DeepseekForCausalLM")
def deepseek_v1(f: Fields, prefix: str = "model") -> Decoder:
    """The first DeepSeek mixture: ordinary attention."""
    d = Decoder(read_dims(f), tied=f.flag("tie_word_embeddings"))
    d.experts, sparse = experts_of(f, d.dims.layers)
    d.embedding_and_head(embedding=f"{prefix}.embed_tokens")
    for i in range(d.dims.layers):
        layer = f"{prefix}.layers.{i}"
        attention(d, f"{layer}.self_attn", bias=f.flag("attention_bias"), out_bias=f.flag("attention_bias"))
        feed_forward(d, f"{layer}.mlp", sparse=sparse[i], correction=False)
        d.norm(*(f"{layer}.{name}" for name in NORMS))
        d.keep()
    d.norm(f"{prefix}.norm")
    return d


@architecture("MiniCPM3ForCausalLM")
def minicpm3(f: Fields) -> Decoder:
    """Latent matrices, but vLLM caches whole heads: keys and values at the width of a key."""
    width = f.count("qk_nope_head_dim") + f.count("qk_rope_head_dim")
    d = Decoder(read_dims(f, head_dim=width), tied=f.flag("tie_word_embeddings", True))
    value = f.count("v_head_dim", default=d.dims.hidden // d.dims.heads)
    fields = Fields({**f.values, "v_head_dim": value}, f.path)
    d.embedding_and_head()
    for i in range(d.dims.layers):
        layer = f"model.layers.{i}"
        latent_attention(d, fields, f"{layer}.self_attn", bias=f.flag("attention_bias"))
        gated_mlp(d, f"{layer}.mlp", bias=f.flag("mlp_bias"))
        d.norm(*(f"{layer}.{name}" for name in NORMS))
        d.keep(kv_heads=d.dims.heads, head_dim=width)
    d.norm("model.norm")
    return d
