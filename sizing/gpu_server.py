"""vLLM on one host's GPUs: how many of them, how much of each, and what the KV cache will hold."""

from dataclasses import dataclass

from sizing.choices import Choices, environment, memory_values
from sizing.flags import render_args
from sizing.flags.fitness import Attention
from sizing.geometry import ModelGeometry
from sizing.gpu_memory import GpuBudget, StartOptions, gpu_budget, safe_utilization
from sizing.host_ram import GIB, RamNeeds, plan_host_ram
from sizing.kv import KvFlags, KvPlan, Refused, plan_kv
from sizing.kv.batch import default_limits
from sizing.request import PlanRequest
from sizing.serving import InfeasibleError, ServingPlan
from sizing.settings import limit_values, time_values
from sizing.sized import Sized

DEFAULT_UTILIZATION = 0.92
HIGHEST_UTILIZATION = 0.95
# Known overhead of the offload region: hybrid models map it nearly twice.
HYBRID_OFFLOAD_OVERHEAD = 1.92


@dataclass(frozen=True)
class Sizing:
    """One candidate: the KV layout and the memory of a start with these settings."""

    tensor_parallel: int
    kv_cache_dtype: str
    utilization: float
    kv: KvPlan
    budget: GpuBudget

    @property
    def starts(self) -> bool:
        """Whether even the low end of the range holds one full request."""
        return self.budget.verdict == "starts" and self.budget.kv_cache.low >= self.kv.least_bytes


def plan_on_gpu(request: PlanRequest, chosen: Choices) -> ServingPlan:
    """The plan of a host with GPUs. Raises InfeasibleError where nothing starts, naming what would."""
    host, model, goal = request.host, request.model, request.goal
    seqs = _integer(chosen, "max_num_seqs", goal.parallel_requests)
    batched = _integer(chosen, "max_num_batched_tokens", _default_batch(request, seqs))
    sizing = _choose(request, chosen, seqs, batched)
    lowest, capacity, highest = (
        sizing.kv.capacity(max(size, sizing.kv.least_bytes))
        for size in (sizing.budget.kv_cache.low, sizing.budget.kv_cache.point, sizing.budget.kv_cache.high)
    )
    offload_gib = chosen.asked("kv_offload_gib") or 0
    if isinstance(offload_gib, bool | str) or offload_gib < 0:
        raise ValueError(f"server.overrides.kv_offload_gib: '{offload_gib}' must be a number of GiB, 0 or more")
    hybrid = len(model.kv_groups) > 1
    ram = plan_host_ram(
        host.memory_bytes,
        RamNeeds(
            device="cuda",
            weight_bytes=model.loaded_weight_bytes,
            offload_bytes=int(offload_gib * GIB),
            offload_overhead=HYBRID_OFFLOAD_OVERHEAD if hybrid else 1.0,
            workers=sizing.tensor_parallel,
        ),
    )
    chosen.take(*_decided(request, sizing, seqs))
    chosen.take(
        Sized(
            name="kv_cache_bytes",
            value=sizing.budget.kv_cache.point,
            unit="bytes",
            reason=sizing.budget.reasons["KV cache"],
            derived_from=("gpu_memory", "gpu_memory_utilization"),
            low=sizing.budget.kv_cache.low,
            high=sizing.budget.kv_cache.high,
        ),
        Sized(
            name="kv_block_tokens",
            value=sizing.kv.block_tokens,
            unit="tokens",
            reason="the attention backend's own block",
            derived_from=("compute_capability",),
        ),
        Sized(
            name="kv_bytes_per_token",
            value=sizing.kv.kv_bytes_per_token,
            unit="bytes",
            reason="2 (K and V) x layers x KV heads x head size x bytes per element, on each GPU",
            derived_from=("model", "kv_cache_dtype"),
        ),
        Sized(
            name="kv_blocks",
            value=capacity.blocks,
            unit="blocks",
            reason="whole blocks in the KV cache, the reserved one included",
            derived_from=("kv_cache_bytes",),
            low=lowest.blocks,
            high=highest.blocks,
        ),
        Sized(
            name="kv_tokens",
            value=capacity.tokens,
            unit="tokens",
            reason="what vLLM will report as its KV cache size",
            derived_from=("kv_blocks", "max_model_len"),
            low=lowest.tokens,
            high=highest.tokens,
        ),
        Sized(
            name="kv_concurrency",
            value=round(capacity.concurrency, 4),
            unit="requests",
            reason="requests of full length that run at once",
            derived_from=("kv_blocks", "max_model_len"),
            low=lowest.concurrency,
            high=highest.concurrency,
        ),
        Sized(
            name="kv_offload_gib",
            value=float(offload_gib),
            unit="GiB",
            reason="a second-level prefix cache in RAM: it never raises the number of running requests",
        ),
        *memory_values(ram.container_bytes, ram.shm_bytes, "cuda"),
        *limit_values(host, "cuda"),
        *time_values(host, "cuda", model.loaded_weight_bytes, len(sizing.kv.cudagraph_sizes)),
    )
    return ServingPlan(
        host=host.name,
        model=request.served_name,
        device="cuda",
        vllm_version=request.vllm_version,
        profile=goal.profile.value,
        values=chosen.finished(),
        host_ram=ram.budget,
        gpu_memory=sizing.budget.as_budget(),
        vllm_arguments=_arguments(request, sizing, seqs, batched, float(offload_gib)),
        environment=environment("cuda"),
        warnings=_warnings(request, capacity.concurrency),
    )


def _choose(request: PlanRequest, chosen: Choices, seqs: int, batched: int) -> Sizing:
    """The first candidate that starts: fewest GPUs first, the model's own KV type before fp8."""
    gpu = request.gpu
    widths = [width for width in (1, 2, 4, 8, 16) if width <= gpu.count and request.model.attention_heads % width == 0]
    asked_width, asked_dtype = chosen.asked("tensor_parallel_size"), chosen.asked("kv_cache_dtype")
    if asked_width is not None:
        widths = [width for width in widths if width == asked_width]
        if not widths:
            raise ValueError(
                f"server.overrides.tensor_parallel_size: {asked_width} does not divide "
                f"{request.model.attention_heads} attention heads over {gpu.count} GPUs"
            )
    dtypes = ["auto"] if asked_dtype is None else [str(asked_dtype)]
    failures: list[Sizing] = []
    for width in widths:
        for dtype in dtypes:
            sizing = _sized(request, chosen, width, dtype, seqs, batched)
            if sizing.starts:
                return sizing
            failures.append(sizing)
    raise InfeasibleError(_why_not(request, failures[-1]))


def _sized(request: PlanRequest, chosen: Choices, width: int, dtype: str, seqs: int, batched: int) -> Sizing:
    goal, gpu = request.goal, request.gpu
    try:
        flags = KvFlags.model_validate(
            {
                "max_model_len": goal.context_tokens,
                "max_num_seqs": seqs,
                "max_num_batched_tokens": batched,
                "kv_cache_dtype": dtype,
            }
        )
        kv = plan_kv(_shard(request.model, width), request.device, flags)
    except Refused as error:
        raise InfeasibleError(f"vLLM {request.vllm_version} would refuse this start: {error}") from error
    options = StartOptions(
        max_model_len=goal.context_tokens,
        max_num_seqs=seqs,
        max_num_batched_tokens=batched,
        tensor_parallel=width,
        kv_element_bytes=1 if dtype.startswith("fp8") else 2,
        block_tokens=kv.block_tokens,
    )
    where = (request.model, gpu.memory_bytes, None, request.vllm_version)
    how = {"gpu_name": gpu.name, "compute_capability": gpu.capability, "needed_kv_bytes": kv.least_bytes}
    asked = chosen.asked("gpu_memory_utilization")
    if asked is not None:
        if isinstance(asked, bool | str) or not 0 < asked <= 1:
            raise ValueError(f"server.overrides.gpu_memory_utilization: {asked} must lie in (0, 1]")
        utilization = float(asked)
    else:
        safe = safe_utilization(*where, options, **how)  # type: ignore[arg-type]
        utilization = DEFAULT_UTILIZATION if safe is None else min(safe, DEFAULT_UTILIZATION)
    options = options.model_copy(update={"gpu_memory_utilization": utilization})
    budget = gpu_budget(*where, options, **how)  # type: ignore[arg-type]
    return Sizing(width, dtype, utilization, kv, budget)


def _shard(model: ModelGeometry, width: int) -> ModelGeometry:
    """The model as one of `width` tensor-parallel GPUs keeps its keys and values; a latent is not divided."""
    groups = tuple(
        group if group.kind == "latent" else group.model_copy(update={"kv_heads": max(1, group.kv_heads // width)})
        for group in model.kv_groups
    )
    return model.model_copy(update={"kv_groups": groups})


def _why_not(request: PlanRequest, sizing: Sizing) -> str:
    budget, gpu = sizing.budget, request.gpu
    longest = sizing.kv.pool.longest_context(max(0, budget.kv_cache.low), request.goal.context_tokens)
    remedy = f"a context of {longest} tokens would fit" if longest > 0 else "no context fits beside these weights"
    return (
        f"goal.context_tokens: one request of {request.goal.context_tokens} tokens needs "
        f"{sizing.kv.least_bytes / GIB:.2f} GiB of KV cache; {gpu.count} x {gpu.name} with {gpu.memory_gib:g} GiB "
        f"leave {budget.kv_cache.low / GIB:.2f} to {budget.kv_cache.high / GIB:.2f} GiB ({budget.verdict}); {remedy}"
    )


def _decided(request: PlanRequest, sizing: Sizing, seqs: int) -> list[Sized]:
    goal = request.goal
    return [
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
            reason="the goal's parallel requests; more would only make more and larger CUDA graphs",
            derived_from=("goal.parallel_requests",),
        ),
        Sized(
            name="max_num_batched_tokens",
            value=_default_batch(request, seqs),
            unit="tokens",
            reason="what vLLM takes on such a card: every further token costs activation memory",
            derived_from=("gpu",),
        ),
        Sized(
            name="tensor_parallel_size",
            value=sizing.tensor_parallel,
            unit="GPUs",
            reason="the fewest GPUs on which one full request fits",
            derived_from=("gpu.count", "model"),
        ),
        Sized(
            name="kv_cache_dtype",
            value=sizing.kv_cache_dtype,
            reason="the model's own type; fp8 would double the tokens at some accuracy, set it to choose so",
            derived_from=("compute_capability",),
        ),
        Sized(
            name="gpu_memory_utilization",
            value=sizing.utilization,
            reason="the largest value, at most vLLM's default, whose start is no coin toss",
            derived_from=("gpu_memory",),
        ),
    ]


def _arguments(request: PlanRequest, sizing: Sizing, seqs: int, batched: int, offload_gib: float) -> tuple[str, ...]:
    gpu = request.gpu
    defaults = default_limits(request.device)
    flags = {
        "served_model_name": [request.served_name],
        "port": request.port,
        "max_model_len": request.goal.context_tokens,
        "max_num_seqs": seqs,
        "max_num_batched_tokens": batched,
        "gpu_memory_utilization": sizing.utilization,
        "kv_cache_dtype": sizing.kv_cache_dtype,
        "tensor_parallel_size": sizing.tensor_parallel,
        "kv_offloading_size": offload_gib or None,
    }
    return render_args(
        flags,
        request.vllm_version,
        gpu.compute_capability,
        "cuda",
        attention=_attention(request.model),
        defaults={"max_num_seqs": defaults[0], "max_num_batched_tokens": defaults[1]},
    )


def _attention(model: ModelGeometry) -> Attention:
    if model.latent:
        return "mla"
    return "sinks" if model.attention_sinks else "standard"


def _default_batch(request: PlanRequest, seqs: int) -> int:
    return max(default_limits(request.device)[1], seqs)


def _warnings(request: PlanRequest, concurrency: float) -> tuple[str, ...]:
    goal = request.goal
    if concurrency >= goal.parallel_requests:
        return ()
    queue = (
        f"{goal.parallel_requests} parallel requests of {goal.context_tokens} tokens do not fit at once: "
        f"{concurrency:.1f} do, the others queue until their KV cache is free"
    )
    return (queue,)


def _integer(chosen: Choices, name: str, default: int) -> int:
    asked = chosen.asked(name)
    if asked is None:
        return default
    if isinstance(asked, bool) or not isinstance(asked, int) or asked < 1:
        raise ValueError(f"server.overrides.{name}: '{asked}' must be a whole number, 1 or more")
    return asked
