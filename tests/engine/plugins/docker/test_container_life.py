"""Reading, changing and removing a container, against the official plugin's answers."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.engine.plugins.docker import daemon
from tests.engine.plugins.docker.plugin import CONTAINER, Created, Plugin, RefusedError

pytestmark = pytest.mark.docker

Rows = list[dict[str, Any]]
_NAMED = ("mustRun", "exitCode", "memory", "cpuShares", "restart", "name")


def _answer(rows: Rows, op: str, case: str) -> Any:
    return next(row["answer"] for row in rows if row["op"] == op and row["case"] == case and "Container" in row["type"])


def _changed(base: dict[str, Any]) -> dict[str, Any]:
    return base | {"memory": 256, "memorySwap": 256, "restart": "no", "cpuShares": 256}


def _refresh(plugin: Plugin, created: Created, state: dict[str, Any]) -> tuple[str, dict[str, Any], dict[str, Any]]:
    return plugin.read(CONTAINER, created.id, state, created.inputs)


def test_nothing_changed(plugin: Plugin, answers: Rows, base: dict[str, Any]) -> None:
    created = plugin.create(CONTAINER, base)
    resource_id, state, inputs = _refresh(plugin, created, created.properties)
    assert resource_id == created.id
    wanted = _answer(answers, "read", "nothing changed")
    varying = {"networkDatas", "hostname", "id", "image", "name", "volumes", "ports"}
    assert {key: state[key] for key in wanted["state"].keys() - varying} == {
        key: value for key, value in wanted["state"].items() if key not in varying
    }
    assert inputs == created.inputs
    assert state.keys() == wanted["state"].keys()
    assert plugin.diff(CONTAINER, resource_id, state, inputs).changes == 1  # DIFF_NONE


def test_an_update_in_place(plugin: Plugin, answers: Rows, base: dict[str, Any], name: str) -> None:
    created = plugin.create(CONTAINER, base)
    state = plugin.update(CONTAINER, created.id, created.properties, _changed(base))
    wanted = _answer(answers, "update", "memory, restart and cpuShares in place")
    assert {key: state[key] for key in wanted["state"] if key not in ("id", "name")} == {
        key: value for key, value in wanted["state"].items() if key not in ("id", "name")
    }
    assert state["id"] == created.id
    live = daemon.inspect(name)["HostConfig"]
    assert {
        "Memory": live["Memory"],
        "MemorySwap": live["MemorySwap"],
        "Restart": live["RestartPolicy"]["Name"],
        "CpuShares": live["CpuShares"],
    } == wanted["live"]


def test_changes_from_outside(plugin: Plugin, answers: Rows, base: dict[str, Any], name: str) -> None:
    created = plugin.create(CONTAINER, base)
    state = plugin.update(CONTAINER, created.id, created.properties, _changed(base))
    created = Created(created.id, state, plugin.check(CONTAINER, _changed(base)))

    def same(case: str, state: dict[str, Any]) -> dict[str, Any]:
        resource_id, read, inputs = _refresh(plugin, created, state)
        wanted = _answer(answers, "read", case)
        assert resource_id == created.id
        new_name = wanted["name"].replace("oracle-renamed", f"{name}-renamed").replace("oracle-c", name)
        assert {key: read[key] for key in _NAMED} == {key: wanted[key] for key in _NAMED} | {"name": new_name}
        expected = wanted["inputs"] | {"name": new_name}
        assert {key: inputs[key] for key in expected} == expected
        return read

    daemon.docker("update", "--memory", "192m", "--memory-swap", "192m", created.id)
    state = same("memory changed outside", state)
    daemon.docker("update", "--memory", "256m", "--memory-swap", "256m", "--restart", "always", created.id)
    state = same("restart policy changed outside", state)
    daemon.docker("update", "--restart", "no", created.id)
    daemon.docker("stop", "-t", "1", created.id)
    state = same("stopped outside", state)

    # With published ports a stopped container has to be replaced: they read back as none.
    with pytest.raises(RefusedError) as refused:
        plugin.update(CONTAINER, created.id, state, _changed(base))
    assert refused.value.details == _answer(answers, "update", "start again after a stop outside")["error"]["details"]

    daemon.docker("rename", created.id, f"{name}-renamed")
    state = same("renamed outside", state)
    daemon.docker("rm", "-f", created.id)
    resource_id, read, inputs = _refresh(plugin, created, state)
    assert (resource_id, read, inputs) == ("", {}, {})
    plugin.delete(CONTAINER, created.id, state)


def test_a_stopped_container_without_ports_starts_again(plugin: Plugin, base: dict[str, Any], name: str) -> None:
    inputs = {key: value for key, value in base.items() if key != "ports"}
    created = plugin.create(CONTAINER, inputs)
    daemon.docker("stop", "-t", "0", name)
    _, state, _ = _refresh(plugin, created, created.properties)
    assert state["mustRun"] is False
    assert plugin.update(CONTAINER, created.id, state, inputs)["mustRun"] is True
    assert daemon.inspect(name)["State"]["Running"] is True


def test_an_update_that_the_daemon_refuses(plugin: Plugin, base: dict[str, Any]) -> None:
    created = plugin.create(CONTAINER, base)
    with pytest.raises(RefusedError) as refused:
        plugin.update(CONTAINER, created.id, created.properties, base | {"cpuSet": "0-4095"})
    assert refused.value.details.startswith(
        "updating urn:pulumi:t::t::docker:index/container:Container::r: 1 error occurred:\n"
        "\t* Unable to update a container: Error response from daemon: "
    )
    assert refused.value.recorded is not None
    assert refused.value.recorded[1]["cpuSet"] == ""


def test_removal_gives_the_grace_that_was_asked_for(plugin: Plugin, base: dict[str, Any], name: str) -> None:
    slow = base | {"command": ["sh", "-c", "trap 'sleep 1; exit 0' TERM; while :; do sleep 0.1; done"]}
    created = plugin.create(CONTAINER, slow)
    start = time.monotonic()
    plugin.delete(CONTAINER, created.id, created.properties)
    assert 0.9 < time.monotonic() - start < 5
    assert daemon.state_of(name) == ""


def test_removal_without_grace_kills_at_once(plugin: Plugin, base: dict[str, Any]) -> None:
    deaf = base | {"command": ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"], "init": False}
    created = plugin.create(CONTAINER, {key: deaf[key] for key in deaf if key != "destroyGraceSeconds"})
    start = time.monotonic()
    plugin.delete(CONTAINER, created.id, created.properties)
    assert time.monotonic() - start < 5
