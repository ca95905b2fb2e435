"""A Terraform value as Pulumi properties: names, flattening, numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolchain.plugins.docker.bridge.names import pulumi_name
from toolchain.plugins.docker.bridge.values import DEFAULTS
from toolchain.plugins.docker.schema.attribute import Attribute, Block, Kind

_TRUE = ("1", "t", "T", "TRUE", "true", "True")
_FALSE = ("0", "f", "F", "FALSE", "false", "False")


def pulumi_properties(block: Block, values: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a resource or block under their Pulumi names; nulls stay nulls."""
    return {
        name if name == DEFAULTS else pulumi_name(block, name): pulumi_value(block.get(name), value)
        for name, value in values.items()
    }


def pulumi_value(attribute: Attribute | None, value: Any) -> Any:
    """One attribute as Pulumi shows it."""
    if attribute is None:
        return _number(value)
    if isinstance(value, list):
        elements = [_element(attribute, item) for item in value]
        if attribute.is_flattened:
            return elements[0] if elements else None
        return elements
    if isinstance(value, dict):
        return {key: _number(item) for key, item in value.items()}
    return _scalar(attribute.kind, value)


def _element(attribute: Attribute, value: Any) -> Any:
    if attribute.block is not None and isinstance(value, dict):
        return pulumi_properties(attribute.block, value)
    return _scalar(attribute.scalar_elem, value)


def _scalar(kind: Kind, value: Any) -> Any:
    if kind is Kind.BOOL and isinstance(value, str):
        return True if value in _TRUE else False if value in _FALSE else value
    return _number(value)


def _number(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value
