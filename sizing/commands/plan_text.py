"""A plan as text: bars, verdict, warnings, values."""

from collections.abc import Iterator

from sizing.draw.bars import bars_of, readable
from sizing.draw.terminal import draw, wrapped
from sizing.outlook import Axis
from sizing.serving import ServingPlan
from sizing.sized import Sized

GIB = 1 << 30


def plan_text(plan: ServingPlan, width: int, *, colours: bool) -> str:
    """Everything a plan says, in lines of at most `width` characters."""
    return "\n".join(_lines(plan, width, colours))


def _lines(plan: ServingPlan, width: int, colours: bool) -> Iterator[str]:
    yield f"{plan.host}: {plan.model} on vLLM {plan.vllm_version} ({plan.device}), profile {plan.profile}"
    for bar in bars_of(plan):
        yield ""
        yield from draw(bar, width, colours=colours)
    yield ""
    yield f"Goal: {plan.verdict}"
    for axis in plan.outlook.axes:
        yield from _axis(axis, width)
    if plan.outlook.predicted:
        yield ""
        yield "Predicted"
        yield from _table(plan.outlook.predicted, width)
    yield from _notes("Rests on", plan.outlook.assumptions, width)
    judged = plan.outlook.warnings()  # said above, axis by axis
    yield from _notes("Warnings", tuple(text for text in plan.warnings if text not in judged), width)
    yield ""
    yield "Values (server.overrides.NAME sets one; python -m sizing explain NAME tells where it comes from)"
    yield from _table(tuple(plan.values.values()), width)
    yield ""
    yield from wrapped("vllm serve MODEL " + " ".join(plan.vllm_arguments), width, 4)
    yield f"digest {plan.digest}"


def _axis(axis: Axis, width: int) -> Iterator[str]:
    head = f"  {axis.verdict:<10} {axis.field.removeprefix('goal.')}: {axis.asked:,.10g} {axis.unit} asked, "
    yield from wrapped(f"{head}{axis.predicted}", width, 13)
    yield from wrapped(" " * 13 + axis.arithmetic, width, 13)
    if axis.nearest:
        yield from wrapped(" " * 13 + "feasible: " + ", or ".join(axis.nearest), width, 13)


def _notes(title: str, sentences: tuple[str, ...], width: int) -> Iterator[str]:
    if sentences:
        yield ""
        yield title
    for sentence in sentences:
        yield from wrapped(f"  - {sentence}", width, 4)


def _table(values: tuple[Sized, ...], width: int) -> Iterator[str]:
    names = max(len(sized.name) for sized in values)
    shown = {sized.name: value_text(sized) for sized in values}
    figures = min(44, max(len(text) for text in shown.values()))
    for sized in values:
        head = f"  {sized.name:<{names}}  {shown[sized.name]:<{figures}}  "
        yield from wrapped(head + sized.reason, width, len(head))


def value_text(sized: Sized) -> str:
    """The value with its unit and range."""
    value = sized.value
    if sized.unit == "bytes" and isinstance(value, int) and abs(value) >= 1 << 20:
        spread = ""
        if sized.low is not None and sized.high is not None and sized.low != sized.high:
            spread = f" ({readable(int(sized.low))} to {readable(int(sized.high))})"
        return f"{value} = {readable(value)}{spread}"
    number = f"{value:,.10g}" if isinstance(value, float) else str(value)
    ends = [
        f"{end:,.0f}" if isinstance(value, int) else f"{end:,.4g}" for end in (sized.low, sized.high) if end is not None
    ]
    spread = f" ({' to '.join(ends)})" if len(ends) == 2 and ends[0] != ends[1] else ""
    return f"{number} {sized.unit}".rstrip() + spread
