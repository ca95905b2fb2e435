"""Pulumi properties as a Terraform configuration: names, flattening, types.

The result is what a Terraform configuration holds before it is checked: wrong
types are passed on as they are, except where a text can be read as a number or
a scalar be written as a text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from toolchain.plugins.docker.bridge.names import find
from toolchain.plugins.docker.bridge.values import RESERVED, UNKNOWN
from toolchain.plugins.docker.errors import PluginError
from toolchain.plugins.docker.schema.attribute import Attribute, Block, Kind

_INT64 = range(-(2**63), 2**63)


def terraform_config(block: Block, properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of a resource or of an object in it, under their Terraform names."""
    result: dict[str, Any] = {}
    for key, value in properties.items():
        if key in RESERVED:
            continue
        name, attribute = find(block, key)
        if name in result:
            raise PluginError(f"internal: Pulumi property '{key}' mapped non-uniquely to Terraform attribute '{name}'")
        result[name] = terraform_value(name, value, attribute)
    return result


def terraform_value(name: str, value: Any, attribute: Attribute | None) -> Any:
    """One property as Terraform has it; `name` is used in error texts."""
    if attribute is None:
        return _untyped(name, value)
    if attribute.kind.is_sequence:
        return _sequence(name, value, attribute)
    if attribute.kind is Kind.MAP and isinstance(value, dict):
        return {key: _scalar(key, item, attribute.scalar_elem) for key, item in value.items()}
    return _scalar(name, value, attribute.kind)


def _sequence(name: str, value: Any, attribute: Attribute) -> Any:
    if value is UNKNOWN:
        return UNKNOWN
    if value is None:
        return [] if attribute.is_flattened else None
    elements = value if isinstance(value, list) else [value]
    return [_element(f"{name}[{index}]", item, attribute) for index, item in enumerate(elements)]


def _element(name: str, value: Any, attribute: Attribute) -> Any:
    if attribute.block is None:
        return _scalar(name, value, attribute.scalar_elem)
    if isinstance(value, dict):
        return terraform_config(attribute.block, value)
    return _untyped(name, value)


def _scalar(name: str, value: Any, kind: Kind) -> Any:
    if isinstance(value, bool):
        return str(value).lower() if kind is Kind.STRING else value
    if isinstance(value, float):
        return number_text(value) if kind is Kind.STRING else int(value)
    if isinstance(value, str):
        return _parse_int(name, value) if kind is Kind.INT else value
    return _untyped(name, value)


def _untyped(name: str, value: Any) -> Any:
    if isinstance(value, float):
        return int(value)
    if isinstance(value, list):
        return [_untyped(f"{name}[{index}]", item) for index, item in enumerate(value)]
    if isinstance(value, dict):
        return {key: _untyped(key, item) for key, item in value.items()}
    return value


def _parse_int(name: str, text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise PluginError(f'{name}: strconv.ParseInt: parsing "{text}": invalid syntax')
    if int(text) not in _INT64:
        raise PluginError(f'{name}: strconv.ParseInt: parsing "{text}": value out of range')
    return int(text)


def number_text(value: float) -> str:
    """A number as Go's strconv.FormatFloat(value, 'f', -1, 64) writes it."""
    if value == int(value):
        return str(int(value))
    text = repr(value)
    return f"{value:.330f}".rstrip("0") if "e" in text else text
