"""A mirror with NVIDIA's packages, and sandboxes that stand for machines with an NVIDIA GPU."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hosts.sandbox import down, up
from hosts.sandbox.addresses import ensure_network
from hosts.sandbox.engine import connect
from tests.engine.conftest import made_by
from tests.engine.nvidia.nvidia_host import DRIVER, NvidiaHost, Repositories
from tests.engine.nvidia.repository import Mirror, SigningKey

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.sandbox)
            item.add_marker(pytest.mark.docker)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], SigningKey]]:
    """Signing keys by name, made where first asked for. gpg wants short paths for its agent's socket."""
    made: dict[str, SigningKey] = {}

    def key(name: str) -> SigningKey:
        if name not in made:
            made[name] = SigningKey.make(tmp_path_factory.mktemp(name) / "gpg", name)
        return made[name]

    yield key
    for each in made.values():
        each.stop()


@pytest.fixture(scope="session")
def repositories(
    toolchain: None, keys: Callable[[str], SigningKey], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Repositories]:
    """Both repositories, served on the sandboxes' network for the whole run."""
    packages = Path(made_by("sh", str(_HERE / "build.sh")))
    ensure_network(connect())
    with Mirror(tmp_path_factory.mktemp("mirror")) as mirror:
        found = Repositories(mirror, packages, keys("nvidia"))
        found.reset()
        yield found


@pytest.fixture(scope="session")
def machine(
    repositories: Repositories, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., NvidiaHost]]:
    """Makes bare machines with a GPU and its STAND-IN driver: no Docker, no toolkit, sshd and Python alone."""
    checkout = tmp_path_factory.mktemp(f"gpus-{os.getpid()}")
    made: dict[str, NvidiaHost] = {}

    def named(name: str, driver: str | None = DRIVER) -> NvidiaHost:
        if name not in made:
            made[name] = NvidiaHost(up(name, flavour="bare", memory_gib=6, checkout=checkout), repositories)
            made[name].add_driver_source()
            if driver is not None:
                made[name].install_driver(driver)
        return made[name]

    try:
        yield named
    finally:
        for name in made:
            down(name, checkout=checkout)
