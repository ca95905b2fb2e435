"""What `vllm serve` of one release accepts: option spellings, types, choices and defaults.

One JSON file a release lies in `tables/`, written by `toolchain/flags/` from the published package's own
parser. Nothing here guesses: a release without a file is refused by name.
"""

import json
from functools import cache, cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

_TABLES = Path(__file__).parent / "tables"
_DETAILS = Path(__file__).parent / "details"


class UnknownVersionError(ValueError):
    """No table for that vLLM release; the message names the nearest one and all others."""


class FlagOption(BaseModel):
    """One option of the parser; `default` is None where vLLM decides after parsing.

    `config_keys` are the keys its JSON object may have, None where the parser does not check them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dest: str
    spellings: tuple[str, ...]
    long: tuple[str, ...]
    short: tuple[str, ...]
    kind: Literal["switch", "boolean-optional", "value", "help", "positional"]
    value_type: str | None
    nargs: Literal["?", "+", "*"] | int | None
    choices: tuple[str | int | None, ...] | None
    default: JsonValue
    required: bool
    deprecated: bool
    set_true: tuple[str, ...] = ()
    set_false: tuple[str, ...] = ()
    config_keys: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        """The canonical spelling: the first long one."""
        return self.long[0] if self.long else self.spellings[0]


class FlagTable(BaseModel):
    """Every option of one release, the environment variables it reads, and the values it knows of options
    whose text the parser does not check."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vllm_version: str
    parser_module: str
    options: tuple[FlagOption, ...]
    environment: frozenset[str]
    known_values: dict[str, tuple[str, ...]]

    @cached_property
    def by_dest(self) -> dict[str, FlagOption]:
        """Options by the name of the value they set, `max_model_len`."""
        return {option.dest: option for option in self.options}

    @cached_property
    def by_spelling(self) -> dict[str, FlagOption]:
        """Options by registered spelling, `--max-model-len`; only these can be abbreviated."""
        return {spelling: option for option in self.options for spelling in option.spellings}

    @cached_property
    def hidden(self) -> dict[str, FlagOption]:
        """Negative spellings that help does not show: releases that pair `--enable-x` with `--disable-x`
        still take `--no-enable-x` and `--no-disable-x`, and complete them like any other."""
        found = {}
        for option in self.options:
            pair = {name.removeprefix("--enable-").removeprefix("--disable-") for name in option.long}
            if option.kind == "boolean-optional" and len(option.long) == 2 and len(pair) == 1:
                found[f"--no-{option.long[0][2:]}"] = option
        return {spelling: option for spelling, option in found.items() if spelling not in self.by_spelling}

    @cached_property
    def accepted(self) -> dict[str, FlagOption]:
        """Every spelling the parser looks up: registered ones and hidden ones."""
        return self.by_spelling | self.hidden


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


@cache
def available_versions() -> tuple[str, ...]:
    """The releases with a table, oldest first."""
    return tuple(sorted((path.stem for path in _TABLES.glob("*.json")), key=_numbers))


def nearest_version(version: str) -> str:
    """The available release closest to `version`: itself, else the newest older one, else the oldest."""
    known = available_versions()
    try:
        wanted = _numbers(version.removeprefix("v").split(".post")[0].split("rc")[0])
    except ValueError:
        return known[-1]
    older = [name for name in known if _numbers(name) <= wanted]
    return older[-1] if older else known[0]


def last_version_with(flag: str) -> str | None:
    """The newest available release whose parser knows this spelling; None if none does."""
    known = [version for version in available_versions() if flag in flag_table(version).accepted]
    return known[-1] if known else None


@cache
def flag_table(version: str) -> FlagTable:
    """The table of a release such as "0.32.0" ("v0.32.0" is understood). Raises UnknownVersionError."""
    name = version.removeprefix("v")
    if name not in available_versions():
        raise UnknownVersionError(
            f"vllm_version: there is no flag table for '{version}'; the nearest is "
            f"{nearest_version(version)} (available: {', '.join(available_versions())})"
        )
    raw = json.loads((_TABLES / f"{name}.json").read_text(encoding="utf-8"))
    details = json.loads((_DETAILS / f"{name}.json").read_text(encoding="utf-8"))
    return FlagTable(
        vllm_version=raw["vllm_version"],
        parser_module=raw["parser_module"],
        options=tuple(
            FlagOption.model_validate(option | {"config_keys": details["config_keys"].get(option["dest"])})
            for option in raw["options"]
        ),
        environment=frozenset(details["environment"]),
        known_values={dest: tuple(words) for dest, words in details["known_values"].items()},
    )
