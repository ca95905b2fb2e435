"""One candidate start on a host's GPUs: its KV layout, its memory, and whether it is safe."""

from dataclasses import dataclass, replace
from typing import cast

from sizing.geometry import ModelGeometry
from sizing.gpu_memory import GpuBudget, StartOptions, gpu_budget, safe_utilization
from sizing.gpu_memory.budget import Range
from sizing.kv import KvFlags, KvPlan, plan_kv
from sizing.kv.request import KvDtype
from sizing.request import PlanRequest
from sizing.sized import Budget, Part

GIB = 1 << 30
DEFAULT_UTILIZATION = 0.92
GROW_WITH_UTILIZATION = ("KV cache", "longest request")  # conditions that a smaller share only makes worse


@dataclass(frozen=True)
class GpuSettings:
    """What decides a start's memory. `gpu_memory_utilization` None: the safe one; `kv_cache_bytes` None: what
    utilisation leaves."""

    max_model_len: int
    max_num_seqs: int
    max_num_batched_tokens: int
    tensor_parallel: int
    kv_cache_dtype: str
    gpu_memory_utilization: float | None = None
    kv_cache_bytes: int | None = None


@dataclass(frozen=True)
class Sizing:
    """The outcome of a candidate. `most_kv_bytes` bounds a KV cache that the user set, None where a rule does."""

    settings: GpuSettings
    utilization: float
    kv: KvPlan
    budget: GpuBudget
    most_kv_bytes: int | None = None

    @property
    def kv_cache(self) -> Range:
        """Bytes of the KV cache on one GPU; exact where the user set them."""
        exact = self.settings.kv_cache_bytes
        return self.budget.kv_cache if exact is None else Range(exact, exact, exact)

    @property
    def starts(self) -> bool:
        """Whether even the low end of the range holds one full request."""
        if self.most_kv_bytes is not None and self.kv_cache.low > self.most_kv_bytes:
            return False
        return self.budget.verdict == "starts" and self.kv_cache.low >= self.kv.least_bytes

    @property
    def may_start(self) -> bool:
        """Whether the start is at least a coin toss."""
        return self.budget.verdict != "fails" and self.kv_cache.point >= self.kv.least_bytes

    @property
    def acceptable(self) -> bool:
        """A rule's choice has to be safe; who sets the utilisation may toss the coin, with a warning."""
        tossed = self.settings.gpu_memory_utilization is not None and self.most_kv_bytes is None
        return self.starts or (tossed and self.may_start)

    def blocks(self) -> tuple[int, int, int]:
        """Fewest, expected and most blocks; at least what one request takes."""
        least = self.kv.least_bytes
        low, point, high = (
            max(size, least) // self.kv.pool.block_bytes
            for size in (self.kv_cache.low, self.kv_cache.point, self.kv_cache.high)
        )
        return low, point, high

    def as_budget(self) -> Budget:
        """The parts of one GPU's memory that add up; a KV cache set by the user takes from the headroom."""
        whole = self.budget.as_budget()
        exact = self.settings.kv_cache_bytes
        if exact is None:
            return whole
        moved = exact - whole["KV cache"].size_bytes
        parts = tuple(_moved(part, moved) for part in whole.parts)
        return Budget(name=whole.name, total_bytes=whole.total_bytes, parts=parts)


def _moved(part: Part, moved: int) -> Part:
    if part.name == "KV cache":
        update = {"size_bytes": part.size_bytes + moved, "low_bytes": None, "high_bytes": None, "reason": "set by you"}
        return part.model_copy(update=update)
    if part.name == "headroom":
        return part.model_copy(update={"size_bytes": part.size_bytes - moved})
    return part


def size(request: PlanRequest, settings: GpuSettings) -> Sizing:
    """The candidate, sized. Raises sizing.kv.Refused where vLLM would refuse it before memory matters."""
    kv = plan_kv(
        shard(request.model, settings.tensor_parallel),
        request.device,
        KvFlags(
            max_model_len=settings.max_model_len,
            max_num_seqs=settings.max_num_seqs,
            max_num_batched_tokens=settings.max_num_batched_tokens,
            kv_cache_dtype=cast("KvDtype", settings.kv_cache_dtype),
        ),
    )
    utilization = settings.gpu_memory_utilization
    if utilization is None:
        utilization = _rule_utilization(request, settings, kv)
    most = None if settings.kv_cache_bytes is None else most_kv_bytes(request, settings, kv)
    return Sizing(settings, utilization, kv, budget_at(request, settings, kv, utilization), most)


def _rule_utilization(request: PlanRequest, settings: GpuSettings, kv: KvPlan) -> float:
    """vLLM's default, or the largest below it that is no coin toss."""
    budget = budget_at(request, settings, kv, DEFAULT_UTILIZATION)
    short = any(c.verdict != "starts" for c in budget.conditions if c.name in GROW_WITH_UTILIZATION)
    if budget.verdict == "starts" or short:
        return DEFAULT_UTILIZATION  # safe, or without remedy: less would leave the KV cache even less
    return min(DEFAULT_UTILIZATION, safest(request, settings, kv) or DEFAULT_UTILIZATION)


def _options(settings: GpuSettings, kv: KvPlan) -> StartOptions:
    return StartOptions(
        max_model_len=settings.max_model_len,
        max_num_seqs=settings.max_num_seqs,
        max_num_batched_tokens=settings.max_num_batched_tokens,
        tensor_parallel=settings.tensor_parallel,
        kv_element_bytes=kv_element_bytes(kv),
        block_tokens=kv.block_tokens,
    )


def kv_element_bytes(kv: KvPlan) -> int:
    """Bytes of one element of the KV cache."""
    if kv.kv_dtype.startswith("fp8"):
        return 1
    return 4 if kv.dtype == "float32" else 2


def budget_at(request: PlanRequest, settings: GpuSettings, kv: KvPlan, utilization: float) -> GpuBudget:
    """The memory of one GPU at this utilisation."""
    gpu = request.gpu
    return gpu_budget(
        request.model,
        gpu.memory_bytes,
        None,
        request.vllm_version,
        _options(settings, kv).model_copy(update={"gpu_memory_utilization": utilization}),
        gpu_name=gpu.name,
        compute_capability=gpu.capability,
        needed_kv_bytes=kv.least_bytes,
    )


def safest(request: PlanRequest, settings: GpuSettings, kv: KvPlan) -> float | None:
    """The largest utilisation that is no coin toss; None where there is none."""
    gpu = request.gpu
    return safe_utilization(
        request.model,
        gpu.memory_bytes,
        None,
        request.vllm_version,
        _options(settings, kv),
        gpu_name=gpu.name,
        compute_capability=gpu.capability,
        needed_kv_bytes=kv.least_bytes,
    )


def most_kv_bytes(request: PlanRequest, settings: GpuSettings, kv: KvPlan) -> int:
    """The largest KV cache that leaves the card what everything else takes at its highest; 0 where there is none."""
    safe = safest(request, replace(settings, kv_cache_bytes=None), kv)
    return 0 if safe is None else max(0, budget_at(request, settings, kv, safe).kv_cache.low)


def shard(model: ModelGeometry, width: int) -> ModelGeometry:
    """The model as one of `width` tensor-parallel GPUs keeps its keys and values; a latent is not divided."""
    if width == 1:
        return model
    groups = tuple(
        group if group.kind == "latent" else group.model_copy(update={"kv_heads": max(1, group.kv_heads // width)})
        for group in model.kv_groups
    )
    return model.model_copy(update={"kv_groups": groups})


def widths(model: ModelGeometry, gpus: int) -> tuple[int, ...]:
    """Numbers of GPUs over which vLLM can divide the model's heads and packed layers."""
    quantization = model.quantization
    unit = (quantization.group_size or 1) if quantization else 1
    return tuple(
        width
        for width in (1, 2, 4, 8, 16)
        if width <= gpus
        and model.attention_heads % width == 0
        and (model.kv_heads % width == 0 or width % model.kv_heads == 0)
        and (width == 1 or unit < 1 or (model.intermediate_size // width) % unit == 0)
    )
