"""The recorded state after an operation: what was read, what was planned, and nulls in between."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolchain.plugins.docker.bridge.plan import plan
from toolchain.plugins.docker.bridge.set_identity import zero_filled
from toolchain.plugins.docker.bridge.state import typed_object, typed_value
from toolchain.plugins.docker.bridge.values import UNKNOWN, contains_unknown
from toolchain.plugins.docker.schema.attribute import Attribute, Block, Kind


def planned_creation(block: Block, config: Mapping[str, Any]) -> dict[str, Any]:
    """The planned state of a new resource: what the provider decides is unknown."""
    planned = plan(block, {}, config).planned
    return _with_unknowns(block, planned)


def _with_unknowns(block: Block, planned: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _unknown(attribute, planned[name]) for name, attribute in block.items()}


def _unknown(attribute: Attribute, value: Any) -> Any:
    if value is None and attribute.computed:
        return UNKNOWN
    if attribute.block is not None and isinstance(value, list):
        block = attribute.block
        return [_with_unknowns(block, item) if isinstance(item, dict) else item for item in value]
    return value


def known_values(block: Block, planned: Mapping[str, Any]) -> dict[str, Any]:
    """What an operation works with: unknown values are none yet."""
    return {name: _known(planned.get(name), attribute) for name, attribute in block.items()}


def _known(value: Any, attribute: Attribute) -> Any:
    if value is UNKNOWN:
        return None
    if isinstance(value, list):
        block = attribute.block
        if block is None:
            return [item for item in value if item is not UNKNOWN]
        return [known_values(block, item) for item in value if isinstance(item, dict)]
    return value


def applied_state(block: Block, planned: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """The state after an apply: what was found, or else what was planned.

    Empty collections stay null where null was planned, and sets stay as planned.
    """
    state = {}
    for name, attribute in block.items():
        if name in found:
            value = zero_filled(attribute, typed_value(attribute, found[name]))
            state[name] = _as_planned(attribute, value, planned[name])
        else:
            state[name] = _undetermined(attribute, planned[name])
    return state


def _undetermined(attribute: Attribute, planned: Any) -> Any:
    if planned is UNKNOWN:
        return [] if attribute.kind is Kind.SET else None
    if attribute.block is not None and isinstance(planned, list):
        return [known_values(attribute.block, item) if isinstance(item, dict) else item for item in planned]
    return planned


def _as_planned(attribute: Attribute, found: Any, planned: Any) -> Any:
    if planned is UNKNOWN:
        return found
    if attribute.kind in (Kind.LIST, Kind.SET, Kind.MAP) and not found and not planned:
        return planned
    if planned is None:
        return found
    if attribute.kind is Kind.SET and not contains_unknown(planned):
        return planned
    if attribute.kind is Kind.STRING and found is None and planned == "":
        return ""
    if attribute.kind is Kind.LIST and attribute.block is not None and isinstance(found, list):
        return _list_as_planned(attribute.block, found, planned)
    return found


def _list_as_planned(block: Block, found: list[Any], planned: list[Any]) -> list[Any]:
    if len(found) != len(planned):
        return found
    return [
        {name: _as_planned(block[name], item[name], wanted[name]) for name in block}
        for item, wanted in zip(found, planned, strict=True)
    ]


def refreshed_state(block: Block, prior: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """The state after a refresh: what was found, or else what was recorded."""
    before = typed_object(block, prior)
    return {
        name: zero_filled(attribute, typed_value(attribute, found[name]) if name in found else before[name])
        for name, attribute in block.items()
    }
