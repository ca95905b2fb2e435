"""The container: its name follows everything that defines it, and nothing else."""

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components.gpu_host import GpuHostArgs
from components.server_container import ServerDefinition, container_args
from components.server_terms import ServerTerms, Ulimit, go_duration, trial_options
from tests.unit.components.conftest import Build

PROJECT = Path(__file__).parents[3]
DEFINITION = ServerDefinition(
    service="vllm",
    image="sha256:" + "1" * 64,
    image_key="sha256:" + "1" * 64,
    model_volume="gpuhost-model-m",
    model_digest="d" * 64,
    cache_volume="gpuhost-vllm-cache",
    arguments=("--max-model-len", "2048"),
    environment={"A": "1", "B": "2"},
    bind_address="127.0.0.1",
    port=8000,
    terms=ServerTerms(
        user="2000:0",
        memory_mib=4096,
        memory_swap_mib=4096,
        shm_mib=1024,
        cpus="8",
        pids_limit=2048,
        ulimits=(Ulimit("nofile", 65535, 65535), Ulimit("memlock", -1, -1)),
        tmpfs={"/tmp": "rw"},
    ),
    health_start_period_s=300,
    stop_grace_s=30,
)

CHANGES: dict[str, dict[str, Any]] = {
    "image": {"image_key": "sha256:" + "2" * 64},
    "model": {"model_digest": "e" * 64},
    "argument": {"arguments": ("--max-model-len", "4096")},
    "variable": {"environment": {"A": "1", "B": "3"}},
    "address": {"bind_address": "192.0.2.7"},
    "port": {"port": 8001},
    "memory": {"terms": dataclasses.replace(DEFINITION.terms, memory_mib=4097)},
    "shared memory": {"terms": dataclasses.replace(DEFINITION.terms, shm_mib=1025)},
    "ulimit": {"terms": dataclasses.replace(DEFINITION.terms, ulimits=())},
    "tmpfs": {"terms": dataclasses.replace(DEFINITION.terms, tmpfs={})},
    "gpu": {"terms": dataclasses.replace(DEFINITION.terms, gpu_path="cdi", gpu_indexes=("0",))},
    "start period": {"health_start_period_s": 301},
    "stop grace": {"stop_grace_s": 31},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_another_container(change: str) -> None:
    changed = dataclasses.replace(DEFINITION, **CHANGES[change])
    assert changed.container_name != DEFINITION.container_name


def test_the_order_of_variables_is_no_change() -> None:
    reordered = dataclasses.replace(DEFINITION, environment={"B": "2", "A": "1"})
    assert reordered.digest == DEFINITION.digest


@pytest.mark.parametrize("seed", ["0", "1", "4711"])
def test_the_digest_is_the_same_in_every_process(seed: str) -> None:
    ask = f"from {__name__} import DEFINITION; print(DEFINITION.digest)"
    printed = subprocess.run(
        [sys.executable, "-c", ask],
        cwd=PROJECT,
        env={"PYTHONHASHSEED": seed, "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert printed.stdout.strip() == DEFINITION.digest


def test_it_is_locked_down(build: Build, args: GpuHostArgs) -> None:
    (container,) = build(("one", args)).of_type("docker:index/container:Container")
    inputs = container.inputs
    assert inputs["readOnly"] is True
    assert inputs["capabilities"] == {"drops": ["ALL"]}
    assert inputs["securityOpts"] == ["no-new-privileges:true"]
    assert inputs["ipcMode"] == "private"
    assert inputs["user"] == "2000:0"
    assert "privileged" not in inputs
    assert inputs["ports"] == [{"internal": 8000, "external": 8000, "ip": "192.0.2.7", "protocol": "tcp"}]
    assert inputs["volumes"][0] == {
        "volumeName": "gpuhost-model-tiny",
        "containerPath": "/models",
        "readOnly": True,
    }


def test_swap_is_always_said(build: Build, args: GpuHostArgs) -> None:
    (container,) = build(("one", args)).of_type("docker:index/container:Container")
    assert container.inputs["memorySwap"] == container.inputs["memory"] == 4096


def test_an_old_server_gets_its_grace_at_the_end(build: Build, args: GpuHostArgs) -> None:
    (container,) = build(("one", args)).of_type("docker:index/container:Container")
    assert container.inputs["destroyGraceSeconds"] == 30


def test_the_trial_runs_under_every_limit_of_the_container() -> None:
    args = container_args(DEFINITION)
    options = trial_options(DEFINITION.terms)
    assert f"--memory={args.memory}m" in options
    assert f"--memory-swap={args.memory_swap}m" in options
    assert f"--shm-size={args.shm_size}m" in options
    assert f"--cpus={args.cpus}" in options
    assert f"--user={args.user}" in options
    assert "--ulimit=memlock=-1:-1" in options
    assert "--read-only" in options


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (5, "5s"), (60, "1m0s"), (90, "1m30s"), (3600, "1h0m0s"), (3725, "1h2m5s"), (86400, "24h0m0s")],
)
def test_durations_are_spelled_as_go_prints_them(seconds: int, text: str) -> None:
    assert go_duration(seconds) == text
