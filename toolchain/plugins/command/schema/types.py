"""The types of the plugin's properties, and the names that the official plugin's messages give them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Scalar:
    """A string, bool, float64 or int, or a string type of its own such as `local.Logging`."""

    name: str
    kind: type[str] | type[bool] | type[float] | type[int]


@dataclass(frozen=True)
class Anything:
    """Any value, as `triggers` takes them."""

    name: str = "interface {}"


@dataclass(frozen=True)
class ListOf:
    """A list."""

    item: Type

    @property
    def name(self) -> str:
        return f"[]{self.item.name}"


@dataclass(frozen=True)
class MapOf:
    """A map with string keys."""

    item: Type

    @property
    def name(self) -> str:
        return f"map[string]{self.item.name}"


@dataclass(frozen=True)
class AssetOrArchive:
    """An asset or an archive."""

    name: str = "types.AssetOrArchive"


@dataclass(frozen=True)
class ObjectOf:
    """An object with known fields, in the order in which they are checked."""

    name: str
    fields: tuple[Field, ...]

    @property
    def bare_name(self) -> str:
        """Without its package: `CommandInputs` of `remote.CommandInputs`."""
        return self.name.rpartition(".")[2]


Type: TypeAlias = Scalar | Anything | ListOf | MapOf | AssetOrArchive | ObjectOf


@dataclass(frozen=True)
class Field:
    """One property: what it may hold and what a change or its absence means."""

    name: str
    type: Type
    required: bool = False
    secret: bool = False
    replaces: bool = False
    default: str | float | None = None


STRING = Scalar("string", str)
BOOL = Scalar("bool", bool)
FLOAT = Scalar("float64", float)
INT = Scalar("int", int)
