"""gpt-oss: fused experts with biases, attention sinks, every second layer a short window."""

from __future__ import annotations

from sizing.geometry.architectures.blocks import attention
from sizing.geometry.architectures.decoder import Decoder, layer_windows, read_dims
from sizing.geometry.architectures.llama import NORMS
from sizing.geometry.architectures.registry import architecture
from sizing.geometry.fields import Fields
from sizing.geometry.model import Experts


@architecture("GptOssForCausalLM")
def gpt_oss(f: Fields) -> Decoder:
    d = Decoder(read_dims(f.over({"head_dim": 64})), tied=f.flag("tie_word_embeddings"), sinks=True)
    count = f.count("num_local_experts", "num_experts", most=2**16)
    size, hidden = d.dims.intermediate, d.dims.hidden
    d.experts = Experts(
        count=count,
        per_token=f.count("num_experts_per_tok", "experts_per_token", most=count),
        intermediate_size=size,
        layers=d.dims.layers,
    )
    bias = f.flag("attention_bias", True)
    windows = layer_windows(f, d.dims.layers, window=f.count("sliding_window", default=128), pattern=2)
    d.embedding_and_head()
    for i in range(d.dims.layers):
        layer = f"model.layers.{i}"
        attention(d, f"{layer}.self_attn", bias=bias, out_bias=bias)
        d.tensors.plain(f"{layer}.self_attn.sinks", d.dims.heads)
        d.tensors.router(f"{layer}.mlp.router", hidden, count, bias=True)
        d.tensors.linear(f"{layer}.mlp.experts.gate_up_proj", hidden, 2 * size, bias=True, copies=count, stacked=True)
        d.tensors.linear(f"{layer}.mlp.experts.down_proj", size, hidden, bias=True, copies=count, stacked=True)
        d.norm(*(f"{layer}.{name}" for name in NORMS))
        d.keep(window=windows[i])
    d.norm("model.norm")
    return d
