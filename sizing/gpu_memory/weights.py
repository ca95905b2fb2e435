"""Bytes of the weights on one GPU as vLLM's "Model loading took" counts them.

The parameters are exact; on top come PyTorch's allocation units, the rotary table and what a kernel pads.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from sizing.gpu_memory.gpu import Gpu
from sizing.gpu_memory.options import StartOptions
from sizing.gpu_memory.releases import Release
from sizing.gpu_memory.shapes import ExpertShapes, ModelShapes

MIB = 1 << 20
LARGE_ALLOCATION = 10 * MIB  # from here PyTorch's allocator takes a segment of its own ...
SEGMENT_UNIT = 2 * MIB  # ... in whole units of this ...
SPLIT_REMAINDER = 1 * MIB  # ... and gives back what is over only above this
MXFP4_EXTRA_BYTES = 200 * MIB  # measured, on Hopper from 0.18, in two starts of one campaign
VOCAB_UNIT = 64  # vLLM pads the embedding's rows


def up(value: int, unit: int) -> int:
    return -(-value // unit) * unit


def allocated(size_bytes: float) -> int:
    """What PyTorch's caching allocator counts for one tensor (c10 CUDACachingAllocator: round_size, should_split)."""
    size = ceil(size_bytes)
    if size < LARGE_ALLOCATION:
        return up(size, 512)
    segment = up(size, SEGMENT_UNIT)
    return segment if segment - size <= SPLIT_REMAINDER else size


def rope_cache_bytes(m: ModelShapes) -> int:
    """The cosine and sine table, one for all layers."""
    return m.rope_positions * (m.rope_dim or m.head_dim) * m.element_bytes


def _linear(m: ModelShapes, elements: float, tensor_parallel: int, expert: bool = False) -> int:
    """One fused linear layer: the packed matrix and its scales are tensors of their own."""
    local = elements / tensor_parallel
    packed = m.format.bytes_per_weight
    if not packed or (m.format.experts_only and not expert):
        return allocated(local * m.element_bytes)
    matrix = min(packed, 0.5) if packed < 1 else packed
    return allocated(local * matrix) + ceil(local * (packed - matrix))


def expert_sizes(m: ModelShapes, e: ExpertShapes, tensor_parallel: int, hopper: bool) -> tuple[int, int]:
    """(hidden, width) of an expert on one GPU. MXFP4 kernels pad: Hopper's the width to 256, the others the
    width to 128 and the hidden size to 256."""
    width = -(-e.intermediate // tensor_parallel)
    if not m.format.experts_only:
        return m.hidden, width
    return (m.hidden, up(width, 256)) if hopper else (up(m.hidden, 256), up(width, 128))


def _attention_elements(m: ModelShapes) -> tuple[int, int]:
    """(fused query-key-value, output) of one layer."""
    return m.hidden * (m.heads + 2 * m.kv_heads) * m.head_dim, m.heads * m.head_dim * m.hidden


def _tensors(m: ModelShapes, tp: int, hopper: bool) -> Iterator[int]:
    rows = up(m.vocab, VOCAB_UNIT)
    table = allocated(rows * m.hidden * m.element_bytes / tp)
    yield table if m.tied else 2 * table
    qkv, out = _attention_elements(m)
    layer = _linear(m, qkv, tp) + _linear(m, out, tp) + 2 * m.hidden * m.element_bytes
    if m.experts is None:
        layer += _linear(m, 2 * m.hidden * m.intermediate, tp) + _linear(m, m.hidden * m.intermediate, tp)
    else:
        e = m.experts
        hidden, width = expert_sizes(m, e, tp, hopper)
        layer += _linear(m, 2 * e.count * hidden * width * tp, tp, expert=True)
        layer += _linear(m, e.count * hidden * width * tp, tp, expert=True)
        layer += m.hidden * e.count * m.element_bytes
        if e.shared_intermediate:
            layer += _linear(m, 3 * m.hidden * e.shared_intermediate, tp)
    yield layer * m.layers


def _exact(m: ModelShapes, loaded_bytes: int, tp: int, hopper: bool) -> int:
    """Published bytes split over the GPUs, plus what allocator and kernel add to a layer's fused tensors."""
    qkv, out = _attention_elements(m)
    added = 0
    if m.experts is None:
        width = m.format.bytes_per_weight or m.element_bytes
        for fused in (qkv, out, 2 * m.hidden * m.intermediate, m.hidden * m.intermediate):
            added += allocated(fused * width / tp) - ceil(fused * width / tp)
    elif hopper and m.format.experts_only:  # the others' padding is part of the loaded bytes
        e = m.experts
        _, width = expert_sizes(m, e, tp, hopper)
        added = ceil(3 * e.count * m.hidden * (width - e.intermediate / tp) * m.format.bytes_per_weight)
    return loaded_bytes // tp + m.layers * added


def lora_bytes(m: ModelShapes, options: StartOptions) -> int:
    """Buffers of every adapter slot: rank x (inputs + outputs) of each linear layer, in the model's dtype."""
    q, kv = m.heads * m.head_dim, m.kv_heads * m.head_dim
    attention = (m.hidden + q) * 2 + 2 * (m.hidden + kv)
    edges = attention + 3 * (m.hidden + m.intermediate)
    slots = options.lora_slots
    return slots * options.lora_rank * edges * m.layers * m.element_bytes // options.tensor_parallel


def weight_bytes(m: ModelShapes, gpu: Gpu, release: Release, options: StartOptions) -> int:
    """Weights, rotary table, image tower and adapter slots on one GPU, less what `--cpu-offload-gb` moves out."""
    tp = options.tensor_parallel
    hopper = gpu.capability[0] == 9
    tower = m.images.weight_bytes // tp if m.images else 0
    exact = m.loaded_bytes
    loaded = sum(_tensors(m, tp, hopper)) + tower if exact is None else _exact(m, exact, tp, hopper)
    if hopper and m.format.experts_only and release >= (0, 18):
        loaded += MXFP4_EXTRA_BYTES
    total = loaded + rope_cache_bytes(m) + lora_bytes(m, options)
    return max(0, total - round(options.cpu_offload_gib * (1 << 30)))
