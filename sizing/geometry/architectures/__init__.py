"""One file a family of decoders: its tensors by their real names and shapes."""

from sizing.geometry.architectures import deepseek, gemma, gpt_oss, llama, mixture

__all__ = ["deepseek", "gemma", "gpt_oss", "llama", "mixture"]
