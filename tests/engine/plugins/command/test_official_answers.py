"""Every recorded create, read, update and delete answer, with real processes and a real SSH server."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.engine.plugins.command.plugin import Plugin
from tests.engine.plugins.command.sshd import SshServer, make_key, public_key
from tests.unit.toolchain.plugins.command.official import COPY, LOCAL, REMOTE, rows, title

pytestmark = pytest.mark.engine

_BASE = "echo out; echo err >&2"
_CONNECTION_PROPERTIES = {"hostKey", "dialErrorLimit", "perDialTimeout", "port"}
# Recorded cases whose connection differs in a way that only their names tell.
_PREVIOUS = {"stdout": "out", "stderr": "err"}


def _connection(row: dict[str, Any], server: SshServer, work: Path) -> dict[str, Any]:
    given = {key: value for key, value in row["given"].items() if key in _CONNECTION_PROPERTIES}
    if row["case"] == "wrong host key":
        make_key(work / "foreign")
        given["hostKey"] = public_key(work / "foreign")
    if row["case"] == "wrong user key":
        given["privateKey"] = make_key(work / "stranger")
    if row["case"] == "key that is no key":
        given["privateKey"] = "this is no key"
    return server.connection(**{key: float(value) if isinstance(value, int) else value for key, value in given.items()})


def _inputs(row: dict[str, Any], server: SshServer, work: Path) -> dict[str, Any]:
    """The row's inputs: what it names, on top of the base case, with this run's server and files."""
    skipped = {*_CONNECTION_PROPERTIES, "connection"}
    given = {key: value for key, value in row["given"].items() if key not in skipped}
    if row["type"] == COPY:
        (work / "oracle.txt").write_text("hello\n")
        if "path" in given.get("source", {}):
            given["source"] = given["source"] | {"path": str(work / "oracle.txt")}
        given["remotePath"] = str(work / "copied")
    elif row["case"] in {"no host key", "wrong host key", "port closed", "wrong user key", "key that is no key"}:
        given["create"] = "echo x"
    else:
        given = {"create": _BASE} | given
    inputs = given if row["type"] == LOCAL else {"connection": _connection(row, server, work)} | given
    return {key: value for key, value in inputs.items() if value is not None}


def _compare(row: dict[str, Any], state: dict[str, Any]) -> None:
    answer = row["answer"]
    for stream in ("stdout", "stderr"):
        if stream in answer:
            assert state[stream] == answer[stream]
    for key, value in answer.get("state", {}).items():
        if key != "connection":
            assert state[key] == value
    if "state_keys" in answer:
        assert sorted(state) == answer["state_keys"]


@pytest.mark.parametrize("row", rows("create"), ids=title)
def test_create(row: dict[str, Any], plugin: Plugin, server: SshServer, work: Path) -> None:
    inputs = _inputs(row, server, work)
    plugin.logged()
    started = time.monotonic()
    answer = row["answer"]
    if "error" in answer:
        with pytest.raises(grpc.RpcError) as error:
            plugin.create(row["type"], inputs)
        assert error.value.code().name == answer["error"]["code"]
        assert error.value.details() == answer["error"]["details"]
    else:
        created = plugin.create(row["type"], inputs, preview=row["case"] == "preview")
        assert len(created["id"]) == answer.get("id_length", len(answer.get("id", created["id"])))
        _compare(row, created["state"])
        if "remote" in answer:
            copied = work / "copied"
            assert f"{copied.read_text()}{copied.stat().st_mode & 0o777:o}\n" == answer["remote"]
    if "logged" in answer:
        assert plugin.logged() == answer["logged"]
    if "seconds" in answer:
        assert time.monotonic() - started < answer["seconds"] + 5


@pytest.mark.parametrize("row", rows("read"), ids=title)
def test_read_echoes_the_state(row: dict[str, Any], plugin: Plugin, server: SshServer, work: Path) -> None:
    inputs = _inputs(row, server, work)
    state = inputs | _PREVIOUS
    assert plugin.read(row["type"], state, inputs) == {"id": "id", "state": state, "inputs": inputs}


@pytest.mark.parametrize("row", rows("update"), ids=title)
def test_update(row: dict[str, Any], plugin: Plugin, server: SshServer, work: Path) -> None:
    inputs = _inputs(row, server, work)
    state = inputs | {"create": _BASE} | _PREVIOUS
    _compare(row, plugin.update(row["type"], state, inputs))


@pytest.mark.parametrize("row", rows("delete"), ids=title)
def test_delete(row: dict[str, Any], plugin: Plugin, server: SshServer, work: Path) -> None:
    inputs = _inputs(row, server, work)
    if row["type"] == COPY:
        source = {"4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17", "text": "hi\n"}
        inputs["source"] = source
        plugin.create(COPY, inputs)
        plugin.delete(COPY, inputs)
        assert (work / "copied").exists() is (row["answer"]["left"] != "")
    else:
        marker = work / "deleted"
        inputs["delete"] = inputs["delete"].replace("/tmp/oracle-deleted", str(marker))
        plugin.delete(row["type"], inputs | _PREVIOUS)
        assert marker.read_text() == f"{row['answer']['marker']}\n"


def test_all_three_types_are_recorded() -> None:
    assert {row["type"] for row in rows("create", "update", "delete")} == {LOCAL, REMOTE, COPY}
