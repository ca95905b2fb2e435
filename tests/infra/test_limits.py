"""The limits in force, as the kernel has them, are the planned ones."""

import pytest

from facts.deployed import Deployed

MIB = 1 << 20


def test_shared_memory_has_the_planned_size(deployed: Deployed) -> None:
    assert deployed.container.process.mounts["/dev/shm"].size_bytes == deployed.planned("shm_mib") * MIB


def test_the_ipc_namespace_is_its_own(deployed: Deployed) -> None:
    assert not deployed.container.shares_ipc_with_host


@pytest.mark.parametrize("name", ["memlock", "nofile", "stack"])
def test_the_ulimit_is_the_planned_one(deployed: Deployed, name: str) -> None:
    assert deployed.container.process.limits[name] == tuple(deployed.expected["ulimits"][name])


def test_the_memory_limit_is_the_planned_one(deployed: Deployed) -> None:
    assert deployed.container.cgroup.memory_bytes == deployed.planned("container_memory_mib") * MIB


def test_there_is_no_more_swap_than_planned(deployed: Deployed) -> None:
    planned = deployed.planned("container_memory_swap_mib") - deployed.planned("container_memory_mib")
    assert deployed.container.cgroup.swap_bytes == planned * MIB


def test_the_cpu_limit_is_the_planned_one(deployed: Deployed) -> None:
    assert deployed.container.cgroup.cpus == deployed.planned("cpus")


def test_the_process_limit_is_the_planned_one(deployed: Deployed) -> None:
    assert deployed.container.cgroup.pids == deployed.planned("pids_limit")


def test_kernel_settings_are_the_declared_ones(deployed: Deployed) -> None:
    wished = deployed.expected["sysctls"]
    assert {name: str(deployed.host.sysctl(name)) for name in wished} == wished


def test_huge_pages_are_as_asked(deployed: Deployed) -> None:
    wished = deployed.expected["transparent_hugepage"]
    if wished is None:
        pytest.skip("the stack asks for nothing: huge pages stay as the host has them")
    words = deployed.host.file("/sys/kernel/mm/transparent_hugepage/enabled").content_string
    assert f"[{wished}]" in words
