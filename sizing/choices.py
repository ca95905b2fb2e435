"""The values of a plan in the making: a rule proposes, an override by the same name wins if it can work."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from sizing.serving import InfeasibleError
from sizing.sized import Sized, Value


@dataclass(frozen=True)
class Bounds:
    """What an override may be: a range with the reason of each end, or one of some words."""

    least: float | None = None
    most: float | None = None
    why_least: str = "there is nothing below it"
    why_most: str = "there is nothing above it"
    among: tuple[str, ...] = ()
    also: tuple[float, ...] = ()  # values outside the range that have a meaning of their own, like -1


UNBOUNDED = Bounds()


class Choices:
    """Decisions, which a user may override, and what follows from them, which nobody can."""

    def __init__(self, overrides: Mapping[str, Value]) -> None:
        self._asked = dict(overrides)
        self._used: set[str] = set()
        self.values: dict[str, Sized] = {}

    def decide(self, sized: Sized, bounds: Bounds = UNBOUNDED) -> None:
        """Adds a decision, replaced by the user's where one is set.

        Raises InfeasibleError naming field, value and the nearest valid one where the user's cannot be.
        """
        asked = self._asked.get(sized.name)
        self._used.add(sized.name)
        if asked is None:
            self.values[sized.name] = sized
            return
        value = checked(sized.name, asked, like=sized.value, unit=sized.unit, bounds=bounds)
        self.values[sized.name] = sized.overridden(value)

    def record(self, *derived: Sized) -> None:
        """Adds what follows from decisions. Raises InfeasibleError where a user tries to set it."""
        for sized in derived:
            if sized.name in self._asked:
                sources = [name for name in sized.derived_from if name in self.values] or ["the goal"]
                raise InfeasibleError(
                    f"server.overrides.{sized.name}: '{self._asked[sized.name]}' cannot be set, it follows from "
                    f"{' and '.join(sources)}; the plan's is {sized.value}"
                )
            self.values[sized.name] = sized

    def refuse(self, name: str, why: str, nearest: Value) -> NoReturn:
        """Raises InfeasibleError on an override that `why` rules out."""
        raise InfeasibleError(f"server.overrides.{name}: '{self._asked[name]}' {why}; the nearest valid is {nearest}")

    def asked_integer(self, name: str, unit: str = "", bounds: Bounds = UNBOUNDED) -> int | None:
        """The override of a whole number that is not decided yet, checked; None where there is none."""
        value = self._asked.get(name)
        return None if value is None else whole(name, checked(name, value, like=0, unit=unit, bounds=bounds))

    def asked_number(self, name: str, unit: str = "", bounds: Bounds = UNBOUNDED) -> float | None:
        """The same of any number."""
        value = self._asked.get(name)
        return None if value is None else float(checked(name, value, like=0.0, unit=unit, bounds=bounds))

    def asked_text(self, name: str, like: str, bounds: Bounds = UNBOUNDED) -> str | None:
        """The same of a word."""
        value = self._asked.get(name)
        return None if value is None else str(checked(name, value, like=like, unit="", bounds=bounds))

    def integer(self, name: str) -> int:
        """A whole-number value that is decided."""
        return whole(name, self.values[name].value)

    def number(self, name: str) -> float:
        """A number that is decided."""
        value = self.values[name].value
        if isinstance(value, bool | str):
            raise TypeError(f"{name} is {value!r}, not a number")
        return float(value)

    @property
    def settable(self) -> tuple[str, ...]:
        """Names of the decisions, sorted."""
        return tuple(sorted(self._used))

    def finished(self) -> dict[str, Sized]:
        """All values; InfeasibleError where an override names none of them."""
        for name in sorted(self._asked):
            if name not in self._used:
                raise InfeasibleError(unknown(name, sorted(self._used)))
        return self.values


def whole(name: str, value: Value | None) -> int:
    """`value` as a whole number; TypeError where it is none."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} is {value!r}, not a whole number")
    return value


def unknown(name: str, known: list[str]) -> str:
    """What to say of an override that names nothing."""
    near = difflib.get_close_matches(name, known, n=1)
    meant = f"did you mean '{near[0]}'?" if near else f"it has {', '.join(known)}"
    return f"server.overrides.{name}: the plan has no such value to set; {meant}"


def checked(name: str, value: Value, *, like: Value, unit: str, bounds: Bounds) -> Value:
    """`value` in the type of `like` and within bounds; InfeasibleError with the nearest valid one."""
    field = f"server.overrides.{name}: '{value}'"
    number = isinstance(like, int | float) and not isinstance(like, bool)
    if not number:
        if not isinstance(value, type(like)):
            raise InfeasibleError(f"{field} must be like '{like}'")
        if bounds.among and value not in bounds.among:
            near = difflib.get_close_matches(str(value), bounds.among, n=1) or [str(like)]
            raise InfeasibleError(f"{field} is not one of {', '.join(bounds.among)}; the nearest is '{near[0]}'")
        return value
    if isinstance(value, bool | str):
        raise InfeasibleError(f"{field} must be a number{f' of {unit}' if unit else ''}")
    if isinstance(like, int) and not isinstance(value, int):
        raise InfeasibleError(f"{field} must be a whole number; the nearest is {round(value)} {unit}".rstrip())
    _within(field, value, unit, bounds)
    return value if isinstance(like, int) else float(value)


def _within(field: str, value: float, unit: str, bounds: Bounds) -> None:
    if value in bounds.also:
        return
    if bounds.least is not None and value < bounds.least:
        nearest = f"{bounds.least:.15g} {unit}".rstrip()
        raise InfeasibleError(f"{field} is too little: {bounds.why_least}; the nearest valid is {nearest}")
    if bounds.most is not None and value > bounds.most:
        nearest = f"{bounds.most:.15g} {unit}".rstrip()
        raise InfeasibleError(f"{field} is too much: {bounds.why_most}; the nearest valid is {nearest}")
