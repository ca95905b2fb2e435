"""The GPUs reach the server on the declared path, with the declared software, and keep reaching it."""

import pytest

from facts.deployed import Deployed
from facts.versions import release


@pytest.fixture(autouse=True)
def _has_gpu(deployed: Deployed) -> None:
    if deployed.expected["gpu"] is None:
        pytest.skip(f"'{deployed.name}' has no GPU: its stack declares none")


def test_all_four_toolkit_packages_have_the_declared_version(deployed: Deployed) -> None:
    wished = deployed.expected["gpu"]["toolkit_version"]
    assert set(deployed.toolkit.versions.values()) == {f"{wished}-1"}
    assert deployed.toolkit.runs == wished


def test_the_toolkit_is_held(deployed: Deployed) -> None:
    assert deployed.toolkit.held >= set(deployed.toolkit.versions)


def test_it_comes_from_the_signed_repository_alone(deployed: Deployed) -> None:
    line = deployed.expected["gpu"]["source_line"]
    assert deployed.toolkit.source_lines == (line,)
    assert deployed.toolkit.key_fingerprints == (deployed.expected["gpu"]["fingerprint"],)
    assert deployed.toolkit.unsigned_sources == ()


def test_unattended_upgrades_leave_driver_toolkit_and_docker_alone(deployed: Deployed) -> None:
    assert deployed.toolkit.kept_from_unattended_upgrades >= {"nvidia-", "libnvidia-", "docker-ce", "containerd"}


def test_the_loaded_driver_is_the_installed_one(deployed: Deployed) -> None:
    assert deployed.gpus.loaded_version == deployed.gpus.library_version


def test_the_driver_is_new_enough_for_the_image(deployed: Deployed) -> None:
    assert release(deployed.gpus.loaded_version) >= release(deployed.expected["gpu"]["cuda_floor"])


def test_the_driver_has_its_branchs_security_fixes(deployed: Deployed) -> None:
    branch = deployed.gpus.loaded_version.split(".")[0]
    floor = deployed.expected["gpu"]["branch_floors"].get(branch)
    assert floor is None or release(deployed.gpus.loaded_version) >= release(floor)


def test_the_host_has_the_declared_gpus(deployed: Deployed) -> None:
    assert len(deployed.gpus.devices) >= len(deployed.expected["gpu"]["indexes"])


def test_each_has_the_planned_memory(deployed: Deployed) -> None:
    promised = deployed.expected["gpu"]["memory_mib"]
    assert all(gpu.memory_mib >= promised for gpu in deployed.gpus.devices)


def test_cdi_describes_exactly_these_gpus(deployed: Deployed) -> None:
    assert deployed.gpus.cdi_uuids == deployed.gpus.uuids


def test_cdi_is_described_again_at_every_boot(deployed: Deployed) -> None:
    for unit in ("nvidia-cdi-refresh.path", "nvidia-cdi-refresh.service"):
        assert deployed.gpus.unit_is(unit, "enabled")
    assert deployed.gpus.unit_is("nvidia-cdi-refresh.path", "active")


def test_docker_waits_for_it(deployed: Deployed) -> None:
    after = deployed.host.check_output("systemctl show docker -P After").split()
    assert "nvidia-cdi-refresh.service" in after


def test_docker_knows_cdi(deployed: Deployed) -> None:
    assert "/var/run/cdi" in deployed.docker.cdi_folders


def test_the_nvidia_runtime_is_registered_and_no_legacy_hook(deployed: Deployed) -> None:
    assert "nvidia" in deployed.docker.info["Runtimes"]
    assert deployed.toolkit.runtime_mode in {"auto", "cdi", "jit-cdi"}


def test_the_server_asks_for_its_gpus_on_the_declared_path(deployed: Deployed) -> None:
    wished = deployed.expected["gpu"]
    config = deployed.container.inspect["HostConfig"]
    requests = [(each["Driver"], each["DeviceIDs"]) for each in config["DeviceRequests"] or []]
    if wished["path"] == "cdi":
        assert requests == [("cdi", [f"nvidia.com/gpu={index}" for index in wished["indexes"]])]
    else:
        assert (config["Runtime"], requests) == ("nvidia", [])


def test_the_server_sees_its_gpus(deployed: Deployed) -> None:
    indexes = {int(index) for index in deployed.expected["gpu"]["indexes"]}
    wished = {gpu.uuid for gpu in deployed.gpus.devices if gpu.index in indexes}
    assert deployed.gpus.seen_by(deployed.container.name) == wished


def test_the_driver_cannot_be_upgraded_under_it(deployed: Deployed) -> None:
    kept = deployed.toolkit.kept_from_unattended_upgrades
    loose = [
        name
        for name in deployed.gpus.kept_packages
        if name not in deployed.toolkit.held and not any(name.startswith(pattern.rstrip("$")) for pattern in kept)
    ]
    assert loose == []


def test_the_gpu_stays_initialised_between_servers(deployed: Deployed) -> None:
    if not deployed.host.run("systemctl cat nvidia-persistenced.service").succeeded:
        pytest.skip("this driver brings no nvidia-persistenced")
    assert deployed.gpus.unit_is("nvidia-persistenced.service", "active")
