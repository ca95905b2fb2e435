"""Two sandboxes for all tests here, of a checkout of their own, so that nobody else's are touched."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import pytest

from hosts.sandbox import Sandbox, down, up
from hosts.sandbox.engine import connect

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.sandbox)
            item.add_marker(pytest.mark.docker)


@pytest.fixture(scope="session")
def engine() -> docker.DockerClient:
    """The engine that the sandboxes run in, started where none runs."""
    return connect()


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stands for a checkout: sandbox names and keys belong to one."""
    return tmp_path_factory.mktemp(f"checkout-{os.getpid()}")


@pytest.fixture(scope="session")
def both(engine: docker.DockerClient, checkout: Path) -> Iterator[tuple[Sandbox, Sandbox]]:
    """Two sandboxes, brought up at the same time."""
    names = ("first", "second")
    try:
        with ThreadPoolExecutor() as pool:
            first, second = pool.map(lambda name: up(name, memory_gib=2, cpus=1, checkout=checkout), names)
        yield first, second
    finally:
        for name in names:
            down(name, checkout=checkout)


@pytest.fixture(scope="session")
def first(both: tuple[Sandbox, Sandbox]) -> Sandbox:
    return both[0]


@pytest.fixture(scope="session")
def second(both: tuple[Sandbox, Sandbox]) -> Sandbox:
    return both[1]


@pytest.fixture(scope="session")
def busybox(first: Sandbox) -> str:
    """A small image inside the first sandbox, made of a package that its own apt installs."""
    first.run(
        """set -e
        apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends busybox-static
        mkdir -p /tmp/root/bin
        for name in $(busybox --list); do ln -sf busybox "/tmp/root/bin/$name"; done
        cp --remove-destination "$(command -v busybox)" /tmp/root/bin/
        tar -C /tmp/root -c . | docker import - busybox:test
        """
    )
    return "busybox:test"
