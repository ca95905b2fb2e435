"""From a model's layers to the attention backends vLLM takes for them, and the refusals on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sizing.geometry import KvGroup, ModelGeometry
from sizing.kv.backends import TRITON_ATTN, Backend, Layer, Selection, select, standard_backends
from sizing.kv.backends_latent import latent_backends
from sizing.kv.request import Device

FP8_TRITON: Final = (8, 9)  # compute capability from which Triton reads an fp8 cache


def selections(
    geometry: ModelGeometry,
    device: Device,
    *,
    dtype: str,
    kv_dtype: str,
    block_size: int | None,
    flashmla_built: bool,
) -> tuple[Selection, ...]:
    """One selection for each kind of layer, in the model's order."""
    chosen = []
    # Heads of two widths run in FlashAttention 4 where it exists, else all in Triton.
    mixed = len({group.head_dim for group in geometry.kv_groups}) > 1 and device.compute_capability[0] not in (9, 10)
    candidates: tuple[Backend, ...]
    for group in geometry.kv_groups:
        layer = layer_of(geometry, group, device, dtype=dtype, kv_dtype=kv_dtype, block_size=block_size)
        capability = device.compute_capability
        if layer.latent:
            candidates = latent_backends(
                capability, geometry.attention_heads, kv_dtype, group.head_dim, flashmla_built=flashmla_built
            )
        elif mixed:
            candidates = (TRITON_ATTN,)
        else:
            candidates = standard_backends(capability, image_prefix=layer.image_prefix)
        chosen.append(select(candidates, layer))
    return tuple(chosen)


def layer_of(
    geometry: ModelGeometry, group: KvGroup, device: Device, *, dtype: str, kv_dtype: str, block_size: int | None
) -> Layer:
    return Layer(
        capability=device.compute_capability,
        head_dim=group.head_dim,
        dtype=dtype,
        kv_dtype=kv_dtype,
        block_size=block_size,
        latent=group.kind == "latent",
        sinks=geometry.attention_sinks,
        sliding=group.kind == "sliding",
        image_prefix=geometry.bidirectional_images,
        softcap=geometry.attention_softcap,
        qk_nope=geometry.qk_nope_head_dim,
    )


def failing(chosen: Sequence[Selection], device: Device, kv_dtype: str) -> Selection | None:
    """The first selection that ends the start: nothing valid, or Triton for an fp8 cache on an older GPU."""
    for selection in chosen:
        if not selection.valid:
            return selection
        triton = selection.valid[0].startswith("TRITON")
        if triton and kv_dtype.startswith("fp8") and device.compute_capability < FP8_TRITON:
            return selection
    return None


def reason(selection: Selection, device: Device, kv_dtype: str) -> str:
    """One sentence on why a failing selection fails."""
    where = f"{device.name} (compute capability {'.'.join(map(str, device.compute_capability))})"
    if selection.valid:
        return (
            f"kv_cache_dtype is {kv_dtype}; {selection.valid[0]}, the only backend left on {where}, takes fp8 from "
            "compute capability 8.9 on: leave kv_cache_dtype unset"
        )
    why = "; ".join(f"{name}: {', '.join(reasons)}" for name, reasons in selection.rejected.items())
    return f"no attention backend serves this on {where}: {why}"
