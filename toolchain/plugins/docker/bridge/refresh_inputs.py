"""Inputs after a refresh: those that were given, with the values that were found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolchain.plugins.docker.bridge.names import find, pulumi_name
from toolchain.plugins.docker.bridge.values import DEFAULTS
from toolchain.plugins.docker.schema.attribute import Attribute, Block, Kind


def refreshed_inputs(block: Block, inputs: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, Any]:
    """Take the values of `state` for the properties that `inputs` has, both under Pulumi's names."""
    return _object(block, inputs, state)[0]


def _object(block: Block, inputs: Mapping[str, Any], state: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """The new inputs of an object and whether they are still its defaults."""
    result: dict[str, Any] = {}
    unchanged = True
    defaults = inputs.get(DEFAULTS)
    kept = set(defaults) if isinstance(defaults, list) else set()
    for name, value in inputs.items():
        if name == DEFAULTS:
            continue
        same = False
        if name in state:
            result[name], same = _value(find(block, name)[1], value, state[name])
        if not same:
            unchanged = False
            kept.discard(name)
    if isinstance(defaults, list):
        result[DEFAULTS] = sorted(kept)
        return result, unchanged
    return result, True


def _value(attribute: Attribute | None, given: Any, found: Any) -> tuple[Any, bool]:
    if isinstance(given, list) and isinstance(found, list):
        return _list(attribute, given, found)
    if isinstance(given, dict) and isinstance(found, dict):
        block = attribute.block if attribute is not None else None
        if block is not None:
            return _object(block, given, found)
        return _map(given, found)
    return found, _equal(given, found)


def _list(attribute: Attribute | None, given: list[Any], found: list[Any]) -> tuple[list[Any], bool]:
    result = []
    unchanged = len(given) <= len(found)
    if attribute is not None and attribute.kind is Kind.SET:
        found = _in_order_of(attribute, given, found)
    for was, now in zip(given, found, strict=False):
        value, same = _value(attribute, was, now)
        result.append(value)
        unchanged = unchanged and same
    return result, unchanged


def _in_order_of(attribute: Attribute, given: list[Any], found: list[Any]) -> list[Any]:
    """The elements found in a set, those that were given at their places and the others in between."""
    left = list(found)
    placed: list[Any] = []
    for was in given:
        match = next((now for now in left if _value(_element(attribute), was, now)[1]), None)
        placed.append(match)
        if match is not None:
            left.remove(match)
    return [now if now is not None else left.pop(0) for now in placed if now is not None or left] + left


def _element(attribute: Attribute) -> Attribute | None:
    return attribute if attribute.block is not None else None


def _map(given: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    result = {}
    unchanged = True
    for key, value in given.items():
        if key in found:
            result[key] = found[key]
        unchanged = unchanged and key in found and _equal(value, found[key])
    return result, unchanged


def _equal(given: Any, found: Any) -> bool:
    return type(given) is type(found) and bool(given == found)


def schema_inputs(block: Block, state: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of an imported resource: whatever its state says beyond defaults."""
    result: dict[str, Any] = {}
    for name, attribute in block.items():
        key = pulumi_name(block, name)
        if not attribute.is_input or key not in state:
            continue
        value = _imported(attribute, state[key])
        if attribute.required or not _is_default(attribute, value):
            result[key] = value
    result[DEFAULTS] = []
    return result


def _imported(attribute: Attribute, value: Any) -> Any:
    block = attribute.block
    if block is not None and isinstance(value, list):
        return [schema_inputs(block, item) if isinstance(item, dict) else item for item in value]
    if block is not None and isinstance(value, dict):
        return schema_inputs(block, value)
    if attribute.kind is Kind.MAP and isinstance(value, dict):
        return {**value, DEFAULTS: []}
    return value


def _is_default(attribute: Attribute, value: Any) -> bool:
    if attribute.default is not None:
        default = attribute.default
        return _equal(value, float(default) if isinstance(default, int) and not isinstance(default, bool) else default)
    if isinstance(value, dict):
        return not value or set(value) == {DEFAULTS}
    return value is None or value is False or value in (0, "") or value == []
