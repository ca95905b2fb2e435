"""Why no start on a host is safe: which field is at fault, and the nearest value that would do."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sizing.gpu_choice import Asked, Failure, choose
from sizing.gpu_memory.conditions import EDGE_BYTES
from sizing.gpu_sizing import GIB, GROW_WITH_UTILIZATION, Sizing, most_kv_bytes
from sizing.request import PlanRequest
from sizing.sized import Value


def refusal(request: PlanRequest, asked: Asked, failure: Failure) -> str:
    """One sentence. An override is named where the host would serve without it."""
    blamed = _blamed(request, asked)
    if blamed is not None:
        name, among, without = blamed
        found = choose(request, among)
        why = _why(request, found if isinstance(found, Failure) else failure)
        return (
            f"server.overrides.{name}: '{getattr(asked, name)}' cannot start: {why}; "
            f"the nearest valid is {_nearest(request, among, name, without)}"
        )
    if failure.closest is None:
        return f"model: {_why(request, failure)}; another model, vllm_version or GPU is needed"
    return f"goal.context_tokens: {_why(request, failure)}; {_remedy(request, failure.closest)}"


def _blamed(request: PlanRequest, asked: Asked) -> tuple[str, Asked, Sizing] | None:
    """The override at fault, those beside which it is, and the start without it; None where the host is at fault.

    Where no single one is, they are taken away one after the other until the host serves.
    """
    for name in asked.fixed():
        without = choose(request, _with(asked, name, None))
        if isinstance(without, Sizing):
            return name, asked, without
    among = asked
    for name in asked.fixed():
        rest = _with(among, name, None)
        without = choose(request, rest)
        if isinstance(without, Sizing):
            return name, among, without
        among = rest
    return None


def _why(request: PlanRequest, failure: Failure) -> str:
    sizing = failure.closest
    if sizing is None:
        return f"vLLM {request.vllm_version} would refuse this start, {failure.refusal}"
    gpu, found = request.gpu, sizing.kv_cache
    tokens, gpus = sizing.settings.max_model_len, sizing.settings.tensor_parallel
    if found.high <= 0:
        weights = sizing.budget.weights.point / GIB
        return f"the weights take {weights:.2f} GiB on each of {gpus} x {gpu.name} with {gpu.memory_gib:g} GiB"
    most = sizing.most_kv_bytes
    if most is not None and found.low > most:
        return f"beside everything else {gpus} x {gpu.name} safely leave {most} bytes of KV cache each"
    if found.low >= sizing.kv.least_bytes:
        failing = next((c.says for c in sizing.budget.conditions if c.verdict != "starts"), "its memory")
        verdict = "is a coin toss" if sizing.may_start else "fails"
        return f"at gpu_memory_utilization {sizing.utilization:g} the start {verdict}, {failing}"
    return (
        f"one request of {tokens} tokens needs {sizing.kv.least_bytes / GIB:.2f} GiB of KV cache; "
        f"{gpus} x {gpu.name} with {gpu.memory_gib:g} GiB leave {max(0, found.low) / GIB:.2f} to "
        f"{max(0, found.high) / GIB:.2f} GiB each ({_verdict(sizing)})"
    )


def _verdict(sizing: Sizing) -> str:
    """The verdict, with the condition that decides it where that is not the size of the KV cache."""
    verdict = "is a coin toss" if sizing.may_start else "fails"
    decisive = [c for c in sizing.budget.conditions if c.verdict == "fails" and c.name not in GROW_WITH_UTILIZATION]
    return f"{verdict}, {decisive[0].says}" if decisive else verdict


def _remedy(request: PlanRequest, closest: Sizing) -> str:
    """What would fit on this host: a shorter context, or an fp8 KV cache."""
    longest = longest_context(request, closest)
    found = f"a context of {longest} tokens would fit" if longest else "no context fits beside these weights"
    eight = choose(request, Asked(kv_cache_dtype="fp8"))
    if isinstance(eight, Sizing):
        found += ", or the whole one with server.overrides.kv_cache_dtype: fp8"
    return found


def longest_context(request: PlanRequest, closest: Sizing) -> int:
    """The longest context of which one request safely runs; 0 where none does."""

    def runs(tokens: int) -> bool:
        goal = request.goal.model_copy(update={"context_tokens": tokens, "prompt_tokens": None, "output_tokens": None})
        return isinstance(choose(replace(request, goal=goal), Asked()), Sizing)

    context, found = request.goal.context_tokens, closest.budget.kv_cache
    # The length hardly moves the memory: nearly always the first guess holds.
    guess = closest.kv.pool.longest_context(max(0, min(found.low, found.point - EDGE_BYTES)), context)
    if guess and runs(guess):
        return guess
    return _largest(runs, 0, context)


def _largest(holds: Callable[[int], bool], low: int, high: int) -> int:
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low


def nearest_start(request: PlanRequest, asked: Asked, name: str) -> Value:
    """The value of this override nearest to the asked one with which the host serves, where any does."""
    wished: Value = getattr(asked, name)
    if _starts(request, asked):
        return wished
    without = choose(request, _with(asked, name, None))
    return _nearest(request, asked, name, without) if isinstance(without, Sizing) else wished


def _nearest(request: PlanRequest, asked: Asked, name: str, without: Sizing) -> Value:
    """The value nearest to the user's that starts; the rule's own where there is no order."""
    settings = without.settings
    match name:
        case "kv_cache_bytes":
            least, most = without.kv.least_bytes, most_kv_bytes(request, settings, without.kv)
            return max(least, min(most, asked.kv_cache_bytes or 0))
        case "gpu_memory_utilization":
            return _nearest_utilization(request, asked, without.utilization)
        case "kv_cache_dtype":
            return settings.kv_cache_dtype
        case "tensor_parallel_size":
            return settings.tensor_parallel
    rule, value = int(getattr(settings, name)), int(getattr(asked, name))

    def starts(tried: int) -> bool:
        return _starts(request, _with(asked, name, tried))

    return _largest(starts, rule, max(rule, value))


def _with(asked: Asked, name: str, value: Value | None) -> Asked:
    changed: dict[str, Any] = {name: value}
    return replace(asked, **changed)


def _nearest_utilization(request: PlanRequest, asked: Asked, rule: float) -> float:
    wished = asked.gpu_memory_utilization or rule
    for share in sorted((step / 100 for step in range(1, 101)), key=lambda share: abs(share - wished)):
        if _starts(request, replace(asked, gpu_memory_utilization=share)):
            return share
    return rule


def _starts(request: PlanRequest, asked: Asked) -> bool:
    return isinstance(choose(request, asked), Sizing)
