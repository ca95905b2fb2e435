"""Durations, GPU requests, names, unknown values and ignored changes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.unit.toolchain.plugins.docker.calls import CONTAINER, UNKNOWN, check, created, diff
from toolchain.plugins.docker.errors import OperationError
from toolchain.plugins.docker.operations.gpus import parse_gpus
from toolchain.plugins.docker.schema.duration import DurationError, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "nanoseconds", "shown"),
    [
        ("1m", 60 * 10**9, "1m0s"),
        ("90s", 90 * 10**9, "1m30s"),
        ("1.5h", 5400 * 10**9, "1h30m0s"),
        ("250ms", 25 * 10**7, "250ms"),
        ("0", 0, "0s"),
        ("-3s", -3 * 10**9, "-3s"),
    ],
)
def test_durations(text: str, nanoseconds: int, shown: str) -> None:
    assert parse_duration(text) == nanoseconds
    assert format_duration(nanoseconds) == shown


@pytest.mark.parametrize("text", ["", "5", "s", "1x", "1 s", "."])
def test_no_durations(text: str) -> None:
    with pytest.raises(DurationError):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("all", {"Count": -1}),
        ("2", {"Count": 2}),
        ('"device=0,1"', {"DeviceIDs": ["0", "1"], "Count": 0}),
        ("device=0", {"DeviceIDs": ["0"]}),
        ("driver=cdi,count=1", {"Driver": "cdi", "Count": 1}),
    ],
)
def test_gpus(text: str, request_: dict[str, Any]) -> None:
    found = parse_gpus(text)
    assert {key: found[key] for key in request_} == request_
    assert found["Capabilities"] == [["gpu"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("some", 'invalid count (some): value must be either "all" or an integer'),
        ("wibble=1", "unexpected key 'wibble' in 'wibble=1'"),
        ("driver=a,driver=b", "gpu request key 'driver' can be specified only once"),
    ],
)
def test_no_gpus(text: str, message: str) -> None:
    with pytest.raises(OperationError, match=re.escape(f"Error setting gpus: {message}")):
        parse_gpus(text)


def test_a_generated_name_stays() -> None:
    first = check(CONTAINER, {"image": "i"})["inputs"]
    assert re.fullmatch(r"r-[0-9a-f]{7}", first["name"])
    assert check(CONTAINER, {"image": "i"}, first)["inputs"]["name"] == first["name"]
    assert check(CONTAINER, {"image": "i", "name": "n"}, first)["inputs"]["name"] == "n"


def test_unknown_inputs_stay_unknown() -> None:
    answer = check(CONTAINER, {"image": UNKNOWN, "name": "n", "labels": [{"label": "a", "value": UNKNOWN}]})
    assert answer["failures"] == []
    assert answer["inputs"]["image"] == UNKNOWN
    assert answer["inputs"]["labels"][0]["value"] == UNKNOWN


def _full() -> tuple[dict[str, Any], dict[str, Any]]:
    row = created(CONTAINER)
    return row["answer"], row["given"]


def test_an_unknown_image_replaces() -> None:
    state, inputs = _full()
    found = diff(CONTAINER, state, inputs | {"image": UNKNOWN})
    assert found["detailed"] == {"image": "UPDATE_REPLACE"}
    assert found["delete_before_replace"] is True


def test_ignored_changes() -> None:
    state, inputs = _full()
    changed = inputs | {"memory": 256.0, "user": "1000"}
    assert set(diff(CONTAINER, state, changed)["detailed"]) == {"memory", "user"}
    assert set(diff(CONTAINER, state, changed, ["user"])["detailed"]) == {"memory"}
    assert diff(CONTAINER, state, changed, ["user", "memory"])["changes"] == "DIFF_NONE"


def test_the_order_of_a_set_is_no_difference() -> None:
    state, inputs = _full()
    reordered = inputs | {name: inputs[name][::-1] for name in ("labels", "ulimits", "envs")}
    assert diff(CONTAINER, state, reordered)["changes"] == "DIFF_NONE"


def test_the_order_of_a_list_is_one() -> None:
    state, inputs = _full()
    assert set(diff(CONTAINER, state, inputs | {"command": inputs["command"][::-1]})["replaces"]) == {"command"}


@pytest.mark.parametrize(
    ("name", "detailed"),
    [
        ("healthcheck", {}),
        ("labels", {}),
        ("hostname", {}),
        ("stopTimeout", {}),
        ("securityOpts", {"securityOpts": "ADD_REPLACE"}),
        ("networkDatas", {"networkDatas": "ADD"}),
    ],
)
def test_what_neither_state_nor_program_has(name: str, detailed: dict[str, str]) -> None:
    """The bridge's answers: objects stay away, lists of texts and what only the provider knows do not."""
    state, inputs = ({key: value for key, value in side.items() if key != name} for side in _full())
    assert diff(CONTAINER, state, inputs)["detailed"] == detailed
