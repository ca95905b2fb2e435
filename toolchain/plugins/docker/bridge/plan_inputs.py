"""Whether a planned value could come from given inputs: they differ only in what is computed."""

from __future__ import annotations

from typing import Any

from toolchain.plugins.docker.bridge.position import Position, is_reserved
from toolchain.plugins.docker.schema.attribute import Kind


def could_come_from(at: Position, given: Any, planned: Any) -> bool:
    """Compare an element of the inputs with one of the plan, both under Pulumi's names."""
    attribute = at.attribute
    if attribute is None:
        return False
    kind = at.own_kind
    if attribute.computed and not at.of_element and given is None:
        return True
    if kind in (Kind.LIST, Kind.SET):
        if not _both(list, given, planned):
            return given is None and planned in (None, [])
        return _lists(at, given, planned)
    if kind is Kind.MAP:
        if not _both(dict, given, planned):
            return given is None and planned in (None, {})
        return all(
            could_come_from(at.member(key), given.get(key), planned.get(key))
            for key in {*given, *planned}
            if not is_reserved(key)
        )
    return type(given) is type(planned) and bool(given == planned)


def _both(kind: type, given: Any, planned: Any) -> bool:
    return isinstance(given, kind) and isinstance(planned, kind)


def _lists(at: Position, given: list[Any], planned: list[Any]) -> bool:
    length = max(len(given), len(planned))
    return all(
        could_come_from(
            at.element(),
            given[index] if index < len(given) else None,
            planned[index] if index < len(planned) else None,
        )
        for index in range(length)
    )
