"""One file a family of decoders: its tensors by their real names and shapes."""

from sizing.geometry.architectures import gemma, llama

__all__ = ["gemma", "llama"]
