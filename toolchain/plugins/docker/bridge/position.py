"""Positions in a schema as Pulumi's property paths walk it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypeAlias

from toolchain.plugins.docker.bridge.names import find
from toolchain.plugins.docker.bridge.values import RESERVED
from toolchain.plugins.docker.schema.attribute import Attribute, Block, Kind

Path: TypeAlias = tuple[str | int, ...]

_PLAIN_KEY = re.compile(r"[a-zA-Z_$][a-zA-Z0-9_$]*", re.ASCII)


def is_reserved(step: str | int) -> bool:
    return isinstance(step, str) and step in RESERVED


def path_text(path: Path) -> str:
    """A property path as the engine writes it: ``ports[0].external``, ``tmpfs["/tmp"]``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            quoted = step.replace('"', '\\"')
            text += f'["{quoted}"]'
    return text


@dataclass(frozen=True)
class Position:
    """A place in a schema: an attribute or an element of one; outside the schema both are missing."""

    attribute: Attribute | None = None
    of_element: bool = False
    parent: Position | None = None

    @classmethod
    def of_property(cls, block: Block, name: str, parent: Position | None = None) -> Position:
        return cls(find(block, name)[1], parent=parent)

    @property
    def known_attribute(self) -> Attribute:
        """The attribute of a place inside the schema."""
        if self.attribute is None:
            raise LookupError("outside the schema")
        return self.attribute

    @property
    def own_kind(self) -> Kind | None:
        """What Terraform has here; objects count as maps."""
        if self.attribute is None:
            return None
        if not self.of_element:
            return self.attribute.kind
        return Kind.MAP if self.attribute.block is not None else self.attribute.scalar_elem

    @property
    def effective_kind(self) -> Kind | None:
        """What Pulumi has here: a collection of at most one element is that element."""
        if self.attribute is not None and not self.of_element and self.attribute.is_flattened:
            return self.element().own_kind
        return self.own_kind

    @property
    def force_new(self) -> bool:
        return self.attribute is not None and not self.of_element and self.attribute.force_new

    @property
    def scalar_elements(self) -> bool:
        return self.attribute is not None and self.attribute.block is None

    @property
    def triggers_replacement(self) -> bool:
        """Whether a change here, or in the collection that holds it, replaces the resource."""
        if self.force_new:
            return True
        parent = self.parent
        return parent is not None and parent.own_kind in (Kind.LIST, Kind.SET, Kind.MAP) and parent.force_new

    def value_triggers_replacement(self, value: Any) -> bool:
        """The same for a whole value that appears or disappears."""
        if self.triggers_replacement:
            return True
        if isinstance(value, list):
            return any(self.element().value_triggers_replacement(item) for item in value)
        if isinstance(value, dict):
            return any(
                self.member(key).value_triggers_replacement(item) for key, item in value.items() if not is_reserved(key)
            )
        return False

    def element(self) -> Position:
        return Position(self.attribute, True, self)

    def member(self, key: str) -> Position:
        """The member of an object or the element of a map."""
        if self.attribute is None:
            return Position(parent=self)
        block = self.attribute.block
        if block is not None and (self.of_element or self.attribute.is_flattened):
            return Position.of_property(block, key, self)
        return self.element()
