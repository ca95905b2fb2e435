"""vLLM's CPU backend: a KV pool in RAM, exactly as large as the goal needs."""

from dataclasses import dataclass

from hosts.stack import Goal
from sizing.choices import Choices, environment, memory_values
from sizing.flags import render_args
from sizing.geometry import ModelGeometry
from sizing.host_ram import RamNeeds, plan_host_ram
from sizing.kv.dtype import ELEMENT_BYTES
from sizing.kv.pages import Page, Pool, pool_groups
from sizing.request import PlanRequest
from sizing.serving import InfeasibleError, ServingPlan
from sizing.settings import limit_values, time_values
from sizing.sized import Sized

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


def plan_on_cpu(request: PlanRequest, chosen: Choices) -> ServingPlan:
    """The plan of a host without a GPU: vLLM's CPU backend with an exact KV pool."""
    host, model, goal = request.host, request.model, request.goal
    asked = chosen.asked("kv_cache_bytes")
    if asked is not None and (isinstance(asked, bool) or not isinstance(asked, int)):
        raise ValueError(f"server.overrides.kv_cache_bytes: '{asked}' must be a whole number of bytes")
    wished = cpu_kv_cache(model, goal)
    kv = cpu_kv_cache(model, goal, asked)
    chosen.take(
        Sized(
            name="max_model_len",
            value=goal.context_tokens,
            unit="tokens",
            reason="the goal's context",
            derived_from=("goal.context_tokens",),
        ),
        Sized(
            name="max_num_seqs",
            value=goal.parallel_requests,
            unit="sequences",
            reason="the goal's parallel requests; further ones queue",
            derived_from=("goal.parallel_requests",),
        ),
        Sized(
            name="max_num_batched_tokens",
            value=max(MAX_BATCHED_TOKENS, goal.parallel_requests),
            unit="tokens",
            reason="a step of 2048 tokens keeps the wait between tokens short on CPUs",
        ),
        Sized(
            name="kv_cache_bytes",
            value=wished.size_bytes,
            unit="bytes",
            reason=f"{goal.parallel_requests} requests of {goal.context_tokens} tokens at "
            f"{kv.bytes_per_token} bytes a token, in whole blocks, with the one vLLM reserves",
            derived_from=("goal.parallel_requests", "goal.context_tokens", "model"),
        ),
    )
    chosen.take(
        Sized(name="kv_block_tokens", value=BLOCK_TOKENS, unit="tokens", reason="the CPU backend's block"),
        Sized(
            name="kv_bytes_per_token",
            value=kv.bytes_per_token,
            unit="bytes",
            reason="2 (K and V) x layers x KV heads x head size x bytes per element",
            derived_from=("model",),
        ),
        Sized(
            name="kv_blocks",
            value=kv.blocks,
            unit="blocks",
            reason="whole blocks in the KV cache, the reserved one included",
            derived_from=("kv_cache_bytes",),
        ),
        Sized(
            name="kv_tokens",
            value=kv.tokens,
            unit="tokens",
            reason="what vLLM will report as its KV cache size",
            derived_from=("kv_blocks", "max_model_len"),
        ),
        Sized(
            name="kv_concurrency",
            value=round(kv.concurrency, 4),
            unit="requests",
            reason="requests of full length that run at once",
            derived_from=("kv_blocks", "max_model_len"),
        ),
    )
    ram = plan_host_ram(
        host.memory_bytes,
        RamNeeds(device="cpu", weight_bytes=model.loaded_weight_bytes, kv_in_ram_bytes=kv.size_bytes),
    )
    chosen.take(*memory_values(ram.container_bytes, ram.shm_bytes, "cpu"))
    chosen.take(*limit_values(host, "cpu"), *time_values(host, "cpu", model.loaded_weight_bytes, 0))
    flags = {
        "served_model_name": [request.served_name],
        "port": request.port,
        "max_model_len": chosen.integer("max_model_len"),
        "max_num_seqs": chosen.integer("max_num_seqs"),
        "max_num_batched_tokens": chosen.integer("max_num_batched_tokens"),
        "kv_cache_memory_bytes": kv.size_bytes,
        # On CPU there are no CUDA graphs to gain, and a cold compile doubles the start.
        "enforce_eager": True,
    }
    return ServingPlan(
        host=host.name,
        model=request.served_name,
        device="cpu",
        vllm_version=request.vllm_version,
        profile=goal.profile.value,
        values=chosen.finished(),
        host_ram=ram.budget,
        vllm_arguments=render_args(flags, request.vllm_version, None, "cpu"),
        environment=environment("cpu"),
    )
