"""Qwen3-Next and Qwen3.5: most layers are gated delta nets, every fourth is full, gated attention."""

from __future__ import annotations

from dataclasses import dataclass

from sizing.geometry.architectures.blocks import attention, expert_mlps, gated_mlp
from sizing.geometry.architectures.decoder import Decoder, read_dims
from sizing.geometry.architectures.llama import NORMS
from sizing.geometry.architectures.mixture import sparse_layers
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


def delta_net(d: Decoder, f: Fields, prefix: str, *, fused: bool, wide: frozenset[str]) -> int:
    """A gated delta net; returns the elements of one sequence's state. `wide`: tensors that stay float32."""
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
    d.tensors.plain(f"{prefix}.A_log", values, element_bytes=4 if "A_log" in wide else None)
    d.tensors.plain(f"{prefix}.norm", value_dim, element_bytes=4 if "norm" in wide else None)
    d.tensors.linear(f"{prefix}.out_proj", value, hidden)
    return (kernel - 1) * (2 * key + value) + values * key_dim * value_dim


@dataclass(slots=True)
class Blocks:
    """The parts of one such model, added to the decoder under a prefix."""

    d: Decoder
    f: Fields
    fused: bool  # Qwen3-Next: one input matrix for queries, keys, values and gate
    wide: frozenset[str]

    def state_layer(self, prefix: str) -> int:
        return delta_net(self.d, self.f, prefix, fused=self.fused, wide=self.wide)

    def full_layer(self, prefix: str) -> None:
        bias, gate = self.f.flag("attention_bias"), self.f.flag("attn_output_gate", True)
        attention(self.d, prefix, bias=bias, out_bias=bias, qk_norm="head", gate=gate)

    def feed_forward(self, prefix: str, *, sparse: bool) -> None:
        e = self.d.experts
        if not sparse or e is None:
            gated_mlp(self.d, prefix)
            return
        self.d.tensors.router(f"{prefix}.gate", self.d.dims.hidden, e.count)
        expert_mlps(self.d, prefix, e.count, e.intermediate_size)
        if e.shared_intermediate_size:
            gated_mlp(self.d, f"{prefix}.shared_expert", size=e.shared_intermediate_size)
            self.d.tensors.router(f"{prefix}.shared_expert_gate", self.d.dims.hidden, 1)

    def norms(self, layer: str) -> None:
        self.d.norm(*(f"{layer}.{name}" for name in NORMS))


def read_mixture(f: Fields, layers: int) -> tuple[Experts | None, list[bool]]:
    """The experts and which layers have them."""
    count = f.count("num_experts", default=0, least=0, most=2**16)
    sparse = sparse_layers(f, layers) if count else [False] * layers
    if not any(sparse):
        return None, sparse
    return Experts(
        count=count,
        per_token=f.count("num_experts_per_tok", most=count),
        intermediate_size=f.count("moe_intermediate_size"),
        shared_intermediate_size=f.count("shared_expert_intermediate_size", default=0, least=0),
        layers=sum(sparse),
    ), sparse


def gated_delta(
    f: Fields,
    *,
    fused: bool,
    mixture: bool,
    prefix: str = "model",
    head: str = "lm_head",
    wide: frozenset[str] = frozenset(),
    drafts: int = 0,
) -> Decoder:
    """Delta nets with a full, gated attention layer in between.

    `wide`: tensors of a delta net stored in float32. `drafts`: next-token layers in the files.
    """
    size = f.count("moe_intermediate_size", default=0, least=0)
    dims = read_dims(f, intermediate=None if f.has("intermediate_size") else size)
    d = Decoder(dims, tied=f.flag("tie_word_embeddings"))
    d.experts, sparse = read_mixture(f, dims.layers) if mixture else (None, [False] * dims.layers)
    blocks, state = Blocks(d, f, fused, wide), 0
    d.embedding_and_head(embedding=f"{prefix}.embed_tokens", head=head)
    linear = linear_layers(f, dims.layers)
    for i in range(dims.layers):
        layer = f"{prefix}.layers.{i}"
        if linear[i]:
            state = blocks.state_layer(f"{layer}.linear_attn")
        else:
            blocks.full_layer(f"{layer}.self_attn")
            d.keep()
        blocks.feed_forward(f"{layer}.mlp", sparse=sparse[i])
        blocks.norms(layer)
    d.norm(f"{prefix}.norm")
    if any(linear):
        d.recurrent = RecurrentState(layers=sum(linear), elements_per_layer=state)
    next_token_layers(d, blocks, drafts)
    return d


def next_token_layers(d: Decoder, blocks: Blocks, count: int) -> None:
    """Full layers that draft the next token; stored, not served."""
    served, d.tensors = d.tensors, Inventory()
    for i in range(count):
        blocks.full_layer(f"mtp.layers.{i}.self_attn")
        blocks.feed_forward(f"mtp.layers.{i}.mlp", sparse=True)
        blocks.norms(f"mtp.layers.{i}")
    if count:
        d.norm("mtp.norm", "mtp.pre_fc_norm_embedding", "mtp.pre_fc_norm_hidden")
        d.tensors.linear("mtp.fc", 2 * d.dims.hidden, d.dims.hidden)
    d.extra, d.tensors = d.tensors, served


@architecture("Qwen3NextForCausalLM")
def qwen3_next(f: Fields) -> Decoder:
    """The published files hold one next-token layer that the config does not count."""
    return gated_delta(f, fused=True, mixture=True, drafts=1)


@architecture("Qwen3_5ForCausalLM")
def qwen3_5(f: Fields) -> Decoder:
    return gated_delta(f, fused=False, mixture=False)


@architecture("Qwen3_5MoeForCausalLM")
def qwen3_5_moe(f: Fields) -> Decoder:
    return gated_delta(f, fused=False, mixture=True)
