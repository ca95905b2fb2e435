"""What a plan promises against its goal: a predicted range and a verdict on each axis, with the arithmetic."""

import math
from collections.abc import Iterator
from typing import Literal

from sizing.sized import Frozen, Sized

Verdict = Literal["meets", "coin toss", "cannot", "not judged"]
_WORST_FIRST: tuple[Verdict, ...] = ("cannot", "coin toss", "meets", "not judged")
SIGNIFICANT_DIGITS = 3
ENDLESS = "a queue without end"


class Axis(Frozen):
    """One figure of the goal. `low` and `high` bound the prediction; None where it grows without end."""

    field: str
    asked: float
    unit: str
    low: float | None
    high: float | None
    verdict: Verdict
    arithmetic: str
    nearest: tuple[str, ...] = ()

    @property
    def predicted(self) -> str:
        """The range as text."""
        if self.verdict == "not judged":
            return "not judged"
        if self.low is None:
            return ENDLESS
        first = f"{self.low:,.10g}"
        if self.high is None:
            return f"{first} {self.unit} to {ENDLESS}"
        last = f"{self.high:,.10g}"
        return f"{first} {self.unit}" if first == last else f"{first} to {last} {self.unit}"

    @property
    def sentence(self) -> str:
        """The verdict in one sentence, with the nearest feasible values."""
        judged = {"cannot": "cannot be met", "coin toss": "is a coin toss"}.get(self.verdict, self.verdict)
        remedy = f"; feasible: {', or '.join(self.nearest)}" if self.nearest else ""
        asked = f"{self.asked:,.10g} {self.unit}"
        return f"{self.field}: {asked} {judged}: predicted {self.predicted} ({self.arithmetic}){remedy}"


class Outlook(Frozen):
    """The verdict against the goal, and what it rests on."""

    axes: tuple[Axis, ...]
    predicted: tuple[Sized, ...] = ()
    assumptions: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst of all axes."""
        found = {axis.verdict for axis in self.axes}
        return next((verdict for verdict in _WORST_FIRST if verdict in found), "not judged")

    def warnings(self) -> tuple[str, ...]:
        """One sentence for each axis that is not safely met."""
        return tuple(self._warnings())

    def _warnings(self) -> Iterator[str]:
        for axis in self.axes:
            if axis.verdict in ("cannot", "coin toss"):
                yield axis.sentence

    def refused(self) -> str | None:
        """The axes that cannot be met, as one text; None where there is none."""
        beyond = [axis.sentence for axis in self.axes if axis.verdict == "cannot"]
        return "; ".join(beyond) or None


def rounded(value: float) -> float | None:
    """Three significant digits, so that no last bit of a processor's rounding reaches a plan; None for infinity."""
    if math.isinf(value) or math.isnan(value):
        return None
    if value == 0:
        return 0.0
    return round(value, SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(abs(value))))


def shown(value: float) -> str:
    """A number as people read it: three significant digits, no exponent."""
    short = rounded(value)
    if short is None:
        return "without end"
    return f"{short:,.0f}" if abs(short) >= 100 else f"{short:.10g}"


def span(low: float, high: float) -> str:
    """A range as text."""
    first, last = shown(low), shown(high)
    return first if first == last else f"{first} to {last}"


def judged(asked: float, low: float, high: float, *, less_is_better: bool) -> Verdict:
    """Whether all of the predicted range, none of it or a part lies on the good side of what is asked."""
    if less_is_better:
        asked, low, high = -asked, -high, -low
    if low >= asked:
        return "meets"
    return "coin toss" if high >= asked else "cannot"
