"""The identity of a set element: the text that the Terraform SDK hashes."""

from __future__ import annotations

from typing import Any

from toolchain.plugins.docker.bridge.values import UNKNOWN
from toolchain.plugins.docker.schema.attribute import Attribute, Block, Kind

_ZERO: dict[Kind, Any] = {
    Kind.STRING: "",
    Kind.INT: 0,
    Kind.BOOL: False,
    Kind.LIST: [],
    Kind.SET: [],
    Kind.MAP: {},
}


def zero(kind: Kind) -> Any:
    """The zero value of a kind."""
    return _ZERO[kind]


def element_identity(attribute: Attribute, element: Any, *, defaults: bool = False) -> str:
    """The identity of an element of a set: missing values count as defaults, if asked, or zero values."""
    if attribute.block is None:
        return _scalar(element)
    return _object(attribute.block, element, defaults=defaults)


def _object(block: Block, value: Any, *, defaults: bool) -> str:
    if value is None:
        return ""
    parts = []
    for name in sorted(block):
        attribute = block[name]
        if not attribute.is_input:
            continue
        inner = value.get(name)
        if inner is None and defaults:
            inner = attribute.default
        if inner is None:
            inner = zero(attribute.kind)
        parts.append(f"{name}:{_value(attribute, inner, defaults=defaults)}")
    return "".join(parts)


def _value(attribute: Attribute, value: Any, *, defaults: bool) -> str:
    if value is UNKNOWN:
        return "?;"
    if attribute.kind.is_sequence:
        items = [
            f"<{_object(attribute.block, item, defaults=defaults)}>;"
            if attribute.block is not None
            else _scalar(item) + ";"
            for item in value
        ]
        if attribute.kind is Kind.SET:
            return "{" + "".join(sorted(items)) + "};"
        return "(" + "".join(items) + ");"
    if attribute.kind is Kind.MAP:
        return "[" + "".join(f"{key}:{_scalar(value[key])};" for key in sorted(value)) + "];"
    return _scalar(value) + ";"


def _scalar(value: Any) -> str:
    if value is UNKNOWN:
        return "?"
    if isinstance(value, bool):
        return "1" if value else "0"
    return "" if value is None else str(value)


def zero_filled(attribute: Attribute, value: Any) -> Any:
    """A recorded value as the SDK reads it back: inside blocks nothing is missing, only zero."""
    block = attribute.block
    if block is None or not isinstance(value, list):
        return value
    return [
        {
            name: zero_filled(inner, zero(inner.kind) if item.get(name) is None else item[name])
            for name, inner in block.items()
        }
        if isinstance(item, dict)
        else item
        for item in value
    ]
