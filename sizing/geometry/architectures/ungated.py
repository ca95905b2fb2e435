"""Dense decoders whose feed-forward has no gate: StarCoder 2, Phi 1 and 2, Nemotron, Arcee, Apertus."""

from __future__ import annotations

from sizing.geometry.architectures.blocks import attention, plain_mlp
from sizing.geometry.architectures.decoder import Decoder, read_dims
from sizing.geometry.architectures.llama import NORMS, model_windows
from sizing.geometry.architectures.registry import architecture
from sizing.geometry.fields import Fields


def ungated(
    f: Fields,
    up: str,
    down: str,
    *,
    norm_bias: bool,
    bias: bool,
    mlp_bias: bool,
    tied: bool = False,
    norms: tuple[str, ...] = NORMS,
    out: str = "o_proj",
    head_bias: bool = False,
    final_norm: str = "model.norm",
    windows: list[int | None] | None = None,
) -> Decoder:
    """Separate projections and a feed-forward without a gate."""
    d = Decoder(read_dims(f), tied=f.flag("tie_word_embeddings", tied))
    d.embedding_and_head(head_bias=head_bias)
    for i in range(d.dims.layers):
        layer = f"model.layers.{i}"
        attention(d, f"{layer}.self_attn", bias=bias, out_bias=bias, out=out)
        plain_mlp(d, f"{layer}.mlp", up, down, bias=mlp_bias)
        d.norm(*(f"{layer}.{name}" for name in norms), bias=norm_bias)
        d.keep(window=windows[i] if windows else None)
    d.norm(final_norm, bias=norm_bias)
    return d


@architecture("Starcoder2ForCausalLM")
def starcoder2(f: Fields) -> Decoder:
    bias = f.flag("use_bias", True)
    return ungated(f, "c_fc", "c_proj", norm_bias=True, bias=bias, mlp_bias=bias, tied=True, windows=model_windows(f))


@architecture("PhiForCausalLM")
def phi(f: Fields) -> Decoder:
    """Phi-1 and 2: one norm feeds attention and feed-forward side by side."""
    d = ungated(
        f,
        "fc1",
        "fc2",
        norm_bias=True,
        bias=True,
        mlp_bias=True,
        norms=NORMS[:1],
        out="dense",
        head_bias=True,
        final_norm="model.final_layernorm",
    )
    if f.flag("qk_layernorm"):
        for i in range(d.dims.layers):
            d.norm(
                f"model.layers.{i}.self_attn.q_layernorm",
                f"model.layers.{i}.self_attn.k_layernorm",
                size=d.dims.head_dim,
                bias=True,
            )
    return d


@architecture("NemotronForCausalLM")
def nemotron(f: Fields) -> Decoder:
    return ungated(
        f, "up_proj", "down_proj", norm_bias=True, bias=f.flag("attention_bias"), mlp_bias=f.flag("mlp_bias")
    )


@architecture("ArceeForCausalLM")
def arcee(f: Fields) -> Decoder:
    return ungated(
        f, "up_proj", "down_proj", norm_bias=False, bias=f.flag("attention_bias"), mlp_bias=f.flag("mlp_bias")
    )


@architecture("ApertusForCausalLM")
def apertus(f: Fields) -> Decoder:
    """A learned activation: two scalars a layer, and two constants stored with them."""
    d = ungated(
        f,
        "up_proj",
        "down_proj",
        norm_bias=False,
        bias=f.flag("attention_bias"),
        mlp_bias=False,
        norms=("attention_layernorm", "feedforward_layernorm"),
    )
    for i in range(d.dims.layers):
        layer = f"model.layers.{i}"
        d.norm(f"{layer}.self_attn.q_norm", f"{layer}.self_attn.k_norm", size=d.dims.head_dim)
        d.tensors.plain(f"{layer}.mlp.act_fn.alpha_p", 1)
        d.tensors.plain(f"{layer}.mlp.act_fn.alpha_n", 1)
    return d
