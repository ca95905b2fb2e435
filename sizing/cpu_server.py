"""vLLM's CPU backend: a KV pool in RAM, exactly as large as the goal needs."""

from dataclasses import dataclass

from hosts.stack import Goal
from sizing.geometry import ModelGeometry
from sizing.kv.dtype import ELEMENT_BYTES
from sizing.kv.pages import Page, Pool, pool_groups
from sizing.serving import InfeasibleError

MIB = 1 << 20
BLOCK_TOKENS = 128  # the backend's default; it takes multiples of 32
MAX_BATCHED_TOKENS = 2048


@dataclass(frozen=True)
class CpuKvCache:
    """The pool the goal asks for, and what vLLM will report of it."""

    size_bytes: int
    blocks: int
    tokens: int
    concurrency: float
    bytes_per_token: int


def cpu_kv_cache(geometry: ModelGeometry, goal: Goal, size_bytes: int | None = None) -> CpuKvCache:
    """The KV cache for `goal.parallel_requests` of full length, or of the size given.

    Whole blocks, one of which vLLM reserves, rounded up to a MiB. Raises InfeasibleError where a given size
    does not hold one request.
    """
    pool = _pool(geometry)
    needed = pool.blocks(goal.context_tokens)
    least = pool.least_bytes(goal.context_tokens)
    if size_bytes is None:
        exact = (needed * goal.parallel_requests + 1) * pool.block_bytes
        size_bytes = -(-exact // MIB) * MIB
    if size_bytes < least:
        raise InfeasibleError(
            f"kv_cache_bytes: {size_bytes} bytes do not hold one request of {goal.context_tokens} tokens, "
            f"which takes {least} bytes with the reserved block"
        )
    blocks = size_bytes // pool.block_bytes
    concurrency = blocks / needed
    return CpuKvCache(
        size_bytes=size_bytes,
        blocks=blocks,
        tokens=int(concurrency * goal.context_tokens),
        concurrency=concurrency,
        bytes_per_token=pool.block_bytes // BLOCK_TOKENS,
    )


def _pool(geometry: ModelGeometry) -> Pool:
    element = ELEMENT_BYTES[geometry.torch_dtype]
    layers = [
        (geometry.kv_groups[index], Page(geometry.kv_groups[index], BLOCK_TOKENS, element))
        for index in geometry.kv_pattern
    ]
    return Pool(pool_groups(layers), 2 * MAX_BATCHED_TOKENS)
