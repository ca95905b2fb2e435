"""Errors in a configuration: file, line, field, value and what would be right, all of them at once."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Location = tuple[int | str, ...]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where."""

    field: str
    message: str
    file: str = ""
    line: int | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: " if self.file else ""
        return f"{place}{self.field}: {self.message}"


class ConfigError(ValueError):
    """Everything wrong with a configuration, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def dotted(location: Location) -> str:
    """('hosts', 0, 'cpus') as `hosts[0].cpus`."""
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def problems_of(error: ValidationError, model: type[BaseModel]) -> list[tuple[Location, str]]:
    """Pydantic's findings as (location, sentence), one per location and cause."""
    found: dict[tuple[Location, str], None] = {}
    details = error.errors(include_url=False)
    for detail in details:
        location = tuple(detail["loc"])
        # A list whose items are wrong counts as too short as well: that is the echo, not the fault.
        if detail["type"] == "too_short" and any(
            other["loc"][:-1]
            for other in details
            if other is not detail and tuple(other["loc"])[: len(location)] == location
        ):
            continue
        found[location, _sentence(detail, location, model)] = None
    return list(found)


def _sentence(detail: ErrorDetails, location: Location, model: type[BaseModel]) -> str:
    value = detail["input"]
    match detail["type"]:
        case "missing":
            return "is missing" + _hint_of(model, location)
        case "extra_forbidden":
            return _unknown_key(str(location[-1]), _fields_at(model, location[:-1]))
        case "too_short":
            return f"needs at least {detail['ctx']['min_length']} entry, found {detail['ctx']['actual_length']}"
        case "value_error":
            shown = f"'{_without_password(str(value))}' " if isinstance(value, str | int | float) else ""
            return shown + detail["msg"].removeprefix("Value error, ")
        case _:
            message = detail["msg"]
            message = message[0].lower() + message[1:]
            return f"{_shown(value)}: {message.replace('input should', 'should')}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _without_password(text: str) -> str:
    return re.sub(r"//[^/@\s]*@", "//…@", text)


def _hint_of(model: type[BaseModel], location: Location) -> str:
    owner = _model_at(model, location[:-1])
    info = owner.model_fields.get(str(location[-1])) if owner else None
    return f" ({info.description})" if info and info.description else ""


def _unknown_key(key: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    meant = f"did you mean '{close[0]}'?" if close else f"known here: {', '.join(known)}"
    return f"is not a key of this section; {meant}"


def _fields_at(model: type[BaseModel], location: Location) -> list[str]:
    owner = _model_at(model, location)
    return list(owner.model_fields) if owner else []


def _model_at(model: type[BaseModel], location: Location) -> type[BaseModel] | None:
    """The model that describes the value at `location`."""
    current: Any = model
    for step in location:
        if isinstance(step, int):
            continue
        owner = _first_model(current)
        if owner is None or step not in owner.model_fields:
            return None
        current = owner.model_fields[step].annotation
    return _first_model(current)


def _first_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in get_args(annotation) if (found := _first_model(arg))), None)
