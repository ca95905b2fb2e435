"""The daemon's errors in the words of the Docker clients."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import docker.errors
import requests

from toolchain.plugins.docker.errors import OperationError
from toolchain.plugins.docker.host.ssh_connection import SshError


def daemon_text(error: Exception) -> str:
    """What went wrong with a request: the daemon's own message where it answered."""
    if isinstance(error, docker.errors.APIError):
        return f"Error response from daemon: {(error.explanation or str(error)).strip()}"
    return f"error during connect: {str(error).strip()}"


@contextmanager
def failing_with(prefix: str) -> Iterator[None]:
    """Turn failures of the daemon or the way to it into an OperationError."""
    try:
        yield
    except (docker.errors.DockerException, requests.RequestException, SshError, OSError) as error:
        raise OperationError(f"{prefix}{daemon_text(error)}") from error
