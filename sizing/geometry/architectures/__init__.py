"""One file a family of decoders: its tensors by their real names and shapes."""

from sizing.geometry.architectures import (
    deepseek,
    delta_net,
    dense,
    fused_experts,
    fused_qkv,
    gemma,
    gpt,
    gpt_oss,
    llama,
    mamba,
    mixture,
    multimodal,
    recurrent,
    shared_experts,
    ungated,
)

__all__ = [
    "deepseek",
    "delta_net",
    "dense",
    "fused_experts",
    "fused_qkv",
    "gemma",
    "gpt",
    "gpt_oss",
    "llama",
    "mamba",
    "mixture",
    "multimodal",
    "recurrent",
    "shared_experts",
    "ungated",
]
