"""Each property added, changed and removed, and values that are neither."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.toolchain.plugins.command.official import COPY, LOCAL, REMOTE, properties
from toolchain.plugins.command.protocol.values import UNKNOWN
from toolchain.plugins.command.rules.diff import diff
from toolchain.plugins.command.schema.resources import INPUTS
from toolchain.plugins.command.schema.types import AssetOrArchive, Field, ListOf, MapOf, ObjectOf, Scalar

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = {_SIGNATURE: "1b47061264138c4ac30d75fd1eb44270"}
_SCALARS: dict[type, tuple[Any, Any]] = {str: ("a", "b"), bool: (True, False), float: (1.0, 2.0), int: (1.0, 2.0)}


def _asset(digest: str, **more: str) -> dict[str, str]:
    return {_SIGNATURE: "c44067f5952c0a294b673a41bacd8c17", "hash": digest} | more


def _values(field: Field) -> tuple[Any, Any, str]:
    """Two values of the field and the path at which they differ."""
    if isinstance(field.type, Scalar):
        return *_SCALARS[field.type.kind], field.name
    if isinstance(field.type, MapOf):
        return {"K": "a"}, {"K": "b"}, f"{field.name}.K"
    if isinstance(field.type, ListOf):
        return ["a"], ["b"], f"{field.name}[0]"
    if isinstance(field.type, AssetOrArchive):
        return _asset("1"), _asset("2"), field.name
    return _SECRET | {"value": {"host": "a"}}, _SECRET | {"value": {"host": "b"}}, field.name


def _kinds(token: str, old: dict[str, Any], new: dict[str, Any], ignored: list[str] | None = None) -> dict[str, str]:
    changes = diff(token, properties(old | {"stdout": "o", "stderr": "e"}), properties(new), ignored or [])
    return {change.path: change.kind for change in changes}


_FIELDS = [(token, field) for token in (LOCAL, REMOTE, COPY) for field in INPUTS[token].fields]


@pytest.mark.parametrize(("token", "field"), _FIELDS, ids=lambda value: getattr(value, "name", value))
def test_each_property(token: str, field: Field) -> None:
    one, other, path = _values(field)
    suffix = "_REPLACE" if field.replaces else ""
    assert _kinds(token, {}, {field.name: one}) == {field.name: f"ADD{suffix}"}
    assert _kinds(token, {field.name: one}, {}) == {field.name: f"DELETE{suffix}"}
    assert _kinds(token, {field.name: one}, {field.name: other}) == {path: "UPDATE"}
    assert _kinds(token, {field.name: one}, {field.name: one}) == {}
    assert _kinds(token, {field.name: one}, {field.name: other}, [field.name]) == {}


def test_replacing_is_what_triggers_are_for() -> None:
    assert {field.name for _, field in _FIELDS if field.replaces} == {"triggers"}


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        (["a"], ["a", "b"], {"triggers[1]": "ADD"}),
        (["a", "b"], ["a"], {"triggers[1]": "DELETE"}),
        (["a", "b"], ["b", "a"], {"triggers[0]": "UPDATE", "triggers[1]": "UPDATE"}),
        (["a"], "a", {"triggers": "UPDATE_REPLACE"}),
        ([{"x": {"y": 1.0}}], [{"x": {"y": 2.0, "z": 3.0}}], {"triggers[0].x.y": "UPDATE", "triggers[0].x.z": "ADD"}),
        ([{"a-b": 1.0}], [{"a-b": 2.0}], {'triggers[0]["a-b"]': "UPDATE"}),
        ([1.0], [True], {"triggers[0]": "UPDATE"}),
        ([], [], {}),
        (["a"], [UNKNOWN], {"triggers[0]": "UPDATE"}),
        ([_SECRET | {"value": "a"}], [_SECRET | {"value": "a"}], {}),
        ([_SECRET | {"value": "a"}], ["a"], {"triggers[0]": "UPDATE"}),
    ],
)
def test_inside_of_triggers(old: Any, new: Any, changes: dict[str, str]) -> None:
    assert _kinds(LOCAL, {"triggers": old}, {"triggers": new}) == changes


def test_an_unknown_value_is_a_change() -> None:
    assert _kinds(LOCAL, {"create": "a"}, {"create": UNKNOWN}) == {"create": "UPDATE"}
    assert _kinds(LOCAL, {}, {"create": UNKNOWN}) == {"create": "ADD"}


def test_a_connection_in_clear_is_compared_inside_and_a_secret_one_as_a_whole() -> None:
    old, new = {"host": "a", "hostKey": "k"}, {"host": "a"}
    assert _kinds(REMOTE, {"connection": old}, {"connection": new}) == {"connection.hostKey": "DELETE"}
    secret = {"connection": _SECRET | {"value": old}}, {"connection": _SECRET | {"value": new}}
    assert _kinds(REMOTE, *secret) == {"connection": "UPDATE"}


def test_becoming_secret_is_a_change() -> None:
    assert _kinds(LOCAL, {"stdin": "a"}, {"stdin": _SECRET | {"value": "a"}}) == {"stdin": "UPDATE"}


def test_assets_compare_by_content() -> None:
    assert _kinds(COPY, {"source": _asset("1", path="/a")}, {"source": _asset("1", text="t")}) == {}


def test_a_change_of_order_in_a_map_is_none() -> None:
    first, second = {"A": "1", "B": "2"}, {"B": "2", "A": "1"}
    assert _kinds(LOCAL, {"environment": first}, {"environment": second}) == {}


def test_connection_is_an_object_in_the_schema() -> None:
    connection = next(field for field in INPUTS[REMOTE].fields if field.name == "connection")
    assert isinstance(connection.type, ObjectOf)
    assert connection.secret
    assert connection.required
