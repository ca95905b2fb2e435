"""The decisions about a GPU start: the user's, each in its type and range, and the rule's with its reason."""

from dataclasses import replace
from typing import Any

from sizing.choices import Bounds, Choices
from sizing.gpu_choice import Asked, choose
from sizing.gpu_refusal import nearest_start
from sizing.gpu_sizing import Sizing, widths
from sizing.kv.batch import default_limits
from sizing.profiles import PREFERENCES
from sizing.request import PlanRequest
from sizing.sized import Sized

MOST_SEQUENCES = 65_536
MOST_BATCHED_TOKENS = 1 << 20
KV_DTYPES = ("auto", "float16", "bfloat16", "fp8", "fp8_e4m3", "fp8_e5m2")


def read_asked(request: PlanRequest, chosen: Choices) -> Asked:
    """The user's part of a start. Raises InfeasibleError where an override is of the wrong type or can never be."""
    asked = Asked(
        max_model_len=chosen.asked_integer("max_model_len", "tokens"),
        max_num_seqs=chosen.asked_integer("max_num_seqs", "sequences"),
        max_num_batched_tokens=chosen.asked_integer("max_num_batched_tokens", "tokens"),
        tensor_parallel_size=chosen.asked_integer("tensor_parallel_size", "GPUs"),
        kv_cache_dtype=chosen.asked_text("kv_cache_dtype", "auto", Bounds(among=KV_DTYPES)),
        gpu_memory_utilization=chosen.asked_number("gpu_memory_utilization"),
        kv_cache_bytes=chosen.asked_integer("kv_cache_bytes", "bytes"),
    )
    for name, (low, high, why) in _ranges(request, asked).items():
        value = getattr(asked, name)
        if value is not None and not low <= value <= high:
            within: dict[str, Any] = {name: min(max(value, low), high)}
            chosen.refuse(name, f"cannot be: {why}", nearest_start(request, replace(asked, **within), name))
    possible = widths(request.model, request.gpu.count)
    if asked.tensor_parallel_size is not None and asked.tensor_parallel_size not in possible:
        heads = request.model.attention_heads
        nearest = min(possible, key=lambda width: abs(width - (asked.tensor_parallel_size or 1)))
        chosen.refuse(
            "tensor_parallel_size", f"cannot be: it does not divide {heads} heads and packed layers evenly", nearest
        )
    return asked


def _ranges(request: PlanRequest, asked: Asked) -> dict[str, tuple[float, float, str]]:
    """The range of each number, and what bounds it."""
    goal, model, gpu = request.goal, request.model, request.gpu
    seqs = asked.max_num_seqs or goal.parallel_requests
    return {
        "max_num_seqs": (1, MOST_SEQUENCES, f"a server takes 1 to {MOST_SEQUENCES}"),
        "max_num_batched_tokens": (seqs, MOST_BATCHED_TOKENS, f"a step has a token for each of {seqs} sequences"),
        "max_model_len": (
            goal.context_tokens,
            model.context_tokens,
            f"the goal asks for {goal.context_tokens} and the model takes at most {model.context_tokens}",
        ),
        "tensor_parallel_size": (1, gpu.count, f"the host has {gpu.count}"),
        "gpu_memory_utilization": (0.01, 1.0, "it has to lie in (0, 1]"),
        "kv_cache_bytes": (1, gpu.memory_bytes, f"the GPU has {gpu.memory_bytes}"),
    }


def decide_start(request: PlanRequest, chosen: Choices, asked: Asked, sizing: Sizing) -> None:
    """Records what `sizing` runs with; where the user fixed some of it, beside what the rules alone would take."""
    rule = choose(request, Asked()) if asked.fixed() else sizing
    own = rule if isinstance(rule, Sizing) else sizing
    for sized in _decisions(request, own):
        chosen.decide(sized)
    kv = own.kv_cache
    chosen.decide(
        Sized(
            name="kv_cache_bytes",
            value=sizing.kv_cache.point if asked.kv_cache_bytes is None else kv.point,
            unit="bytes",
            reason=sizing.budget.reasons["KV cache"],
            derived_from=("gpu_memory", "gpu_memory_utilization"),
            low=sizing.kv_cache.low,
            high=sizing.kv_cache.high,
        )
    )


def _decisions(request: PlanRequest, sizing: Sizing) -> tuple[Sized, ...]:
    settings, goal = sizing.settings, request.goal
    preference = PREFERENCES[goal.profile]
    own_seqs, own_tokens = default_limits(request.device)
    filled = settings.max_num_seqs > goal.parallel_requests
    profile = ("goal.profile",) if preference.meet_parallel else ()
    return (
        Sized(
            name="max_model_len",
            value=settings.max_model_len,
            unit="tokens",
            reason="the goal's context",
            derived_from=("goal.context_tokens",),
        ),
        Sized(
            name="max_num_seqs",
            value=settings.max_num_seqs,
            unit="sequences",
            reason=_sequences_reason(request, filled=filled, own=own_seqs),
            derived_from=(
                "goal.parallel_requests",
                *(("goal.requests_per_second", "goal.profile", "kv_bytes_per_token") if filled else ()),
            ),
        ),
        Sized(
            name="max_num_batched_tokens",
            value=settings.max_num_batched_tokens,
            unit="tokens",
            reason=_batch_reason(settings.max_num_batched_tokens, own_tokens),
            derived_from=("host.gpu", *profile),
        ),
        Sized(
            name="tensor_parallel_size",
            value=settings.tensor_parallel,
            unit="GPUs",
            reason="the fewest GPUs on which the goal's requests fit at once, else all"
            if preference.meet_parallel
            else "the fewest GPUs on which one full request fits",
            derived_from=("host.gpu", "model", *profile),
        ),
        Sized(
            name="kv_cache_dtype",
            value=settings.kv_cache_dtype,
            reason="the goal's requests do not fit in the model's own type, and this GPU computes in fp8; "
            "scales are 1.0 unless the checkpoint has its own"
            if settings.kv_cache_dtype == "fp8"
            else "the model's own type; fp8 would double the tokens at some accuracy, set it to choose so",
            derived_from=("host.gpu", *profile),
        ),
        Sized(
            name="gpu_memory_utilization",
            value=sizing.utilization,
            reason="the largest value, at most vLLM's default, whose start is no coin toss",
            derived_from=("gpu_memory",),
        ),
    )


def _sequences_reason(request: PlanRequest, *, filled: bool, own: int) -> str:
    if not filled:
        return "the goal's parallel requests; more would only make more and larger CUDA graphs"
    if PREFERENCES[request.goal.profile].fill_batch:
        return f"as many mean requests as the KV cache holds, at most vLLM's own {own}"
    rate = request.goal.requests_per_second
    return f"what {rate:g} requests/s keep in flight by Little's law, and room for bursts"


def _batch_reason(tokens: int, own: int) -> str:
    if tokens > own:
        return f"longer steps than vLLM's own {own} for throughput; they cost the KV cache a twentieth at most"
    if tokens < own:
        return f"shorter steps than vLLM's own {own}: a long prompt delays running answers less"
    return "what vLLM takes on such a card: every further token costs activation memory"
