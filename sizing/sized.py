"""A value that knows its reason, and a budget whose parts add up."""

from collections.abc import Iterable
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

Value = bool | int | float | str
SetBy = Literal["rule", "you", "measured"]


class Frozen(BaseModel):
    """Base of what a plan is made of."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Sized(Frozen):
    """One decision: the value, its unit, why it is that, and what it was derived from.

    `low` and `high` bound a prediction; without them the value holds exactly.

    Example: `Sized(name="shm_mib", value=1024, unit="MiB", reason="…", derived_from=("device",))`
    """

    name: str
    value: Value
    unit: str = ""
    reason: str
    derived_from: tuple[str, ...] = ()
    set_by: SetBy = "rule"
    low: float | None = None
    high: float | None = None

    def overridden(self, value: Value) -> Self:
        """The same decision taken by the user; the rule's value stays in the reason."""
        return self.model_copy(
            update={
                "value": value,
                "set_by": "you",
                "reason": f"set by you; the rule gives {self.value} ({self.reason})",
            }
        )


class Part(Frozen):
    """One slice of a budget, in bytes; `low_bytes` and `high_bytes` bound it where it is not exact."""

    name: str
    size_bytes: int
    reason: str
    low_bytes: int | None = None
    high_bytes: int | None = None


class Budget(Frozen):
    """Ordered parts that add up to exactly the total."""

    name: str
    total_bytes: int
    parts: tuple[Part, ...]

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        used = sum(part.size_bytes for part in self.parts)
        if used != self.total_bytes:
            raise ValueError(f"the parts of '{self.name}' add up to {used} bytes, not {self.total_bytes}")
        short = [part.name for part in self.parts if part.size_bytes < 0]
        if short:
            raise ValueError(f"'{self.name}' has no room for {', '.join(short)}")
        return self

    def __getitem__(self, name: str) -> Part:
        return next(part for part in self.parts if part.name == name)


def filled(name: str, total_bytes: int, parts: Iterable[Part], rest: str, rest_reason: str) -> Budget:
    """A budget whose last part, `rest`, takes what the others leave; ValueError below 0."""
    fixed = tuple(parts)
    left = total_bytes - sum(part.size_bytes for part in fixed)
    return Budget(
        name=name,
        total_bytes=total_bytes,
        parts=(*fixed, Part(name=rest, size_bytes=left, reason=rest_reason)),
    )
