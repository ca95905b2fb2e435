"""A Docker host behind a real OpenSSH server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.engine.plugins.command.sshd import SshServer, binary, public_key, ssh_server
from tests.engine.plugins.docker import daemon
from tests.engine.plugins.docker.plugin import CONTAINER, VOLUME, RefusedError, running_plugin

pytestmark = [pytest.mark.docker, pytest.mark.skipif(binary() is None, reason="sshd is not installed")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with ssh_server(tmp_path_factory.mktemp("sshd")) as running:
        yield running


def _configuration(server: SshServer, known_hosts: Path, **options: str) -> dict[str, Any]:
    settings = {"UserKnownHostsFile": str(known_hosts), "IdentitiesOnly": "yes", "BatchMode": "yes"} | options
    arguments = ["-i", str(server.folder / "client")]
    for key, value in settings.items():
        arguments += ["-o", f"{key}={value}"]
    return {"host": f"ssh://root@127.0.0.1:{server.port}", "sshOpts": json.dumps(arguments)}


@pytest.fixture
def known_hosts(server: SshServer, tmp_path: Path) -> Path:
    path = tmp_path / "known_hosts"
    lines = [
        f"[127.0.0.1]:{server.port} {public_key(server.folder / f'host_{kind}')}"
        for kind in ("ed25519", "ecdsa", "rsa")
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_container_over_ssh(server: SshServer, known_hosts: Path, base: dict[str, Any], name: str) -> None:
    with running_plugin(**_configuration(server, known_hosts)) as plugin:
        created = plugin.create(CONTAINER, base)
        assert daemon.state_of(name).startswith("Up")
        read_id, properties, _ = plugin.read(CONTAINER, created.id, created.properties, created.inputs)
        assert (read_id, properties["name"]) == (created.id, name)
        plugin.delete(CONTAINER, created.id, created.properties)
    assert daemon.state_of(name) == ""


def test_many_calls_share_one_connection(server: SshServer, known_hosts: Path, name: str) -> None:
    before = (server.folder / "log").read_text().count("Accepted publickey")
    names = [f"{name}-{index}" for index in range(24)]
    with running_plugin(**_configuration(server, known_hosts)) as plugin, ThreadPoolExecutor(24) as pool:
        volumes = list(pool.map(lambda one: plugin.create(VOLUME, {"name": one}), names))
        assert set(names) <= set(daemon.docker("volume", "ls", "-q").split())
        list(pool.map(lambda one: plugin.delete(VOLUME, one.id, one.properties), volumes))
    assert not set(names) & set(daemon.docker("volume", "ls", "-q").split())
    assert (server.folder / "log").read_text().count("Accepted publickey") == before + 1


def test_an_unknown_host_key_is_refused(server: SshServer, tmp_path: Path, name: str) -> None:
    nothing_known = tmp_path / "nothing"
    with (
        running_plugin(**_configuration(server, nothing_known, GlobalKnownHostsFile="none")) as plugin,
        pytest.raises(RefusedError, match="Host key verification failed"),
    ):
        plugin.create(VOLUME, {"name": name})
    assert not nothing_known.exists()


def test_another_host_key_is_refused(server: SshServer, tmp_path: Path, name: str) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text(f"[127.0.0.1]:{server.port} {public_key(server.folder / 'client')}\n")
    with (
        running_plugin(**_configuration(server, wrong, StrictHostKeyChecking="accept-new")) as plugin,
        pytest.raises(RefusedError, match="Host key verification failed"),
    ):
        plugin.create(VOLUME, {"name": name})


def test_a_new_host_key_is_noted_when_that_is_asked_for(server: SshServer, tmp_path: Path, name: str) -> None:
    noted = tmp_path / "noted"
    with running_plugin(**_configuration(server, noted, StrictHostKeyChecking="accept-new")) as plugin:
        plugin.create(VOLUME, {"name": name})
    assert noted.read_text().startswith(f"[127.0.0.1]:{server.port} ")
    with running_plugin(**_configuration(server, noted)) as plugin:
        plugin.create(VOLUME, {"name": name})


def test_a_foreign_key_is_not_let_in(server: SshServer, known_hosts: Path, tmp_path: Path, name: str) -> None:
    configuration = _configuration(server, known_hosts)
    arguments = json.loads(configuration["sshOpts"])
    arguments[1] = str(server.folder / "host_rsa")
    with (
        running_plugin(**configuration | {"sshOpts": json.dumps(arguments)}) as plugin,
        pytest.raises(RefusedError, match="Permission denied"),
    ):
        plugin.create(VOLUME, {"name": name})


def test_a_host_without_docker(tmp_path: Path, name: str) -> None:
    with ssh_server(tmp_path, {"ForceCommand": "echo no docker here >&2; exit 127"}) as server:
        noted = tmp_path / "noted"
        with (
            running_plugin(**_configuration(server, noted, StrictHostKeyChecking="accept-new")) as plugin,
            pytest.raises(RefusedError, match="no docker here"),
        ):
            plugin.create(VOLUME, {"name": name})
