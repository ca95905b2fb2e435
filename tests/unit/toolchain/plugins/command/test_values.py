"""Property values from and to the wire."""

from __future__ import annotations

from google.protobuf import json_format

from tests.unit.toolchain.plugins.command.official import properties
from toolchain.plugins.command.protocol.values import (
    ARCHIVE,
    ASSET,
    NOT_KNOWN,
    OUTPUT,
    SECRET,
    SIGNATURE,
    UNKNOWN,
    UNKNOWNS,
    Archive,
    Asset,
    Secret,
    encode_properties,
    plain,
)


def test_every_kind_comes_back_as_it_was() -> None:
    wire = {
        "text": "t",
        "number": 1.5,
        "flag": True,
        "list": ["a", [1.0], {}],
        "map": {"k": "v"},
        "unknown": UNKNOWN,
        "secret": {SIGNATURE: SECRET, "value": {"k": "v"}},
        "asset": {SIGNATURE: ASSET, "hash": "h", "text": "t", "path": "", "uri": ""},
        "archive": {SIGNATURE: ARCHIVE, "hash": "h", "path": "/p", "uri": ""},
    }
    assert json_format.MessageToDict(encode_properties(properties(wire))) == wire


def test_every_marker_of_an_unknown_value_is_known() -> None:
    assert properties({"all": sorted(UNKNOWNS)}) == {"all": [NOT_KNOWN] * 7}


def test_nulls_are_absent() -> None:
    assert properties({"a": None, "b": {"c": None}, "d": [None]}) == {"b": {}, "d": [None]}


def test_outputs_become_what_they_hold() -> None:
    known = {SIGNATURE: OUTPUT, "value": "v", "dependencies": ["urn"], "secret": True}
    unknown = {SIGNATURE: OUTPUT, "dependencies": ["urn"]}
    assert properties({"known": known, "unknown": unknown}) == {"known": Secret("v"), "unknown": NOT_KNOWN}


def test_a_secret_in_a_secret_is_one() -> None:
    inner = {SIGNATURE: SECRET, "value": "v"}
    assert properties({"a": {SIGNATURE: SECRET, "value": inner}}) == {"a": Secret("v")}


def test_an_archive_of_assets() -> None:
    wire = {SIGNATURE: ARCHIVE, "hash": "h", "assets": {"f": {SIGNATURE: ASSET, "text": "t"}}}
    assert properties({"a": wire}) == {"a": Archive(hash="h", assets={"f": Asset(text="t")})}


def test_scripts_see_plain_values() -> None:
    assert plain({"a": Secret([Secret("x"), NOT_KNOWN])}) == {"a": ["x", None]}
