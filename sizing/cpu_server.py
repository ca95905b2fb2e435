"""vLLM's CPU backend: a KV pool in RAM, as large as the goal needs or the host allows."""

from dataclasses import dataclass

from sizing.choices import Bounds, Choices
from sizing.container import decide_memory, environment
from sizing.flags import render_args
from sizing.geometry import ModelGeometry
from sizing.goal import outlook_without_gpu
from sizing.host_ram import MIB, RamNeeds, largest, plan_host_ram
from sizing.kv import Device, Refused
from sizing.kv.dtype import ELEMENT_BYTES
from sizing.kv.pages import Page, Pool, pool_groups
from sizing.kv.served import refuse_unserved
from sizing.kv_values import capacity_values, concurrency_of, mean_request
from sizing.request import PlanRequest
from sizing.serving import InfeasibleError, ServingPlan
from sizing.settings import decide_limits
from sizing.sized import Sized
from sizing.times import decide_times

BLOCK_TOKENS = 128  # the backend's default; it takes multiples of 32
MAX_BATCHED_TOKENS = 2048
MOST_SEQUENCES = 100_000


@dataclass(frozen=True)
class CpuKvCache:
    """The pool, and the bytes it should have, may have at least and at most."""

    pool: Pool
    wished_bytes: int
    least_bytes: int
    most_bytes: int

    @property
    def proposed_bytes(self) -> int:
        """What the goal asks for, or what RAM leaves."""
        return min(self.wished_bytes, self.most_bytes)


def cpu_pool(geometry: ModelGeometry, batched_tokens: int) -> Pool:
    """The KV pool's layout at the backend's block size."""
    element = ELEMENT_BYTES[geometry.torch_dtype]
    layers = [
        (geometry.kv_groups[index], Page(geometry.kv_groups[index], BLOCK_TOKENS, element))
        for index in geometry.kv_pattern
    ]
    return Pool(pool_groups(layers), 2 * batched_tokens)


def _cache(request: PlanRequest, chosen: Choices) -> CpuKvCache:
    """The pool for all sequences at full length, in whole blocks with the one vLLM reserves, rounded up to a MiB.

    Raises InfeasibleError where RAM does not hold one request.
    """
    host, context = request.host, chosen.integer("max_model_len")
    pool = cpu_pool(request.model, chosen.integer("max_num_batched_tokens"))
    wished = (pool.blocks(context) * chosen.integer("max_num_seqs") + 1) * pool.block_bytes
    wished_mib, least_mib = -(-wished // MIB), -(-pool.least_bytes(context) // MIB)
    most_mib = largest(host.memory_bytes, lambda mib: _needs(request.model, mib * MIB), host.memory_bytes // MIB)
    if most_mib < 0:
        plan_host_ram(host.memory_bytes, _needs(request.model, 0))  # says what is missing
    if most_mib < least_mib:
        longest = pool.longest_context(max(0, most_mib) * MIB, context)
        remedy = f"a context of {longest} tokens would fit" if longest else "no context fits beside the weights"
        raise InfeasibleError(
            f"goal.context_tokens: one request of {context} tokens needs {least_mib} MiB of KV cache and the host's "
            f"{host.memory_gib:g} GiB of RAM leave {max(0, most_mib)} MiB; {remedy}"
        )
    return CpuKvCache(pool, wished_mib * MIB, pool.least_bytes(context), most_mib * MIB)


def _needs(model: ModelGeometry, kv_bytes: int) -> RamNeeds:
    return RamNeeds(device="cpu", weight_bytes=model.loaded_weight_bytes, kv_in_ram_bytes=kv_bytes)


def plan_on_cpu(request: PlanRequest, chosen: Choices) -> ServingPlan:
    """The plan of a host without a GPU: vLLM's CPU backend with an exact KV pool."""
    host, model, goal = request.host, request.model, request.goal
    _refuse_unserved(request)
    _decide_batch(request, chosen)
    cache = _cache(request, chosen)
    _decide_cache(chosen, cache)
    context, kv_bytes = chosen.integer("max_model_len"), chosen.integer("kv_cache_bytes")
    blocks = kv_bytes // cache.pool.block_bytes
    mean = mean_request(goal, context)
    chosen.record(
        Sized(name="kv_block_tokens", value=BLOCK_TOKENS, unit="tokens", reason="the CPU backend's block"),
        Sized(
            name="kv_bytes_per_token",
            value=_bytes_per_token(cache.pool),
            unit="bytes",
            reason="2 (K and V) x layers x KV heads x head size x bytes per element",
            derived_from=("model",),
        ),
        *capacity_values((blocks,), cache.pool, context, mean, ("kv_cache_bytes",)),
    )
    limit_mib = chosen.asked_integer("container_memory_mib", "MiB")
    ram = plan_host_ram(host.memory_bytes, _needs(model, kv_bytes), limit_mib)
    decide_memory(chosen, ram, "cpu")
    decide_limits(chosen, host, "cpu")
    decide_times(chosen, host, "cpu", model.loaded_weight_bytes, 0)
    running = concurrency_of(cache.pool, blocks, mean)
    outlook = outlook_without_gpu(goal, mean, context, running)
    return ServingPlan(
        host=host.name,
        model=request.served_name,
        device="cpu",
        vllm_version=request.vllm_version,
        profile=goal.profile.value,
        values=chosen.finished(),
        settable=chosen.settable,
        host_ram=ram.budget,
        vllm_arguments=render_args(_flags(request, chosen), request.vllm_version, None, "cpu"),
        environment=environment("cpu"),
        outlook=outlook,
        warnings=outlook.warnings(),
    )


def _refuse_unserved(request: PlanRequest) -> None:
    """Raises InfeasibleError for a model that vLLM does not serve on any device."""
    capable = Device(name="the CPU backend", compute_capability=(10, 0), memory_bytes=1)
    try:
        refuse_unserved(request.model, capable)
    except Refused as error:
        raise InfeasibleError(
            f"model: vLLM {request.vllm_version} would refuse this start, {error}; another model or vllm_version is "
            "needed"
        ) from error


def _decide_batch(request: PlanRequest, chosen: Choices) -> None:
    goal, model = request.goal, request.model
    chosen.decide(
        Sized(
            name="max_model_len",
            value=goal.context_tokens,
            unit="tokens",
            reason="the goal's context",
            derived_from=("goal.context_tokens",),
        ),
        Bounds(goal.context_tokens, model.context_tokens, "the goal's context", "the model's own context"),
    )
    chosen.decide(
        Sized(
            name="max_num_seqs",
            value=goal.parallel_requests,
            unit="sequences",
            reason="the goal's parallel requests; further ones queue",
            derived_from=("goal.parallel_requests",),
        ),
        Bounds(1, MOST_SEQUENCES, why_most="no server schedules more"),
    )
    seqs = chosen.integer("max_num_seqs")
    chosen.decide(
        Sized(
            name="max_num_batched_tokens",
            value=max(MAX_BATCHED_TOKENS, seqs),
            unit="tokens",
            reason="a step of 2048 tokens keeps the wait between tokens short on CPUs",
            derived_from=("max_num_seqs",),
        ),
        Bounds(seqs, 1 << 20, "every sequence needs a token a step", "no step is that long"),
    )


def _decide_cache(chosen: Choices, cache: CpuKvCache) -> None:
    seqs, context = chosen.integer("max_num_seqs"), chosen.integer("max_model_len")
    short = cache.proposed_bytes < cache.wished_bytes
    chosen.decide(
        Sized(
            name="kv_cache_bytes",
            value=cache.proposed_bytes,
            unit="bytes",
            reason="what the host's RAM leaves"
            if short
            else f"{seqs} requests of {context} tokens at {_bytes_per_token(cache.pool)} bytes a token, "
            "in whole blocks, with the one vLLM reserves",
            derived_from=("max_num_seqs", "max_model_len", "model", *(("host_ram",) if short else ())),
        ),
        Bounds(
            cache.least_bytes,
            cache.most_bytes,
            f"one request of {context} tokens takes that with the reserved block",
            "the host's RAM leaves no more",
        ),
    )


def _bytes_per_token(pool: Pool) -> int:
    return sum(group.layers * group.page.size_bytes // group.page.block_tokens for group in pool.groups)


def _flags(request: PlanRequest, chosen: Choices) -> dict[str, object]:
    return {
        "served_model_name": [request.served_name],
        "port": request.port,
        "max_model_len": chosen.integer("max_model_len"),
        "max_num_seqs": chosen.integer("max_num_seqs"),
        "max_num_batched_tokens": chosen.integer("max_num_batched_tokens"),
        "kv_cache_memory_bytes": chosen.integer("kv_cache_bytes"),
        # On CPU there are no CUDA graphs to gain, and a cold compile doubles the start.
        "enforce_eager": True,
    }
