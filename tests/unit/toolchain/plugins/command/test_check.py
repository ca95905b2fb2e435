"""Defaults, secrets and unknown values in checked inputs, and the source of a copy."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.toolchain.plugins.command.official import COPY, LOCAL, REMOTE, properties
from toolchain.plugins.command.protocol.values import NOT_KNOWN, UNKNOWN, Archive, Asset, Secret
from toolchain.plugins.command.rules.check import check

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_ASSET = {_SIGNATURE: "c44067f5952c0a294b673a41bacd8c17", "hash": "ab"}
_ARCHIVE = {_SIGNATURE: "0def7320c3a5731c473e5ecbe6d01bc7", "hash": "cd"}
_SECRET = {_SIGNATURE: "1b47061264138c4ac30d75fd1eb44270"}


def _connection(**given: Any) -> Any:
    inputs, failures = check(REMOTE, properties({"connection": {"host": "h"} | given}))
    assert not failures
    connection = inputs["connection"]
    assert isinstance(connection, Secret)
    return connection.value


def test_a_connection_gets_its_defaults() -> None:
    assert _connection() == {"host": "h", "user": "root", "port": 22.0, "dialErrorLimit": 10.0, "perDialTimeout": 15.0}


def test_a_proxy_gets_the_same_defaults() -> None:
    assert _connection(proxy={"host": "p"})["proxy"] == _connection() | {"host": "p"}


def test_given_values_stay_even_if_empty() -> None:
    assert _connection(user="", port=0.0) | {"user": "", "port": 0.0} == _connection(user="", port=0.0)


def test_whole_numbers_lose_their_fraction_and_ports_do_not() -> None:
    connection = _connection(dialErrorLimit=2.9, port=22.5)
    assert (connection["dialErrorLimit"], connection["port"]) == (2.0, 22.5)


def test_an_unknown_connection_stays_unknown_and_secret() -> None:
    inputs, failures = check(REMOTE, properties({"connection": UNKNOWN}))
    assert (inputs, failures) == ({"connection": Secret(NOT_KNOWN)}, [])


def test_unknown_values_inside_stay_and_the_rest_gets_defaults() -> None:
    assert _connection(host=UNKNOWN)["host"] is NOT_KNOWN
    assert _connection(host=UNKNOWN)["port"] == 22.0


def test_secrets_inside_stay_secrets() -> None:
    assert _connection(privateKey=_SECRET | {"value": "k"})["privateKey"] == Secret("k")


@pytest.mark.parametrize("name", ["privateKey", "privateKeyPassword", "password"])
def test_credentials_become_secrets(name: str) -> None:
    connection = _connection(**{name: "k"}, proxy={"host": "p", name: "k"})
    assert connection[name] == Secret("k")
    assert connection["proxy"][name] == Secret("k")


def test_a_failed_check_still_hides_the_connection() -> None:
    inputs, failures = check(REMOTE, properties({"connection": {"host": "h", "password": "p"}, "create": 1.0}))
    assert failures
    assert inputs["connection"] == Secret({"host": "h", "password": Secret("p")})


def test_nothing_is_added_to_a_command() -> None:
    assert check(LOCAL, properties({})) == ({}, [])


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        (_ASSET | {"text": "x"}, Asset(text="x", hash="ab")),
        (_ASSET | {"text": "", "path": "", "uri": ""}, Asset(hash="ab")),
        (_ASSET | {"path": "/f"}, Asset(path="/f", hash="ab")),
        (_ARCHIVE | {"path": "/d"}, Archive(path="/d", hash="cd")),
    ],
)
def test_sources_that_can_be_copied(source: dict[str, Any], kept: object) -> None:
    inputs, failures = _check_source(source)
    assert (inputs["source"], failures) == (kept, [])


@pytest.mark.parametrize(
    ("source", "property_", "reason"),
    [
        (UNKNOWN, "asset", "either asset or archive must be set"),
        (_ARCHIVE | {"assets": {}}, "archive", "archive must be a path to a file or directory"),
        (_ARCHIVE | {"uri": "https://h/a.zip"}, "archive", "archive must be a path to a file or directory"),
    ],
)
def test_sources_that_cannot(source: Any, property_: str, reason: str) -> None:
    _, failures = _check_source(source)
    assert failures == [(property_, reason)]


def test_a_missing_source_fails_twice() -> None:
    _, failures = _check_source(None)
    assert failures == [
        ("source", "Missing required field 'source' on 'remote.CopyToRemoteInputs'"),
        ("asset", "either asset or archive must be set"),
    ]


def _check_source(source: Any) -> tuple[Any, list[tuple[str, str]]]:
    given = {"connection": {"host": "h"}, "remotePath": "/p"} | ({} if source is None else {"source": source})
    inputs, failures = check(COPY, properties(given))
    return inputs, [(item.property, item.reason) for item in failures]
