"""One plugin process on the local Docker Engine, and names that no other test uses."""

from __future__ import annotations

import json
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.plugins.docker import daemon
from tests.engine.plugins.docker.plugin import LOCAL, Plugin, running_plugin

_ANSWERS = Path(__file__).parents[3] / "unit/toolchain/plugins/docker/data/official_answers.json"


@pytest.fixture(scope="session")
def answers() -> list[dict[str, Any]]:
    """The recorded answers of the official plugin."""
    return list(json.loads(_ANSWERS.read_text())["rows"])


@pytest.fixture(scope="session")
def image() -> str:
    return daemon.image_id()


@pytest.fixture(scope="session")
def plugin() -> Iterator[Plugin]:
    """A running plugin, configured for the local engine."""
    with running_plugin(host=LOCAL) as running:
        yield running


@pytest.fixture
def name() -> Iterator[str]:
    """A name for a container, volume and network, which are removed afterwards."""
    unique = f"gpuhost-plugin-{uuid.uuid4().hex[:8]}"
    yield unique
    daemon.docker("rm", "-f", "-v", unique, f"{unique}-renamed", f"{unique}-user", check=False)
    daemon.docker("network", "rm", unique, check=False)
    daemon.docker("volume", "rm", "-f", unique, f"{unique}-models", check=False)


@pytest.fixture
def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def base(answers: list[dict[str, Any]], name: str, image: str, free_port: int) -> dict[str, Any]:
    """The inputs of the recorded full container, on this machine."""
    given = next(row for row in answers if row["op"] == "check" and row["case"] == "full container")["given"]
    inputs: dict[str, Any] = json.loads(json.dumps(given))
    inputs.update(name=name, image=image)
    inputs["volumes"][0]["volumeName"] = f"{name}-models"
    inputs["ports"][0]["external"] = free_port
    return inputs
