"""`toolchain/docker_engine.sh` on machines without an init: containers whose first process is `sleep`."""

import io
import os
import tarfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from hosts.sandbox.apt_setup import read_apt_setup
from hosts.sandbox.container import archive_of, missing_capabilities
from hosts.sandbox.engine import to_stderr
from hosts.sandbox.image import Flavour, ensure_image

TOOLCHAIN = Path(__file__).parents[3] / "toolchain"
RUN = "sh /src/toolchain/docker_engine.sh"
# As pre_init.sh does, so that an engine can run inside.
_PREPARE = """for group in /sys/fs/cgroup /sys/fs/cgroup/*; do
    ! mountpoint -q $group || mount -o remount,rw,bind $group; done; exec sleep infinity"""

Machine = Callable[[Flavour], Container]


@pytest.fixture(scope="module")
def machine(engine: docker.DockerClient) -> Iterator[Machine]:
    made: list[Container] = []
    volume = f"gpuhost-test-{uuid.uuid4().hex[:8]}"

    def make(flavour: Flavour) -> Container:
        setup = read_apt_setup(os.environ)
        container = engine.containers.create(
            ensure_image(engine, flavour, setup, to_stderr),
            ["sh", "-c", _PREPARE],
            cap_add=["ALL"],
            cap_drop=missing_capabilities(),
            security_opt=["seccomp=unconfined", "apparmor=unconfined"],
            device_cgroup_rules=["a *:* rwm"],
            volumes={f"{volume}-{flavour}": {"bind": "/var/lib/docker", "mode": "rw"}},
            init=True,
        )
        made.append(container)
        container.put_archive("/", archive_of({path: (0o644, text) for path, text in setup.files().items()}))
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for file in TOOLCHAIN.glob("*.sh"):
                archive.add(file, f"src/toolchain/{file.name}")
        container.put_archive("/", buffer.getvalue())
        container.start()
        return container

    yield make
    for container in made:
        container.remove(force=True, v=True)
    for each in engine.volumes.list(filters={"name": volume}):
        each.remove(force=True)


@pytest.fixture(scope="module")
def box(machine: Machine) -> Container:
    """A machine with Docker's package, no init, and no engine running."""
    return machine("docker")


def _run(box: Container, command: str, expected: int = 0, **environment: str) -> str:
    status, output = box.exec_run(["sh", "-c", command], environment=environment)
    text = output.decode(errors="replace") if isinstance(output, bytes) else ""
    assert status == expected, text
    return text


def test_it_starts_the_engine_and_then_finds_it_running(box: Container) -> None:
    assert "starting dockerd by itself, as no init runs here" in _run(box, RUN)
    assert "using the running engine" in _run(box, RUN)
    _run(box, "docker version")


def test_it_starts_again_after_everything_was_killed(box: Container) -> None:
    """With a pid file whose number belongs to somebody else by now, and sockets nobody listens on."""
    _run(box, RUN)
    files = "bin lib lib64 usr/bin/sleep usr/lib/x86_64-linux-gnu/libc.so.6 usr/lib64/ld-linux-x86-64.so.2"
    _run(box, f"tar -C / -c {files} | docker import - tiny")
    _run(box, "docker run -d --name survivor --network none tiny /usr/bin/sleep 1000")
    _run(box, "kill -9 $(pidof dockerd containerd containerd-shim-runc-v2)")
    _run(box, "kill -9 $(pgrep -f '^/usr/bin/sleep 1000') || true")
    _run(box, "pidof sleep | tr ' ' '\\n' | tail -1 > /run/docker.pid; test -s /run/docker.pid")
    _run(box, "cp /run/docker.pid /run/docker/containerd/containerd.pid; ls /run/docker.sock")
    assert "starting dockerd by itself" in _run(box, RUN)
    assert "survivor" in _run(box, "docker ps -a --format '{{.Names}}'")
    _run(box, "docker start survivor; docker exec survivor /usr/bin/sleep 0; docker rm -f survivor")


def test_two_at_once_start_one_engine(box: Container) -> None:
    _run(box, "kill $(pidof dockerd); while pidof dockerd; do sleep 0.1; done")
    output = _run(box, f"{RUN} & {RUN}; wait $!")
    assert output.count("starting dockerd by itself") == 1
    assert _run(box, "pidof dockerd | wc -w").strip() == "1"


def test_an_engine_that_cannot_start_is_told_with_its_log_at_once(box: Container) -> None:
    _run(box, "kill $(pidof dockerd); while pidof dockerd; do sleep 0.1; done")
    try:
        _run(box, "echo '{\"no-such-key\": 1}' > /etc/docker/daemon.json")
        output = _run(box, f"timeout 30 {RUN}", expected=1)
        assert "no-such-key" in output
        assert "error: dockerd ended before it answered" in output
    finally:
        _run(box, "rm -f /etc/docker/daemon.json")


def test_an_engine_named_by_the_environment_is_never_replaced(box: Container) -> None:
    output = _run(box, RUN, expected=1, DOCKER_HOST="unix:///nowhere.sock")
    assert "DOCKER_HOST is unix:///nowhere.sock, but no engine answers there" in output


def test_without_root_or_sudo_it_says_what_is_missing(box: Container) -> None:
    _run(box, "chmod -x /usr/bin/sudo")
    try:
        output = _run(box, f"su -s /bin/sh nobody -c '{RUN}'", expected=1)
        assert "needs root" in output or "Join its group" in output
    finally:
        _run(box, "chmod +x /usr/bin/sudo")


@pytest.mark.slow
def test_it_installs_the_package_where_it_is_missing(machine: Machine) -> None:
    bare = machine("bare")
    output = _run(bare, RUN)
    assert "installing docker.io" in output
    assert "using the running engine" in _run(bare, RUN)
