"""Decoders in which most layers keep a fixed state: gated delta nets, Mamba 2, lightning attention, convolutions."""

from __future__ import annotations

from sizing.geometry.architectures.blocks import attention, expert_mlps, gated_mlp
from sizing.geometry.architectures.decoder import Decoder, read_dims
from sizing.geometry.architectures.llama import NORMS
from sizing.geometry.architectures.mixture import MIXTRAL_NAMES, granite_experts, sparse_layers
from sizing.geometry.architectures.registry import architecture
from sizing.geometry.fields import Fields
from sizing.geometry.inventory import Inventory
from sizing.geometry.model import Experts, RecurrentState


def linear_layers(f: Fields, layers: int) -> list[bool]:
    """Which layers are linear attention: `layer_types`, else all but every `full_attention_interval`-th."""
    types = f.texts("layer_types")
    if types and len(types) < layers:
        raise f.refuse("layer_types", f"{len(types)} entries", f"one entry for each of {layers} layers")
    if types:
        return [t == "linear_attention" for t in types[:layers]]
    every = f.count("full_attention_interval", default=4)
    return [(i + 1) % every != 0 for i in range(layers)]


def delta_net(d: Decoder, f: Fields, prefix: str, *, fused: bool, wide: bool) -> int:
    """A gated delta net; returns the elements of one sequence's state. `wide`: decay and norm stay float32."""
    keys, values = f.count("linear_num_key_heads"), f.count("linear_num_value_heads")
    key_dim, value_dim = f.count("linear_key_head_dim"), f.count("linear_value_head_dim")
    kernel, hidden = f.count("linear_conv_kernel_dim", default=4), d.dims.hidden
    key, value = keys * key_dim, values * value_dim
    if fused:
        d.tensors.linear(f"{prefix}.in_proj_qkvz", hidden, 2 * key + 2 * value)
        d.tensors.linear(f"{prefix}.in_proj_ba", hidden, 2 * values)
    else:
        d.tensors.linear(f"{prefix}.in_proj_qkv", hidden, 2 * key + value)
        d.tensors.linear(f"{prefix}.in_proj_z", hidden, value)
        d.tensors.linear(f"{prefix}.in_proj_b", hidden, values)
        d.tensors.linear(f"{prefix}.in_proj_a", hidden, values)
    d.tensors.plain(f"{prefix}.conv1d", 2 * key + value, 1, kernel)
    d.tensors.plain(f"{prefix}.dt_bias", values)
    d.tensors.plain(f"{prefix}.A_log", values, element_bytes=4 if wide else None)
    d.tensors.plain(f"{prefix}.norm", value_dim, element_bytes=4 if wide else None)
    d.tensors.linear(f"{prefix}.out_proj", value, hidden)
    return (kernel - 1) * (2 * key + value) + values * key_dim * value_dim


def gated_delta(f: Fields, *, fused: bool, mixture: bool, prefix: str = "model", head: str = "lm_head",
                published: bool = False, drafts: bool = True) -> Decoder:
    """Qwen3-Next and Qwen3.5: delta nets with a full, gated attention layer in between.

    `published`: Qwen's own files, which keep the decay and its norm in float32; exports made by transformers
    do not, and leave out the next-token layers (`drafts`).
    """
    size = f.count("moe_intermediate_size", default=0, least=0)
    d = Decoder(read_dims(f, intermediate=None if f.has("intermediate_size") else size),
                tied=f.flag("tie_word_embeddings"))
    linear = linear_layers(f, d.dims.layers)
    count = f.count("num_experts", default=0, least=0, most=2**16) if mixture else 0
    shared = f.count("shared_expert_intermediate_size", default=0, least=0)
    sparse = sparse_layers(f, d.dims.layers) if count else [False] * d.dims.layers
    if count and any(sparse):
        d.experts = Experts(count=count, per_token=f.count("num_experts_per_tok", most=count), intermediate_size=size,
                            shared_intermediate_size=shared, layers=sum(sparse))
    state = 0

    def block(layer: str, is_linear: bool, with_experts: bool) -> int:
        kept = 0
        if is_linear:
            kept = delta_net(d, f, f"{layer}.linear_attn", fused=fused, wide=published)
        else:
            attention(d, f"{layer}.self_attn", bias=f.flag("attention_bias"), out_bias=f.flag("attention_bias"),
                      qk_norm="head", gate=f.flag("attn_output_gate", True))
        if with_experts:
            d.tensors.router(f"{layer}.mlp.gate", d.dims.hidden, count)
            expert_mlps(d, f"{layer}.mlp", count, size)
            if shared:
                gated_mlp(d, f"{layer}.mlp.shared_expert", size=shared)
                d.tensors.router(f"{layer}.mlp.shared_expert_gate", d.dims.hidden, 1)
        else:
            gated_mlp(d, f"{layer}.mlp")
        d.norm(*(f"{layer}.{name}" for name in NORMS))
        return kept

    d.embedding_and_head(embedding=f"{prefix}.embed_tokens", head=head)
    for i in range(d.dims.layers):
        state = block(f"{prefix}.layers.{i}", linear[i], sparse[i]) or state
        if not linear[i]:
            d.keep()
    d.norm(f"{prefix}.norm")
    if any(linear):
        d.recurrent = RecurrentState(layers=sum(linear), elements_per_layer=state)
    served, d.tensors = d.tensors, Inventory()
    next_layers = f.count("mtp_num_hidden_layers", "num_nextn_predict_layers", default=0, least=0, most=64) if drafts else 0
    for i in range(next_layers):
        block(f"mtp.layers.{i}", False, count > 0)
    if next_layers:
        d.norm("mtp.norm", "mtp.pre_fc_norm_embedding", "mtp.pre_fc_norm_hidden")
        d.tensors.linear("mtp.fc", 2 * d.dims.hidden, d.dims.hidden)
    d.extra, d.tensors = d.tensors, served
    return d


@architecture("Qwen3NextForCausalLM")
def qwen3_next(f: Fields) -> Decoder:
    """The published files hold one next-token layer that the config does not count."""
    return gated_delta(Fields({"num_nextn_predict_layers": 1, **f.values}, f.path), fused=True, mixture=True)


@architecture("Qwen3_5ForCausalLM")
def qwen3_5(f: Fields) -> Decoder:
    return gated_delta(f, fused=False, mixture=False, drafts=False)


@architecture("Qwen3_5MoeForCausalLM")
def qwen3_5_moe(f: Fields) -> Decoder:
    return gated_delta(f, fused=False, mixture=True, drafts=False)


def mamba2(d: Decoder, prefix: str, *, heads: int, head_dim: int, groups: int, state: int, kernel: int,
           bias: bool, conv_bias: bool, float_scalars: bool = False) -> int:
    """A Mamba 2 mixer; returns the elements of one sequence's state."""
    inner, hidden = heads * head_dim, d.dims.hidden
    conv = inner + 2 * groups * state
    scalars = 4 if float_scalars else None
    d.tensors.linear(f"{prefix}.in_proj", hidden, inner + conv + heads, bias=bias)
    d.tensors.plain(f"{prefix}.conv1d", conv, 1, kernel, bias=conv_bias)
    for name in ("dt_bias", "A_log", "D"):
        d.tensors.plain(f"{prefix}.{name}", heads, element_bytes=scalars)
    d.norm(f"{prefix}.norm", size=inner)
    d.tensors.linear(f"{prefix}.out_proj", inner, hidden, bias=bias)
    return (kernel - 1) * conv + heads * head_dim * state


@architecture("NemotronHForCausalLM")
def nemotron_h(f: Fields) -> Decoder:
    """One mixer a layer, by a letter: M is Mamba 2, * attention, - a feed-forward, E a mixture."""
    pattern = f.text("hybrid_override_pattern")
    layers = f.layers("num_hidden_layers", ) if f.has("num_hidden_layers") else len(pattern)
    if len(pattern) != layers or set(pattern) - set("M*-E"):
        raise f.refuse("hybrid_override_pattern", pattern, f"{layers} letters of M, *, - and E")
    d = Decoder(read_dims(f), tied=f.flag("tie_word_embeddings"))
    count, size = f.count("n_routed_experts", default=0, least=0, most=2**16), f.count(
        "moe_intermediate_size", default=d.dims.intermediate)
    shared = f.count("moe_shared_expert_intermediate_size", default=0, least=0) * f.count(
        "n_shared_experts", default=1, least=0)
    if "E" in pattern:
        d.experts = Experts(count=count, per_token=f.count("num_experts_per_tok", most=count), intermediate_size=size,
                            shared_intermediate_size=shared, layers=pattern.count("E"))
    bias, hidden, state = f.flag("mlp_bias"), d.dims.hidden, 0
    d.embedding_and_head(embedding="backbone.embeddings")
    for i, letter in enumerate(pattern):
        mixer = f"backbone.layers.{i}.mixer"
        d.norm(f"backbone.layers.{i}.norm")
        if letter == "M":
            state = mamba2(d, mixer, heads=f.count("mamba_num_heads"), head_dim=f.count("mamba_head_dim"),
                           groups=f.count("n_groups", "mamba_n_groups"), state=f.count("ssm_state_size", "mamba_d_state"),
                           kernel=f.count("conv_kernel", default=4), bias=f.flag("use_bias"),
                           conv_bias=f.flag("use_conv_bias", True))
        elif letter == "*":
            attention(d, mixer, bias=f.flag("attention_bias"), out_bias=f.flag("attention_bias"))
            d.keep()
        elif letter == "-":
            d.tensors.linear(f"{mixer}.up_proj", hidden, d.dims.intermediate, bias=bias)
            d.tensors.linear(f"{mixer}.down_proj", d.dims.intermediate, hidden, bias=bias)
        else:
            d.tensors.plain(f"{mixer}.gate", count, hidden)
            d.tensors.plain(f"{mixer}.gate.e_score_correction_bias", count, element_bytes=4)
            d.tensors.linear(f"{mixer}.experts.0.up_proj", hidden, size, bias=bias, copies=count)
            d.tensors.linear(f"{mixer}.experts.0.down_proj", size, hidden, bias=bias, copies=count)
            if shared:
                d.tensors.linear(f"{mixer}.shared_experts.up_proj", hidden, shared, bias=bias)
                d.tensors.linear(f"{mixer}.shared_experts.down_proj", shared, hidden, bias=bias)
    d.norm("backbone.norm_f")
    if "M" in pattern:
        d.recurrent = RecurrentState(layers=pattern.count("M"), elements_per_layer=state)
    return d


@architecture("GraniteMoeHybridForCausalLM")
def granite_hybrid(f: Fields) -> Decoder:
    """Granite 4: Mamba 2 layers and a few full ones, each with a mixture or one feed-forward."""
    d = Decoder(read_dims(f), tied=f.flag("tie_word_embeddings"))
    types = f.texts("layer_types") or f.texts("layers_block_type")
    if len(types) != d.dims.layers:
        raise f.refuse("layer_types", f"{len(types)} entries", f"one entry for each of {d.dims.layers} layers")
    count, shared = f.count("num_local_experts", default=0, least=0, most=2**16), f.count("shared_intermediate_size")
    if count:
        d.experts = Experts(count=count, per_token=f.count("num_experts_per_tok", most=count), layers=d.dims.layers,
                            intermediate_size=d.dims.intermediate, shared_intermediate_size=shared)
    state = 0
    d.embedding_and_head()
    for i, kind in enumerate(types):
        layer = f"model.layers.{i}"
        if kind == "mamba":
            state = mamba2(d, f"{layer}.mamba", heads=f.count("mamba_n_heads"), head_dim=f.count("mamba_d_head"),
                           groups=f.count("mamba_n_groups", default=1), state=f.count("mamba_d_state"),
                           kernel=f.count("mamba_d_conv", default=4), bias=f.flag("mamba_proj_bias"),
                           conv_bias=f.flag("mamba_conv_bias", True))
        else:
            attention(d, f"{layer}.self_attn", bias=f.flag("attention_bias"), out_bias=f.flag("attention_bias"))
            d.keep()
        if count:
            granite_experts(d, layer, count, d.dims.intermediate, shared)
        else:
            d.tensors.linear(f"{layer}.shared_mlp.input_linear", d.dims.hidden, 2 * shared)
            d.tensors.linear(f"{layer}.shared_mlp.output_linear", shared, d.dims.hidden)
        d.norm(*(f"{layer}.{name}" for name in NORMS))
    d.norm("model.norm")
    mambas = sum(kind == "mamba" for kind in types)
    if mambas:
        d.recurrent = RecurrentState(layers=mambas, elements_per_layer=state)
    return d


@architecture("MiniMaxM1ForCausalLM", "MiniMaxText01ForCausalLM", "MiniMaxForCausalLM")
def minimax(f: Fields) -> Decoder:
    """Lightning attention with a full layer in every eighth place; each layer a mixture."""
    d = Decoder(read_dims(f), tied=f.flag("tie_word_embeddings"))
    full = f.counts("attn_type_list") or tuple(int(t == "full_attention") for t in f.texts("layer_types"))
    if len(full) != d.dims.layers:
        raise f.refuse("attn_type_list", f"{len(full)} entries", f"one entry for each of {d.dims.layers} layers")
    count, size, heads = f.count("num_local_experts", most=2**16), d.dims.intermediate, d.dims.q
    d.experts = Experts(count=count, per_token=f.count("num_experts_per_tok", default=2, most=count),
                        intermediate_size=size, layers=d.dims.layers)
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
        width = int(f.number("block_ffn_dim_multiplier", 1.0) * (2 * width // 3))
        width = -(-width // unit) * unit
    d = Decoder(read_dims(f, intermediate=width), tied=f.flag("tie_embedding", f.flag("tie_word_embeddings", True)))
    types, listed = f.texts("layer_types"), set(f.counts("full_attn_idxs"))
    full = [types[i] == "full_attention" if i < len(types) else not types and (i in listed or not listed)
            for i in range(d.dims.layers)]
    bias, hidden, kernel = f.flag("conv_bias"), d.dims.hidden, f.count("conv_L_cache", default=3)
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
