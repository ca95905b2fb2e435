"""Typed, bounded reading of a config.json: a wrong value is one sentence, never a crash or a guess."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from sizing.geometry.errors import UnsupportedModel

# Far above any published model; a number beyond it is a typing error or an attack, not a model.
LARGEST: Final = 2**31
LARGEST_LAYERS: Final = 4096
LARGEST_RATIO: Final = 4096


class Fields:
    """One object of the config with the path that leads to it, for errors that name the place."""

    def __init__(self, values: Mapping[str, object], path: str = "") -> None:
        self.values = values
        self.path = path

    def name(self, field: str) -> str:
        return f"{self.path}.{field}" if self.path else field

    def has(self, *names: str) -> bool:
        """True when any of the names holds something other than null."""
        return any(self.values.get(name) is not None for name in names)

    def raw(self, *names: str) -> object:
        """The first value that is not null, or None."""
        return next((v for v in (self.values.get(name) for name in names) if v is not None), None)

    def refuse(self, field: str, value: object, right: str) -> UnsupportedModel:
        shown = repr(value)
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        return UnsupportedModel(f"config.json: {self.name(field)} is {shown}; it should be {right}")

    def missing(self, *names: str) -> UnsupportedModel:
        others = f" (or {', '.join(names[1:])})" if len(names) > 1 else ""
        return UnsupportedModel(
            f"config.json: {self.name(names[0])}{others} is missing; the model's size cannot be known without it"
        )

    def count(self, *names: str, default: int | None = None, least: int = 1, most: int = LARGEST) -> int:
        """A whole number under the first of `names` that is present; `default` when none is."""
        for name in names:
            value = self.values.get(name)
            if value is None:
                continue
            if isinstance(value, float) and math.isfinite(value) and value == int(value):
                value = int(value)
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                raise self.refuse(name, value, f"a whole number from {least} to {most}")
            return value
        if default is None:
            raise self.missing(*names)
        return default

    def layers(self, *names: str, default: int | None = None) -> int:
        """A number of layers, which is small enough to go through them one by one."""
        return self.count(*names, default=default, most=LARGEST_LAYERS)

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.values.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.refuse(name, value, "true or false")
        return value

    def ratio(self, name: str, default: float) -> float:
        """A factor between sizes: more than 0, at most a few thousand."""
        value = self.values.get(name)
        if value is None:
            return default
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not 1 / LARGEST_RATIO <= value <= LARGEST_RATIO
        ):
            raise self.refuse(name, value, f"a number above 0, at most {LARGEST_RATIO}")
        return float(value)

    def text(self, name: str, default: str = "") -> str:
        value = self.values.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self.refuse(name, value, "a string")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings; empty when absent."""
        value = self.values.get(name)
        if value is None:
            return ()
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise self.refuse(name, value, "a list of strings")
        texts = tuple(v for v in value if isinstance(v, str))
        if len(texts) != len(value):
            raise self.refuse(name, value, "a list of strings")
        return texts

    def counts(self, name: str, least: int = 0) -> tuple[int, ...]:
        """A list of whole numbers; empty when absent."""
        value = self.values.get(name)
        if value is None:
            return ()
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise self.refuse(name, value, "a list of whole numbers")
        numbers = tuple(v for v in value if isinstance(v, int) and not isinstance(v, bool) and least <= v <= LARGEST)
        if len(numbers) != len(value):
            raise self.refuse(name, value, f"a list of whole numbers from {least} to {LARGEST}")
        return numbers

    def over(self, defaults: Mapping[str, object]) -> Fields:
        """The same object, with values for fields that are absent or null."""
        stated = {name: value for name, value in self.values.items() if value is not None}
        return Fields({**defaults, **stated}, self.path)

    def section(self, name: str) -> Fields:
        """A nested object that has to be there."""
        found = self.optional_section(name)
        if found is None:
            raise self.missing(name)
        return found

    def optional_section(self, name: str) -> Fields | None:
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise self.refuse(name, value, "an object")
        return Fields(value, self.name(name))
