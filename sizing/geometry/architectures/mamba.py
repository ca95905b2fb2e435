"""Mamba 2 layers with a few full ones in between: Nemotron-H and Granite 4."""

from __future__ import annotations

from sizing.geometry.architectures.blocks import attention
from sizing.geometry.architectures.decoder import Decoder, read_dims
from sizing.geometry.architectures.llama import NORMS
from sizing.geometry.architectures.mixture import granite_experts
from sizing.geometry.architectures.registry import architecture
from sizing.geometry.fields import Fields
from sizing.geometry.model import Experts, RecurrentState


def mamba2(
    d: Decoder,
    prefix: str,
    *,
    heads: int,
    head_dim: int,
    groups: int,
    state: int,
    kernel: int,
    bias: bool,
    conv_bias: bool,
    float_scalars: bool = False,
) -> int:
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
    layers = (
        f.layers(
            "num_hidden_layers",
        )
        if f.has("num_hidden_layers")
        else len(pattern)
    )
    if len(pattern) != layers or set(pattern) - set("M*-E"):
        raise f.refuse("hybrid_override_pattern", pattern, f"{layers} letters of M, *, - and E")
    d = Decoder(read_dims(f), tied=f.flag("tie_word_embeddings"))
    count, size = (
        f.count("n_routed_experts", default=0, least=0, most=2**16),
        f.count("moe_intermediate_size", default=d.dims.intermediate),
    )
    shared = f.count("moe_shared_expert_intermediate_size", default=0, least=0) * f.count(
        "n_shared_experts", default=1, least=0
    )
    if "E" in pattern:
        d.experts = Experts(
            count=count,
            per_token=f.count("num_experts_per_tok", most=count),
            intermediate_size=size,
            shared_intermediate_size=shared,
            layers=pattern.count("E"),
        )
    bias, hidden, state = f.flag("mlp_bias"), d.dims.hidden, 0
    d.embedding_and_head(embedding="backbone.embeddings")
    for i, letter in enumerate(pattern):
        mixer = f"backbone.layers.{i}.mixer"
        d.norm(f"backbone.layers.{i}.norm")
        if letter == "M":
            state = mamba2(
                d,
                mixer,
                heads=f.count("mamba_num_heads"),
                head_dim=f.count("mamba_head_dim"),
                groups=f.count("n_groups", "mamba_n_groups"),
                state=f.count("ssm_state_size", "mamba_d_state"),
                kernel=f.count("conv_kernel", default=4),
                bias=f.flag("use_bias"),
                conv_bias=f.flag("use_conv_bias", True),
            )
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
        d.experts = Experts(
            count=count,
            per_token=f.count("num_experts_per_tok", most=count),
            layers=d.dims.layers,
            intermediate_size=d.dims.intermediate,
            shared_intermediate_size=shared,
        )
    state = 0
    d.embedding_and_head()
    for i, kind in enumerate(types):
        layer = f"model.layers.{i}"
        if kind == "mamba":
            state = mamba2(
                d,
                f"{layer}.mamba",
                heads=f.count("mamba_n_heads"),
                head_dim=f.count("mamba_d_head"),
                groups=f.count("mamba_n_groups", default=1),
                state=f.count("mamba_d_state"),
                kernel=f.count("mamba_d_conv", default=4),
                bias=f.flag("mamba_proj_bias"),
                conv_bias=f.flag("mamba_conv_bias", True),
            )
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
