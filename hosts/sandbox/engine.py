"""The Docker Engine of this machine, in which sandboxes run."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import docker
from docker.errors import DockerException

from hosts.sandbox.errors import SandboxError

Report = Callable[[str], None]
START_SCRIPT = Path(__file__).parents[2] / "toolchain" / "docker_engine.sh"


def to_stderr(line: str) -> None:
    """The usual way to show progress."""
    print(f"sandbox: {line}", file=sys.stderr, flush=True)


def connect() -> docker.DockerClient:
    """A client of this machine's engine, started if none runs and this user may. Raises SandboxError.

    Published ports are this machine's only if the engine is, so an engine elsewhere is refused.
    """
    elsewhere = os.environ.get("DOCKER_HOST", "")
    if elsewhere and not elsewhere.startswith("unix://"):
        raise SandboxError(
            f"DOCKER_HOST is {elsewhere}, but a sandbox needs the Docker Engine of this machine: "
            "unset DOCKER_HOST, or set it to a unix:// socket"
        )
    try:
        return _client()
    except DockerException:
        if subprocess.run(["sh", str(START_SCRIPT)], check=False).returncode != 0:
            raise SandboxError("no Docker Engine answers and none could be started; the reason is above") from None
    try:
        return _client()
    except DockerException as error:
        raise SandboxError(
            "the Docker Engine answers the docker command, but not at its usual socket; set DOCKER_HOST to "
            f"the endpoint that `docker context ls` shows: {error}"
        ) from error


def _client() -> docker.DockerClient:
    client = docker.from_env(timeout=600)  # importing an image is one long request
    client.ping()
    return client
