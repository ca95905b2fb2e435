"""One plugin process and one SSH server for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.plugins.command.plugin import Plugin, running_plugin
from tests.engine.plugins.command.sshd import SshServer, binary, ssh_server


@pytest.fixture(scope="session")
def plugin() -> Iterator[Plugin]:
    """A running plugin."""
    with running_plugin() as running:
        yield running


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """An OpenSSH server that one may sign in to as root with a key."""
    if binary() is None:
        pytest.skip("sshd is not installed (Debian package openssh-server)")
    with ssh_server(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder that both sides of a connection see, since the server runs on this machine."""
    return tmp_path
