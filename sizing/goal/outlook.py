"""The outlook of a plan, from its situation."""

from hosts.stack import Goal
from sizing.goal.axes import axes
from sizing.goal.efficiency import REASONS
from sizing.goal.predictions import predictions
from sizing.goal.situation import Situation
from sizing.kv_values import MeanRequest
from sizing.outlook import Axis, Outlook, judged, rounded

UNPUBLISHED = "no published peak of this CPU is known here; measure it under load"


def outlook_on_gpu(s: Situation) -> Outlook:
    """Ranges from the roofline, and the verdict."""
    assumptions = [
        f"{s.card.name}: {s.card.tflops:g} dense FP16 TFLOPS, {s.card.gb_s:g} GB/s ({s.card.source})",
        *REASONS,
        _lengths(s.request),
    ]
    return Outlook(axes=tuple(axes(s)), predicted=tuple(predictions(s)), assumptions=tuple(assumptions))


def outlook_without_gpu(goal: Goal, request: MeanRequest, context_tokens: int, running: float) -> Outlook:
    """Memory is known exactly on a CPU, speed is not: those axes are not judged."""
    found = [
        Axis(
            field="goal.context_tokens",
            asked=goal.context_tokens,
            unit="tokens",
            low=context_tokens,
            high=context_tokens,
            verdict="meets",
            arithmetic="the KV pool is made for it",
        ),
        Axis(
            field="goal.parallel_requests",
            asked=goal.parallel_requests,
            unit="at once",
            low=rounded(running),
            high=rounded(running),
            verdict=judged(goal.parallel_requests, running, running, less_is_better=False),
            arithmetic=f"the KV pool holds {running:.1f} requests of {request.tokens} tokens; further ones queue",
            nearest=() if running >= goal.parallel_requests else (f"parallel_requests: {max(1, int(running))}",),
        ),
    ]
    for name, unit in (("requests_per_second", "requests/s"), ("ttft_s", "s"), ("latency_s", "s")):
        asked = getattr(goal, name)
        if asked is not None:
            found.append(
                Axis(
                    field=f"goal.{name}",
                    asked=asked,
                    unit=unit,
                    low=None,
                    high=None,
                    verdict="not judged",
                    arithmetic=UNPUBLISHED,
                )
            )
    return Outlook(axes=tuple(found), assumptions=(_lengths(request),))


def _lengths(request: MeanRequest) -> str:
    if request.stated:
        return f"requests of {request.prompt_tokens} + {request.output_tokens} tokens, as the goal has it"
    return (
        f"requests of {request.prompt_tokens} + {request.output_tokens} tokens, the longest: the goal states no "
        "prompt_tokens and output_tokens"
    )
