"""Typed Terraform objects: every attribute present, sets without order.

A configuration or recorded state becomes an object in which missing attributes
are null, missing blocks are empty and sets are sorted as Terraform's type
system (cty) iterates them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolchain.plugins.docker.bridge.values import UNKNOWN
from toolchain.plugins.docker.schema.attribute import Attribute, Block, Kind


def is_block_type(attribute: Attribute) -> bool:
    """Whether Terraform sees blocks here: they are empty rather than null, and never computed."""
    return attribute.block is not None and not attribute.computed


def typed_object(block: Block, values: Mapping[str, Any]) -> dict[str, Any]:
    """The object of a resource or block."""
    return {name: typed_value(attribute, values.get(name)) for name, attribute in block.items()}


def typed_value(attribute: Attribute, value: Any) -> Any:
    """One attribute of an object."""
    if value is UNKNOWN:
        return UNKNOWN
    if value is None:
        return [] if is_block_type(attribute) else None
    if attribute.kind.is_sequence and isinstance(value, list):
        elements = [_element(attribute, item) for item in value]
        return sorted_set(attribute, elements) if attribute.kind is Kind.SET else elements
    if attribute.kind is Kind.MAP and isinstance(value, dict):
        return {key: _coerce(attribute.scalar_elem, item) for key, item in value.items()}
    return _coerce(attribute.kind, value)


def _element(attribute: Attribute, value: Any) -> Any:
    if attribute.block is not None:
        return typed_object(attribute.block, value) if isinstance(value, dict) else value
    return _coerce(attribute.scalar_elem, value)


def _coerce(kind: Kind, value: Any) -> Any:
    if kind is Kind.BOOL and isinstance(value, str):
        return value in ("1", "t", "T", "TRUE", "true", "True")
    if kind is Kind.STRING and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if kind is Kind.STRING and isinstance(value, bool):
        return str(value).lower()
    return value


def sorted_set(attribute: Attribute, elements: list[Any]) -> list[Any]:
    """The elements of a set, each once, in cty's order."""
    unique: list[Any] = []
    for element in elements:
        if element is UNKNOWN or element not in unique:
            unique.append(element)
    if attribute.block is None:
        return sorted(unique, key=_scalar_order)
    block = attribute.block
    return sorted(unique, key=lambda element: _object_bytes(block, element))


def _scalar_order(value: Any) -> tuple[int, Any]:
    if value is UNKNOWN:
        return (2, "")
    return (1, "") if value is None else (0, value)


def _object_bytes(block: Block, value: Any) -> str:
    if value is UNKNOWN:
        return "?"
    if value is None:
        return "~"
    parts = [_bytes(block[name], value.get(name)) for name in sorted(block)]
    return "<" + "".join(part + ";" for part in parts) + ">"


def _bytes(attribute: Attribute, value: Any) -> str:
    if value is UNKNOWN:
        return "?"
    if value is None:
        return "~"
    if attribute.kind is Kind.MAP:
        return "{" + "".join(f"{_quoted(key)}:{_quoted(value[key])};" for key in sorted(value)) + "}"
    if attribute.kind.is_sequence:
        block = attribute.block
        items = [_object_bytes(block, item) if block else _scalar_bytes(item) for item in value]
        return "[" + "".join(item + ";" for item in items) + "]"
    return _scalar_bytes(value)


def _scalar_bytes(value: Any) -> str:
    if value is UNKNOWN:
        return "?"
    if value is None:
        return "~"
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, int):
        return _big_float(value)
    return _quoted(value)


def _big_float(value: int) -> str:
    # Go's big.Float.String() writes ten significant digits.
    if len(str(abs(value))) <= 10:
        return str(value)
    mantissa, _, exponent = f"{value:.9e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{exponent}"


def _quoted(value: Any) -> str:
    if value is UNKNOWN:
        return "?"
    text = str(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
