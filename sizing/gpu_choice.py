"""Chooses among the candidate starts of a host what the profile prefers, around what the user has fixed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sizing.gpu_situation import sequences_for_rate
from sizing.gpu_sizing import GpuSettings, Sizing, size, widths
from sizing.kv import Refused
from sizing.kv.batch import default_limits
from sizing.kv_values import concurrency_of, mean_request
from sizing.profiles import PREFERENCES, Preference
from sizing.request import PlanRequest

FP8_COMPUTE = (8, 9)  # compute capability from which tensor cores read fp8
WORTH = 0.95  # of the KV cache a longer step must leave


@dataclass(frozen=True)
class Asked:
    """What the user has fixed of a start; None: a rule decides."""

    max_model_len: int | None = None
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    tensor_parallel_size: int | None = None
    kv_cache_dtype: str | None = None
    gpu_memory_utilization: float | None = None
    kv_cache_bytes: int | None = None

    def fixed(self) -> tuple[str, ...]:
        """The names that are set, the likeliest to be at fault first."""
        order = (
            "kv_cache_bytes",
            "gpu_memory_utilization",
            "kv_cache_dtype",
            "max_num_batched_tokens",
            "max_num_seqs",
            "max_model_len",
            "tensor_parallel_size",
        )
        return tuple(name for name in order if getattr(self, name) is not None)


@dataclass(frozen=True)
class Failure:
    """No candidate starts: the last one that was sized, and the first refusal before any sizing."""

    closest: Sizing | None
    refusal: Refused | None


def batch_default(request: PlanRequest, preference: Preference, seqs: int) -> int:
    """Tokens a step where neither user nor a longer step decides: vLLM's own, or the profile's smaller ones."""
    own = default_limits(request.device)[1]
    if preference.smallest_batch:
        own = min(own, *(tokens for tokens in preference.batch_tokens if tokens is not None))
    return max(own, seqs)


def settings_for(request: PlanRequest, asked: Asked, width: int, dtype: str) -> GpuSettings:
    """A candidate with the goal's sequences and the profile's step."""
    preference = PREFERENCES[request.goal.profile]
    seqs = asked.max_num_seqs or request.goal.parallel_requests
    return GpuSettings(
        max_model_len=asked.max_model_len or request.goal.context_tokens,
        max_num_seqs=seqs,
        max_num_batched_tokens=asked.max_num_batched_tokens or batch_default(request, preference, seqs),
        tensor_parallel=width,
        kv_cache_dtype=dtype,
        gpu_memory_utilization=asked.gpu_memory_utilization,
        kv_cache_bytes=asked.kv_cache_bytes,
    )


def choose(request: PlanRequest, asked: Asked) -> Sizing | Failure:
    """The profile's choice. Fewest GPUs first, the model's own KV type before fp8."""
    preference = PREFERENCES[request.goal.profile]
    best: Sizing | None = None
    closest: Sizing | None = None
    refusal: Refused | None = None
    for width in _widths(request, asked):
        for dtype in _dtypes(request, asked, preference):
            try:
                sizing = size(request, settings_for(request, asked, width, dtype))
            except Refused as error:
                refusal = refusal or error
                continue
            closest = sizing
            if not sizing.acceptable:
                continue
            if not preference.meet_parallel or runs_at_once(request, sizing) >= request.goal.parallel_requests:
                return _refined(request, asked, preference, sizing)
            if best is None or runs_at_once(request, sizing) > 1.02 * runs_at_once(request, best):
                best = sizing
    return Failure(closest, refusal) if best is None else _refined(request, asked, preference, best)


def runs_at_once(request: PlanRequest, sizing: Sizing) -> float:
    """Mean requests of the goal that the KV cache safely holds."""
    mean = mean_request(request.goal, sizing.settings.max_model_len)
    return concurrency_of(sizing.kv.pool, sizing.blocks()[0], mean)


def _widths(request: PlanRequest, asked: Asked) -> tuple[int, ...]:
    possible = widths(request.model, request.gpu.count)
    # One that is impossible is refused by its own name; what fits beside it is still worth knowing.
    return (asked.tensor_parallel_size,) if asked.tensor_parallel_size in possible else possible


def _dtypes(request: PlanRequest, asked: Asked, preference: Preference) -> tuple[str, ...]:
    if asked.kv_cache_dtype is not None:
        return (asked.kv_cache_dtype,)
    native = request.gpu.capability >= FP8_COMPUTE
    return ("auto", "fp8") if preference.meet_parallel and native else ("auto",)


def _refined(request: PlanRequest, asked: Asked, preference: Preference, sizing: Sizing) -> Sizing:
    """The same with the profile's longer steps and fuller batch, where they are worth their memory."""
    for settings in _steps(asked, preference, sizing.settings):
        longer = _sized_or_none(request, settings)
        if longer is not None and longer.acceptable and _worth(longer, sizing):
            sizing = longer
            break
    fuller = _fuller(request, asked, preference, sizing)
    return sizing if fuller is None else fuller


def _fuller(request: PlanRequest, asked: Asked, preference: Preference, sizing: Sizing) -> Sizing | None:
    """The same with more sequences, for the goal's rate or a full batch; None where they are not worth it."""
    if asked.max_num_seqs is not None:
        return None
    most = max(1, min(default_limits(request.device)[0], int(runs_at_once(request, sizing))))
    wanted = most if preference.fill_batch else sequences_for_rate(request, sizing, most)
    if asked.max_num_batched_tokens is not None:
        wanted = min(wanted, asked.max_num_batched_tokens)
    settings = sizing.settings
    if wanted <= settings.max_num_seqs:
        return None
    tokens = max(settings.max_num_batched_tokens, wanted)
    fuller = _sized_or_none(request, replace(settings, max_num_seqs=wanted, max_num_batched_tokens=tokens))
    return fuller if fuller is not None and fuller.acceptable and _worth(fuller, sizing) else None


def _steps(asked: Asked, preference: Preference, settings: GpuSettings) -> Iterator[GpuSettings]:
    if asked.max_num_batched_tokens is not None or preference.smallest_batch:
        return
    for tokens in preference.batch_tokens:
        if tokens is None or tokens <= settings.max_num_batched_tokens:
            return
        yield replace(settings, max_num_batched_tokens=tokens)


def _sized_or_none(request: PlanRequest, settings: GpuSettings) -> Sizing | None:
    try:
        return size(request, settings)
    except Refused:
        return None


def _worth(candidate: Sizing, base: Sizing) -> bool:
    return candidate.blocks()[0] >= WORTH * base.blocks()[0]
