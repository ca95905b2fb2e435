"""From a machine with a driver and nothing else to a server that sees its GPU, through the real engine."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.nvidia.gpu_stack import gpu_config, write
from tests.engine.nvidia.nvidia_host import TOOLKIT, TOOLKIT_PACKAGES, NvidiaHost
from tests.engine.nvidia.repository import tamper
from tests.engine.stacks.serving import answers, the_server, url_of, wait_until_healthy
from tests.engine.stacks.stack import CHECKOUT, Stack
from tests.engine.stacks.wish import Wish

pytestmark = [pytest.mark.engine, pytest.mark.slow]


@pytest.fixture(scope="module")
def gpu_host(machine: Callable[[str], NvidiaHost]) -> NvidiaHost:
    return machine("gpu-path")


@pytest.fixture(scope="module")
def gpu_wish(gpu_host: NvidiaHost, tiny_archive: Path, model: Path) -> Wish:
    return Wish(hosts=(gpu_host.sandbox,), image=tiny_archive, model=model, overrides={})


def docker_starts(host: NvidiaHost) -> int:
    return int(host.sandbox.run("journalctl -u docker -o cat | grep -c '^Started docker.service'").stdout)


def test_from_a_bare_machine_to_a_server_with_its_gpu(stack: Stack, gpu_host: NvidiaHost, gpu_wish: Wish) -> None:
    assert gpu_host.sandbox.run("command -v docker nvidia-ctk", check=False).stdout == ""
    write(stack, gpu_config(gpu_wish, gpu_host))
    stack.up()
    assert gpu_host.versions == dict.fromkeys(TOOLKIT_PACKAGES, f"{TOOLKIT}-1")
    assert gpu_host.held >= set(TOOLKIT_PACKAGES)
    server = the_server(gpu_host.sandbox)
    seen = gpu_host.sandbox.run(f"docker exec {server.name} /usr/bin/nvidia-smi -L").stdout
    assert re.findall(r"GPU-[0-9a-f-]{36}", seen) == gpu_host.uuids != []
    assert answers(url_of(gpu_host.sandbox))
    # Its package starts Docker once; everybody's keys take one restart.
    assert docker_starts(gpu_host) == 2


def test_a_second_up_changes_nothing(stack: Stack, gpu_host: NvidiaHost) -> None:
    before = docker_starts(gpu_host)
    stack.is_in_sync()
    assert docker_starts(gpu_host) == before


def test_the_live_host_is_as_promised(stack: Stack, tmp_path: Path) -> None:
    """tests/infra, as an operator runs it."""
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps(stack.outputs))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--outputs", str(outputs), *map(str, INFRA)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout.splitlines()[-1], done.stdout


INFRA = (CHECKOUT / "tests/infra/test_gpu.py", CHECKOUT / "tests/infra/test_docker.py")


@pytest.mark.nvidia
def test_an_older_toolkit_and_back_leave_the_server_alone(stack: Stack, gpu_host: NvidiaHost, gpu_wish: Wish) -> None:
    starts, server = docker_starts(gpu_host), the_server(gpu_host.sandbox)
    for version in ("1.19.1", TOOLKIT):
        write(stack, gpu_config(gpu_wish, gpu_host, version))
        stack.up()
        assert gpu_host.versions == dict.fromkeys(TOOLKIT_PACKAGES, f"{version}-1")
        assert gpu_host.held >= set(TOOLKIT_PACKAGES)
        assert version in gpu_host.sandbox.run("nvidia-ctk --version").stdout
    assert docker_starts(gpu_host) == starts
    assert the_server(gpu_host.sandbox).container_id == server.container_id


@pytest.mark.nvidia
def test_the_server_has_its_gpu_again_after_a_reboot(stack: Stack, gpu_host: NvidiaHost) -> None:
    """/var/run/cdi is empty at boot: the specification must be there before Docker starts containers."""
    gpu_host.sandbox.reboot()
    wait_until_healthy(url_of(gpu_host.sandbox), within_s=60)
    server = the_server(gpu_host.sandbox)
    assert gpu_host.uuids[0] in gpu_host.sandbox.run(f"docker exec {server.name} /usr/bin/nvidia-smi -L").stdout


@pytest.mark.nvidia
def test_a_hand_upgrade_is_named_in_the_preview_and_put_right_by_one_up(stack: Stack, gpu_host: NvidiaHost) -> None:
    older = " ".join(f"{name}=1.19.1-1" for name in TOOLKIT_PACKAGES)
    gpu_host.sandbox.run(
        f"DEBIAN_FRONTEND=noninteractive apt-get -qy --allow-downgrades --allow-change-held-packages install {older}",
        timeout_s=120,
    )
    said = stack.run("preview")
    assert said.lines("nvidia-container-toolkit-base is 1.19.1-1, not 1.20.0-1"), said.text
    assert gpu_host.installed("nvidia-container-toolkit") == "1.19.1-1"
    server = the_server(gpu_host.sandbox)
    stack.up()
    assert gpu_host.versions == dict.fromkeys(TOOLKIT_PACKAGES, f"{TOOLKIT}-1")
    assert gpu_host.held >= set(TOOLKIT_PACKAGES)
    assert the_server(gpu_host.sandbox).container_id == server.container_id
    stack.is_in_sync()


@pytest.mark.nvidia
def test_an_update_with_an_altered_package_leaves_the_server_serving(
    stack: Stack, gpu_host: NvidiaHost, gpu_wish: Wish
) -> None:
    (package,) = gpu_host.repositories.toolkit_folder.glob("nvidia-container-toolkit-base_1.19.1-1_*.deb")
    tamper(package)
    gpu_host.sandbox.run("apt-get clean")
    write(stack, gpu_config(gpu_wish, gpu_host, "1.19.1"))
    try:
        said = stack.up(fails=True)
    finally:
        gpu_host.repositories.reset()
    assert said.lines("the install failed, see above: nvidia-container-toolkit=1.20.0-1", "as before, and held"), (
        said.text
    )
    assert answers(url_of(gpu_host.sandbox))
    assert gpu_host.versions == dict.fromkeys(TOOLKIT_PACKAGES, f"{TOOLKIT}-1")
    write(stack, gpu_config(gpu_wish, gpu_host))
    stack.up()
    stack.is_in_sync()


@pytest.mark.nvidia
def test_destroy_gives_the_host_back(stack: Stack, gpu_host: NvidiaHost) -> None:
    stack.destroy()
    host = gpu_host.sandbox
    assert not gpu_host.held & set(TOOLKIT_PACKAGES)
    left = host.run(
        "ls /etc/apt/sources.list.d/nvidia-container-toolkit.list /etc/apt/preferences.d/gpuhost-* "
        "/usr/share/keyrings/nvidia-container-toolkit-keyring.gpg /etc/apt/apt.conf.d/60gpuhost-* "
        "/etc/systemd/system/docker.service.d/60-gpuhost-* /etc/docker/daemon.json 2>/dev/null; "
        "ls /var/lib/gpuhost /var/lib/gpuhost/stamps 2>/dev/null | grep -E 'nvidia|apt_|gpus|limits|engine'",
        check=False,
    )
    assert left.stdout == ""
    assert host.run("docker ps --all --quiet").stdout == ""
    assert host.run("docker image ls --quiet gpuhost-smoke").stdout == ""
