"""Fixtures for whole deployments: the toolchain, images and a model, hosts, and stacks of the real program."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hosts.sandbox import Sandbox, down, up
from tests.engine.stacks.stack import CHECKOUT, Stack
from tests.engine.stacks.wish import Wish

MODEL = Path(".gpuhost/models/tiny-mistral")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever deploys to a host needs all three."""
    for item in items:
        if {"stack", "host", "hosts"} & set(
            getattr(item, "fixturenames", ())
        ) and item.path.parent == CHECKOUT / "tests/engine":
            for mark in (pytest.mark.engine, pytest.mark.docker, pytest.mark.sandbox):
                item.add_marker(mark)


def made_by(*command: str) -> str:
    """The last line that a script of the toolchain prints; the test fails with all it said where it fails."""
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        pytest.fail(
            f"`{' '.join(command)}` failed, and deployments need it:\n{done.stdout}{done.stderr}", pytrace=False
        )
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


@pytest.fixture(scope="session")
def toolchain() -> None:
    """Engine, plugins and virtual environment of this checkout, made where missing."""
    made_by("sh", "toolchain/install.sh")
    made_by("sh", "toolchain/docker_engine.sh")


@pytest.fixture(scope="session")
def model(toolchain: None) -> Path:
    """The folder of the tiny model, with its lock beside it."""
    made_by(".venv/bin/python", "-m", "toolchain.tiny_model")
    return CHECKOUT / MODEL


@pytest.fixture(scope="session")
def tiny_image(toolchain: None) -> Callable[[str], Path]:
    """The archive of the STAND-IN server with this behaviour ("" for one that is well)."""
    return lambda behaviour: Path(made_by("sh", "tests/engine/tiny_server/build.sh", behaviour)) / "image.tar"


@pytest.fixture(scope="session")
def tiny_archive(tiny_image: Callable[[str], Path]) -> Path:
    """The STAND-IN server that is well."""
    return tiny_image("")


@pytest.fixture(scope="session")
def hosts_of(tmp_path_factory: pytest.TempPathFactory, toolchain: None) -> Iterator[Callable[..., Sandbox]]:
    """Makes sandboxes by name, of a checkout of this run's own; all go at the end."""
    checkout = tmp_path_factory.mktemp(f"hosts-{os.getpid()}")
    made: dict[str, Sandbox] = {}

    def host_named(name: str, memory_gib: int = 4) -> Sandbox:
        if name not in made:
            made[name] = up(name, memory_gib=memory_gib, checkout=checkout)
        return made[name]

    try:
        yield host_named
    finally:
        for name in made:
            down(name, checkout=checkout)


@pytest.fixture(scope="session")
def host(hosts_of: Callable[..., Sandbox]) -> Sandbox:
    """The sandbox that tests with the tiny server share, one after the other."""
    return hosts_of("shared")


@pytest.fixture(scope="module")
def stack(toolchain: None, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """A stack of the real program for one module; what it deployed is destroyed at the end."""
    name = request.module.__name__.rsplit(".", 1)[-1].removeprefix("test_").replace("_", "-")
    made = Stack(tmp_path_factory.mktemp(name), name)
    yield made
    made.run("cancel", "--yes")
    made.destroy()


@pytest.fixture(scope="module")
def wish(host: Sandbox, tiny_archive: Path, model: Path) -> Wish:
    """A tiny server on the shared host."""
    return Wish(hosts=(host,), image=tiny_archive, model=model)
