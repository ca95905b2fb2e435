"""The vocabulary of a Terraform-style resource schema, as data.

A resource is a mapping from Terraform attribute names to `Attribute`; nested
blocks are such mappings again.  Everything the plugin answers to check, diff,
create, read and update is derived from these tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias


class Kind(Enum):
    STRING = "string"
    INT = "int"
    BOOL = "bool"
    LIST = "list"
    SET = "set"
    MAP = "map"

    @property
    def is_scalar(self) -> bool:
        return self in (Kind.STRING, Kind.INT, Kind.BOOL)

    @property
    def is_sequence(self) -> bool:
        return self in (Kind.LIST, Kind.SET)


#: Returns the complaint about a value, or None when it is acceptable.
Validator: TypeAlias = Callable[[Any], str | None]


@dataclass(frozen=True)
class Attribute:
    """One attribute of a resource or block.

    `elem` is the element of a list, set or map: a scalar `Kind` or a nested
    block.  `suppress(old, new)` says that a change from old to new is none.
    `summary_only` marks validators whose complaint is reported once, the
    others report it as summary and detail alike.
    """

    kind: Kind
    required: bool = False
    optional: bool = False
    computed: bool = False
    force_new: bool = False
    default: str | int | bool | None = None
    elem: Kind | Block | None = None
    max_items: int = 0
    validate: Validator | None = None
    suppress: Callable[[str, str], bool] | None = None
    conflicts_with: tuple[str, ...] = ()
    sensitive: bool = False
    pulumi_name: str = ""
    autoname: bool = False

    @property
    def block(self) -> Block | None:
        """The nested block of a list or set of blocks."""
        return None if self.elem is None or isinstance(self.elem, Kind) else self.elem

    @property
    def scalar_elem(self) -> Kind:
        """The element kind of a list, set or map of scalars."""
        return self.elem if isinstance(self.elem, Kind) else Kind.STRING

    @property
    def is_flattened(self) -> bool:
        """Whether Pulumi shows the single element in place of the collection."""
        return self.kind.is_sequence and self.max_items == 1

    @property
    def is_input(self) -> bool:
        return self.required or self.optional


Block: TypeAlias = Mapping[str, Attribute]


@dataclass(frozen=True)
class Resource:
    """A resource type: its token, attributes and the way it is replaced."""

    token: str
    terraform_name: str
    attributes: Block
    delete_before_replace: bool = False
    updatable: bool = True


def string(**options: Any) -> Attribute:
    return Attribute(Kind.STRING, **_optional(options))


def integer(**options: Any) -> Attribute:
    return Attribute(Kind.INT, **_optional(options))


def boolean(**options: Any) -> Attribute:
    return Attribute(Kind.BOOL, **_optional(options))


def list_of(elem: Kind | Block, **options: Any) -> Attribute:
    return Attribute(Kind.LIST, elem=elem, **_optional(options))


def set_of(elem: Kind | Block, **options: Any) -> Attribute:
    return Attribute(Kind.SET, elem=elem, **_optional(options))


def map_of_strings(**options: Any) -> Attribute:
    return Attribute(Kind.MAP, elem=Kind.STRING, **_optional(options))


def output(attribute: Attribute) -> Attribute:
    """The same attribute, as one that only the provider fills."""
    return Attribute(attribute.kind, computed=True, elem=attribute.elem)


def _optional(options: dict[str, Any]) -> dict[str, Any]:
    return options if options.get("required") else {"optional": True, **options}
