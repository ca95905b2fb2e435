"""Creating containers, against what the official plugin answered in the same situations."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.engine.plugins.docker import daemon
from tests.engine.plugins.docker.plugin import CONTAINER, Plugin, RefusedError

pytestmark = pytest.mark.docker

Rows = list[dict[str, Any]]
_RESOLVER = re.compile(r"lookup nosuch\.invalid on [^ ]+:")
_LONG_ID = re.compile(r"\b[0-9a-f]{64}\b")


def _answer(rows: Rows, case: str, op: str = "create") -> Any:
    return next(row["answer"] for row in rows if row["op"] == op and row["case"] == case and "Container" in row["type"])


def _same_text(got: str, wanted: str, name: str, port: int) -> None:
    def neutral(text: str) -> str:
        text = _LONG_ID.sub("<id>", _RESOLVER.sub("lookup nosuch.invalid on <resolver>:", text))
        text = text.replace(name, "<name>").replace("oracle-c", "<name>")
        return text.replace(f":{port}", ":<port>").replace(":18555", ":<port>")

    got, wanted = neutral(got), neutral(wanted)
    # A machine without a resolver says so in its own words.
    if "nosuch.invalid" in wanted:
        got, wanted = got.partition("dial tcp")[0], wanted.partition("dial tcp")[0]
    assert got == wanted


def test_a_full_container(plugin: Plugin, answers: Rows, base: dict[str, Any], name: str, free_port: int) -> None:
    created = plugin.create(CONTAINER, base)
    wanted = dict(_answer(answers, "full container"))
    got = dict(created.properties)
    for key in ("networkDatas", "hostname", "id", "image", "name", "volumes", "ports"):
        wanted.pop(key)
    data = got.pop("networkDatas")
    assert [entry["networkName"] for entry in data] == ["bridge"]
    assert data[0]["ipPrefixLength"] == 16
    assert got.pop("hostname") == created.id[:12]
    assert got.pop("id") == created.id == daemon.inspect(name)["Id"]
    assert (got.pop("image"), got.pop("name")) == (base["image"], name)
    assert got.pop("ports") == [{"internal": 8000, "external": free_port, "ip": "127.0.0.1", "protocol": "tcp"}]
    assert got.pop("volumes") == [
        {
            "volumeName": f"{name}-models",
            "containerPath": "/models",
            "readOnly": True,
            "fromContainer": "",
            "hostPath": "",
            "selinuxRelabel": "",
        }
    ]
    assert got == wanted


def test_what_the_daemon_was_told(plugin: Plugin, base: dict[str, Any], name: str) -> None:
    plugin.create(CONTAINER, base)
    seen = daemon.inspect(name)
    host = seen["HostConfig"]
    assert host["Memory"] == host["MemorySwap"] == 128 * 1024 * 1024
    assert host["ShmSize"] == 256 * 1024 * 1024
    assert {limit["Name"]: limit["Hard"] for limit in host["Ulimits"]} == {"memlock": 8388608, "stack": 67108864}
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-file": "3", "max-size": "10m"}}
    assert host["Binds"] == [f"{name}-models:/models:ro"]
    assert host["Init"] is True
    assert seen["Config"]["Env"] == ["A=1", "B=2"]
    assert seen["Config"]["Labels"] == {"role": "vllm", "digest": "abc"}
    assert seen["Config"]["StopTimeout"] == 30
    assert seen["Config"]["Healthcheck"]["StartPeriod"] == 60 * 10**9


_REQUESTS = (
    {"gpus": "all"},
    {"gpus": "device=0"},
    {"deviceRequests": [{"driver": "cdi", "deviceIds": ["nvidia.com/gpu=0"]}]},
    {"deviceRequests": [{"driver": "nvidia", "count": -1, "capabilities": ["gpu"]}]},
)


@pytest.mark.parametrize("index", range(len(_REQUESTS)))
def test_gpus_without_a_driver(
    plugin: Plugin, answers: Rows, base: dict[str, Any], name: str, free_port: int, index: int
) -> None:
    wanted = [row["answer"] for row in answers if row["op"] == "create" and "without GPU support" in row["case"]]
    with pytest.raises(RefusedError) as refused:
        plugin.create(CONTAINER, base | _REQUESTS[index])
    _same_text(refused.value.details, wanted[index]["error"]["details"], name, free_port)
    assert refused.value.recorded is not None


_FAILURES: dict[str, dict[str, Any]] = {
    "image missing": {"image": "nosuch.invalid/image:1"},
    "memlock above the hard limit": {"ulimits": [{"name": "memlock", "soft": -1, "hard": -1}]},
    "cpus above the host": {"cpus": "64"},
    "unknown runtime": {"runtime": "nvidia"},
    "unknown network": {"networkMode": "nosuchnet"},
    "wait, never healthy": {
        "wait": True,
        "waitTimeout": 6,
        "healthcheck": {
            "tests": ["CMD", "/bin/sh", "-c", "exit 1"],
            "interval": "1s",
            "timeout": "1s",
            "retries": 1,
        },
    },
}


@pytest.mark.parametrize("case", _FAILURES)
def test_creation_fails(
    plugin: Plugin, answers: Rows, base: dict[str, Any], name: str, free_port: int, case: str
) -> None:
    wanted = _answer(answers, case)
    with pytest.raises(RefusedError) as refused:
        plugin.create(CONTAINER, base | _FAILURES[case])
    text = wanted["error"]["details"]
    if "there are only 2 CPUs" in text:
        # The number of CPUs is this machine's.
        cpus = daemon.docker("info", "--format", "{{.NCPU}}")
        text = text.replace("2.00", f"{cpus}.00").replace("only 2 CPUs", f"only {cpus} CPUs")
    _same_text(refused.value.details, text, name, free_port)
    assert refused.value.code == wanted["error"]["code"]
    assert daemon.state_of(name)[:7].strip() == wanted["left_behind"][:7].strip()
    # What is left behind is recorded, so that the next deployment knows it.
    assert (refused.value.recorded is not None) == bool(wanted["left_behind"])


def test_a_name_in_use(plugin: Plugin, answers: Rows, base: dict[str, Any], name: str, free_port: int) -> None:
    plugin.create(CONTAINER, base)
    with pytest.raises(RefusedError) as refused:
        plugin.create(CONTAINER, base)
    _same_text(refused.value.details, _answer(answers, "name in use")["error"]["details"], name, free_port)
    assert refused.value.recorded is None


def test_a_port_in_use(plugin: Plugin, answers: Rows, base: dict[str, Any], name: str, free_port: int) -> None:
    plugin.create(CONTAINER, base | {"name": f"{name}-user"})
    with pytest.raises(RefusedError) as refused:
        plugin.create(CONTAINER, base)
    _same_text(refused.value.details, _answer(answers, "port in use")["error"]["details"], name, free_port)
    assert daemon.state_of(name) == "Created"
    assert refused.value.recorded is not None
    recorded_id, properties = refused.value.recorded
    assert recorded_id == daemon.inspect(name)["Id"]
    assert properties["name"] == name


_ENDINGS: dict[str, dict[str, Any]] = {
    "exits at once": {"command": ["sh", "-c", "echo boom >&2; exit 3"], "restart": "no"},
    "exits at once, mustRun false": {"command": ["sh", "-c", "exit 3"], "restart": "no", "mustRun": False},
    "crash loop": {"command": ["sh", "-c", "exit 3"], "restart": "unless-stopped"},
    "wait until healthy": {
        "wait": True,
        "waitTimeout": 30,
        "healthcheck": {
            "tests": ["CMD", "/bin/sh", "-c", "exit 0"],
            "interval": "1s",
            "timeout": "1s",
            "retries": 3,
        },
    },
}


@pytest.mark.parametrize("case", _ENDINGS)
def test_what_a_container_came_to(plugin: Plugin, answers: Rows, base: dict[str, Any], case: str) -> None:
    wanted = _answer(answers, case)
    created = plugin.create(CONTAINER, base | _ENDINGS[case])
    assert created.properties["mustRun"] == wanted["mustRun"]
    assert created.properties["exitCode"] == wanted["exitCode"]


def test_a_preview_knows_what_is_given(plugin: Plugin, answers: Rows, base: dict[str, Any]) -> None:
    wanted = _answer(answers, "preview")
    properties = plugin.preview(CONTAINER, base)
    assert sorted(properties) == wanted["known"]
    assert properties["memory"] == 128
    assert properties["hostname"] == "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
