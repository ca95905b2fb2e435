"""Every recorded check and diff answer of the official plugin, exactly."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import json_format

from tests.unit.toolchain.plugins.command.official import properties, rows, title
from toolchain.plugins.command.protocol.values import encode_properties
from toolchain.plugins.command.rules.check import check
from toolchain.plugins.command.rules.diff import diff

# Two recorded cases name no inputs; these are what their names say.
_BEFORE: dict[str, Any] = {"create": "true", "triggers": ["a", {"x": 1.0}]}
_AFTER = {
    "nested trigger value changed": {"create": "true", "triggers": ["a", {"x": 2.0}]},
    "nothing changed": _BEFORE,
}


@pytest.mark.parametrize("row", rows("check"), ids=title)
def test_check(row: dict[str, Any]) -> None:
    inputs, failures = check(row["type"], properties(row["given"]))
    assert json_format.MessageToDict(encode_properties(inputs)) == row["answer"]["inputs"]
    assert [{"property": item.property, "reason": item.reason} for item in failures] == row["answer"]["failures"]


@pytest.mark.parametrize("row", rows("diff"), ids=title)
def test_diff(row: dict[str, Any]) -> None:
    old = row["given"].get("old_inputs", _BEFORE)
    new = row["given"].get("new_inputs") or _AFTER[row["case"]]
    state = properties(old | {"stdout": "out", "stderr": "err"})
    changes = diff(row["type"], state, properties(new), [])
    answer = row["answer"]
    assert ("DIFF_SOME" if changes else "DIFF_NONE") == answer["changes"]
    assert {change.path: change.kind for change in changes} == answer["detailed"]
    assert sorted({change.root for change in changes}) == answer["diffs"]
    assert sorted({change.root for change in changes if change.replaces}) == answer["replaces"]
    assert answer["delete_before_replace"] is False
