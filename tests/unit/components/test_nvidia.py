"""NVIDIA's half of a host: what is created, in which order, and how the GPUs are asked for."""

import dataclasses
from typing import Any

import pytest

from components.apt_repository import AptRepositoryArgs
from components.gpu_host import GpuHostArgs, NvidiaArgs, checks
from components.nvidia_runtime import gpu_options
from components.nvidia_toolkit import NvidiaDriverArgs
from components.server_terms import trial_options
from hosts.nvidia_floors import InjectionPath
from tests.unit.components.conftest import Build, Recorded

SCRIPTS = ("limits-sysctl", "nvidia-driver", "nvidia-repository", "nvidia-packages", "engine-configured", "gpus-cdi")


def with_gpu(args: GpuHostArgs, path: InjectionPath = "cdi") -> GpuHostArgs:
    """The host with one GPU that comes in on that path."""
    return dataclasses.replace(
        args,
        nvidia=NvidiaArgs(
            driver=NvidiaDriverArgs(
                "assert", 13, "580.65.06", 1, {580: "580.159.03"}, None, {"debian": ("nvidia-smi",)}
            ),
            toolkit_version="1.20.0",
            repository=AptRepositoryArgs(
                "nvidia-container-toolkit", "deb [signed-by=@KEYRING@] https://x/y /", "https://x/key", "F" * 40
            ),
            path=path,
            docker_needed="28.2.0",
        ),
        terms=dataclasses.replace(args.terms, gpu_path=path, gpu_indexes=("0", "1")),
    )


def script(recorded: Recorded, name: str) -> dict[str, Any]:
    return recorded.named(f"one-{name}").inputs


def test_a_host_without_a_gpu_has_none_of_it(build: Build, args: GpuHostArgs) -> None:
    recorded = build(("one", args))
    assert not [each.name for each in recorded.resources if "nvidia" in each.name or "gpus" in each.name]
    assert not [name for name in checks("one", args) if "nvidia" in name or "gpus" in name]
    assert "nvidia" not in script(recorded, "engine-configured")["stdin"].split("merge_program()")[0]


def test_each_part_is_registered_after_what_it_needs(build: Build, args: GpuHostArgs) -> None:
    """The mocks register in the order that dependencies allow."""
    names = [each.name for each in build(("one", with_gpu(args))).resources]
    order = [names.index(f"one-{name}") for name in (*SCRIPTS, "gpus-smoke", "vllm-handover")]
    assert order == sorted(order)


def test_docker_gets_the_keys_before_its_one_restart(build: Build, args: GpuHostArgs) -> None:
    wishes = script(build(("one", with_gpu(args))), "engine-configured")["stdin"].split("merge_program()")[0]
    assert '"cdi": true' in wishes
    assert '"path": "nvidia-container-runtime"' in wishes


def test_a_new_driver_toolkit_or_docker_is_shown_again(build: Build, args: GpuHostArgs) -> None:
    """The versions are arguments, so a change runs the script in place: a replacement would undo it afterwards."""
    recorded = build(("one", with_gpu(args)))
    for name in ("gpus-cdi", "gpus-smoke"):
        assert "triggers" not in script(recorded, name)
        assert script(recorded, name)["delete"].endswith("remove")


def test_every_part_has_a_check_that_names_its_drift(args: GpuHostArgs) -> None:
    wished = {f"one-{name}" for name in ("nvidia-driver", "nvidia-repository", "nvidia-packages", "gpus-cdi")}
    assert wished <= checks("one", with_gpu(args)).keys()


def test_a_preview_without_a_host_shows_all_of_it(build: Build, args: GpuHostArgs) -> None:
    there = {resource.name for resource in build(("one", with_gpu(args))).resources}
    ahead = {resource.name for resource in build(("one", with_gpu(args)), preview=True).resources}
    assert ahead == there >= {"one-nvidia-packages", "one-gpus-smoke"}


@pytest.mark.parametrize("path", ["cdi", "runtime"])
def test_the_server_never_asks_for_the_legacy_hook(build: Build, args: GpuHostArgs, path: InjectionPath) -> None:
    (container,) = build(("one", with_gpu(args, path))).of_type("docker:index/container:Container")
    requests = container.inputs.get("deviceRequests") or []
    assert all(request["driver"] == "cdi" for request in requests)
    assert not any(option.startswith("--gpus") for option in trial_options(with_gpu(args, path).terms))


def test_cdi_names_each_gpu_and_keeps_the_plain_runtime(build: Build, args: GpuHostArgs) -> None:
    (container,) = build(("one", with_gpu(args, "cdi"))).of_type("docker:index/container:Container")
    assert container.inputs["deviceRequests"] == [
        {"driver": "cdi", "deviceIds": ["nvidia.com/gpu=0", "nvidia.com/gpu=1"]}
    ]
    assert container.inputs["runtime"] == "runc"


def test_the_nvidia_runtime_is_told_the_gpus_by_variables(build: Build, args: GpuHostArgs) -> None:
    (container,) = build(("one", with_gpu(args, "runtime"))).of_type("docker:index/container:Container")
    assert container.inputs["runtime"] == "nvidia"
    assert "NVIDIA_VISIBLE_DEVICES=0,1" in container.inputs["envs"]
    assert "deviceRequests" not in container.inputs


def test_the_trial_asks_as_the_container_does() -> None:
    assert gpu_options("cdi", ("0", "1")) == ["--device=nvidia.com/gpu=0", "--device=nvidia.com/gpu=1"]
    assert gpu_options("runtime", ("0",))[:2] == ["--runtime=nvidia", "--env=NVIDIA_VISIBLE_DEVICES=0"]
