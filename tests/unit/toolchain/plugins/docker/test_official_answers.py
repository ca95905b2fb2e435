"""Every recorded check and diff answer of the official plugin, exactly.

The further rows are answers of the real pulumi-terraform-bridge 3.120.0 to
changes made at random, over the schema of this stand-in.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.unit.toolchain.plugins.docker.calls import bridge_rows, check, created, diff, official_rows

Row = dict[str, Any]


def _title(row: Row) -> str:
    return f"{row['type'].rpartition(':')[2]} {row['op']}: {row.get('case') or ', '.join(row['changed'])}"


def _is_check(row: Row) -> bool:
    # One row recorded as a diff holds raw inputs: it failed in Check.
    return row["op"] == "check" or "new_inputs" not in row["given"]


_ROWS = official_rows("check", "diff")


@pytest.mark.parametrize("row", [row for row in _ROWS if _is_check(row)], ids=_title)
def test_check(row: Row) -> None:
    wanted, got = row["answer"], check(row["type"], row["given"])
    if "error" in wanted:
        assert got == {"error": wanted["error"]["details"]}
        return
    assert got["failures"] == wanted["failures"]
    if wanted["failures"]:
        return
    name = wanted["inputs"].get("name")
    if name not in (None, row["given"].get("name")):
        assert re.fullmatch(r"r-[0-9a-f]{7}", got["inputs"].pop("name"))
        wanted = wanted | {"inputs": {key: value for key, value in wanted["inputs"].items() if key != "name"}}
    assert got["inputs"] == wanted["inputs"]


@pytest.mark.parametrize("row", [row for row in _ROWS if not _is_check(row)], ids=_title)
def test_diff(row: Row) -> None:
    assert diff(row["type"], created(row["type"])["answer"], row["given"]["new_inputs"]) == row["answer"]


def _changed(base: Row, changed: Row, removed: list[str]) -> Row:
    return {key: value for key, value in (base | changed).items() if key not in removed}


def _without_defaults(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_defaults(item) for key, item in value.items() if key != "__defaults"}
    if isinstance(value, list):
        return [_without_defaults(item) for item in value]
    return value


@pytest.mark.parametrize("row", bridge_rows("check"), ids=_title)
def test_failures_of_the_bridge(row: Row) -> None:
    base = _without_defaults(created(row["type"])["given"])
    got = check(row["type"], _changed(base, row["changed"], row["removed"]))
    if "error" in row["answer"]:
        assert got == row["answer"]
    else:
        assert sorted(failure["reason"] for failure in got["failures"]) == row["answer"]["failures"]


@pytest.mark.parametrize("row", bridge_rows("diff"), ids=_title)
def test_differences_of_the_bridge(row: Row) -> None:
    base = created(row["type"])
    state = _changed(base["answer"], row["state_changed"], row["state_removed"])
    assert diff(row["type"], state, _changed(base["given"], row["changed"], row["removed"])) == row["answer"]
