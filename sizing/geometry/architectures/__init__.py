"""One file a family of decoders: its tensors by their real names and shapes."""

from sizing.geometry.architectures import (
    deepseek,
    dense,
    fused_experts,
    gemma,
    gpt,
    gpt_oss,
    llama,
    mixture,
    multimodal,
    recurrent,
    shared_experts,
)

__all__ = [
    "deepseek",
    "dense",
    "fused_experts",
    "gemma",
    "gpt",
    "gpt_oss",
    "llama",
    "mixture",
    "multimodal",
    "recurrent",
    "shared_experts",
]
