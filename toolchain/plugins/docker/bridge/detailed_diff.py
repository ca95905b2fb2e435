"""The detailed diff: which property paths change, how, and whether that replaces the resource."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi.provider.experimental.provider import PropertyDiffKind

from toolchain.plugins.docker.bridge.config import terraform_value
from toolchain.plugins.docker.bridge.list_edits import list_changes
from toolchain.plugins.docker.bridge.plan_inputs import could_come_from
from toolchain.plugins.docker.bridge.position import Path, Position, is_reserved, path_text
from toolchain.plugins.docker.bridge.set_identity import element_identity
from toolchain.plugins.docker.bridge.values import UNKNOWN
from toolchain.plugins.docker.schema.attribute import Attribute, Block, Kind

ADD, DELETE, UPDATE = PropertyDiffKind.ADD, PropertyDiffKind.DELETE, PropertyDiffKind.UPDATE

_REPLACING = {
    ADD: PropertyDiffKind.ADD_REPLACE,
    DELETE: PropertyDiffKind.DELETE_REPLACE,
    UPDATE: PropertyDiffKind.UPDATE_REPLACE,
}
_UPDATING = {replacing: plain for plain, replacing in _REPLACING.items()}

Diff = dict[str, PropertyDiffKind]


def detailed_diff(
    block: Block,
    prior: Mapping[str, Any],
    planned: Mapping[str, Any],
    new_inputs: Mapping[str, Any],
    *,
    replaces: bool,
) -> Diff:
    """Compare the properties before and as planned.

    `replaces` is what the plan says about the whole: the diff follows it.
    """
    differ = _Differ(new_inputs)
    for name in sorted({*prior, *planned}):
        differ.compare((name,), Position.of_property(block, name), prior.get(name), planned.get(name))
    if not replaces:
        return {path: _UPDATING.get(kind, kind) for path, kind in differ.found.items()}
    if not any(kind in _UPDATING for kind in differ.found.values()):
        differ.found["__meta"] = PropertyDiffKind.UPDATE_REPLACE
    return differ.found


def _present(value: Any) -> bool:
    return value is not None and value != []


def _mismatched(value: Any, kind: Kind | None) -> bool:
    if value is UNKNOWN or not _present(value) or kind is None:
        return False
    if kind.is_sequence:
        return not isinstance(value, list)
    return kind is Kind.MAP and not isinstance(value, dict)


@dataclass
class _Differ:
    new_inputs: Mapping[str, Any]
    found: Diff = field(default_factory=dict)

    def compare(self, path: Path, at: Position, old: Any, new: Any) -> None:
        if is_reserved(path[-1]):
            return
        kind = at.effective_kind
        if _mismatched(old, kind) or _mismatched(new, kind):
            self._plain(path, at, old, new)
            return
        old = old if _present(old) else None
        new = new if new is UNKNOWN or _present(new) else None
        if old is None or new is None or new is UNKNOWN:
            self._one_sided(path, at, old, new)
        elif kind is Kind.LIST:
            self._list(path, at, old, new)
        elif kind is Kind.SET:
            self._set(path, at, old, new)
        elif kind is Kind.MAP:
            for key in sorted({*old, *new}):
                self.compare((*path, key), at.member(key), old.get(key), new.get(key))
        else:
            self._plain(path, at, old, new)

    def _record(self, path: Path, kind: PropertyDiffKind, *, replaces: bool) -> None:
        self.found[path_text(path)] = _REPLACING[kind] if replaces else kind

    def _plain(self, path: Path, at: Position, old: Any, new: Any) -> None:
        kind = UPDATE
        if not _present(old) or not _present(new):
            if not _present(old) and not _present(new):
                return
            kind = DELETE if _present(old) else ADD
        elif new is not UNKNOWN and old == new:
            return
        self._record(path, kind, replaces=at.triggers_replacement)

    def _one_sided(self, path: Path, at: Position, old: Any, new: Any) -> None:
        if old is None and new is None:
            return
        kind = ADD if old is None else DELETE if new is None else UPDATE
        self._record(path, kind, replaces=self._appearance_replaces(at, old, new))

    def _appearance_replaces(self, at: Position, old: Any, new: Any) -> bool:
        if new is UNKNOWN and at.triggers_replacement:
            return True
        return any(
            value is not None and value is not UNKNOWN and at.value_triggers_replacement(value) for value in (old, new)
        )

    def _list(self, path: Path, at: Position, old: list[Any], new: list[Any]) -> None:
        if at.scalar_elements:
            for index, kind in list_changes(old, new).items():
                self._record((*path, index), kind, replaces=at.force_new)
            return
        for index in range(max(len(old), len(new))):
            was = old[index] if index < len(old) else None
            will = new[index] if index < len(new) else None
            self.compare((*path, index), at.element(), was, will)

    def _set(self, path: Path, at: Position, old: list[Any], new: list[Any]) -> None:
        olds, news = self._identities(at, old), self._identities(at, new)
        removed = sorted(olds[identity] for identity in olds.keys() - news.keys())
        added = sorted(news[identity] for identity in news.keys() - olds.keys())
        if not removed and not added:
            return
        matched = self._match(path, at, added, new)
        if matched is None or len(matched) != len(added):
            self._record(path, UPDATE, replaces=at.force_new)
            return
        for index in sorted({*removed, *matched}):
            was = old[index] if index in removed else None
            will = new[matched[index]] if index in matched else None
            self.compare((*path, index), at.element(), was, will)

    def _identities(self, at: Position, elements: list[Any]) -> dict[str, int]:
        attribute = at.known_attribute
        return {
            element_identity(attribute, _without_unknowns(_terraform_element(attribute, item))): index
            for index, item in enumerate(elements)
        }

    def _match(self, path: Path, at: Position, added: list[int], planned: list[Any]) -> dict[int, int] | None:
        """The indices of inputs that the added elements of the plan come from."""
        inputs = _at(self.new_inputs, path)
        inputs = inputs if isinstance(inputs, list) else []
        if len(inputs) < len(planned):
            return None
        matched: dict[int, int] = {}
        for index in added:
            for candidate, given in enumerate(inputs):
                if candidate not in matched and could_come_from(at.element(), given, planned[index]):
                    matched[candidate] = index
                    break
        return matched


def _terraform_element(attribute: Attribute, value: Any) -> Any:
    return terraform_value("", [value], attribute)[0]


def _without_unknowns(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_unknowns(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_unknowns(item) for item in value]
    return None if value is UNKNOWN else value


def _at(value: Any, path: Path) -> Any:
    for step in path:
        if isinstance(value, Mapping) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value
