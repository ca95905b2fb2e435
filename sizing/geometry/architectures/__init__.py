"""One file a family of decoders: its tensors by their real names and shapes."""

from sizing.geometry.architectures import deepseek, dense, gemma, gpt, gpt_oss, llama, mixture

__all__ = ["deepseek", "dense", "gemma", "gpt", "gpt_oss", "llama", "mixture"]
