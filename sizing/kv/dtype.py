"""The dtype a model runs in on a device (vLLM's `_resolve_auto_dtype`)."""

from __future__ import annotations

from typing import Final

from sizing.geometry import ModelGeometry
from sizing.geometry.model import Dtype

ELEMENT_BYTES: Final[dict[str, int]] = {"float32": 4, "float16": 2, "bfloat16": 2}
# Numerically unstable in float16, so vLLM never takes it for them.
NO_FLOAT16: Final = frozenset({"gemma2", "gemma3", "gemma3_text", "glm4"})


def running_dtype(geometry: ModelGeometry, compute_capability: tuple[int, int]) -> Dtype:
    """bfloat16 needs compute capability 8.0; a float32 checkpoint runs in the device's preferred dtype."""
    supported: list[Dtype] = (
        ["bfloat16", "float16", "float32"] if compute_capability >= (8, 0) else ["float16", "float32"]
    )
    if geometry.model_type in NO_FLOAT16:
        supported.remove("float16")
    wanted = supported[0] if geometry.torch_dtype == "float32" else geometry.torch_dtype
    return wanted if wanted in supported else supported[0]
