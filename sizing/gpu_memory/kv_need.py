"""Bytes one request of the longest length needs, for the start condition.

The exact planner of one release is `sizing.kv`; a plan hands its figure to `gpu_budget`. This rule covers
every release a log can come from.
"""

from __future__ import annotations

from sizing.gpu_memory.options import StartOptions
from sizing.gpu_memory.releases import Engine
from sizing.gpu_memory.shapes import KvLayers, ModelShapes


def _blocks(k: KvLayers, length: int, block: int, step_tokens: int) -> int:
    if k.window_tokens is None:
        return -(-length // block)
    held = min(k.window_tokens - 1 + step_tokens, length)
    return -(-held // block) + 1


def needed_bytes(m: ModelShapes, engine: Engine, options: StartOptions, step_tokens: int) -> int:
    """Smallest pool that starts with max_model_len; 0 where that is not set."""
    length = options.max_model_len
    if length is None:
        return 0
    block = options.block_tokens
    in_flight = step_tokens * (2 if engine.release >= (0, 14) else 1)  # two batches under async scheduling
    split = min(options.tensor_parallel, m.kv_heads)
    counts = [k.layers for k in m.kv]
    smallest, largest = min(counts), max(counts)
    group = largest if largest < 1.5 * smallest else smallest
    widest = max(k.bytes_per_element_pair for k in m.kv)
    page = block * widest * options.kv_element_bytes // split
    blocks = sum(-(-k.layers // group) * _blocks(k, length, block, in_flight) for k in m.kv)
    reserved = 0 if engine.first_engine else 1  # V1 keeps one block to itself
    return (blocks + reserved) * group * page
