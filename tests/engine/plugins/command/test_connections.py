"""How connections are made: keys, host keys, passwords, agents, jump hosts, and how each failure reads."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.engine.plugins.command.plugin import Plugin
from tests.engine.plugins.command.sshd import SshServer, free_port, make_key, public_key, ssh_server
from tests.unit.toolchain.plugins.command.official import REMOTE

pytestmark = pytest.mark.engine

_REFUSED = "ssh: handshake failed: ssh: unable to authenticate, attempted methods [{}], no supported methods remain"
_MISMATCH = "ssh: handshake failed: ssh: host key mismatch"


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory, server: SshServer) -> Iterator[SshServer]:
    """A server that would take passwords too."""
    with ssh_server(tmp_path_factory.mktemp("asking"), {"PasswordAuthentication": "yes"}) as running:
        yield running


def _works(plugin: Plugin, connection: dict[str, Any]) -> None:
    assert plugin.create(REMOTE, {"connection": connection, "create": "echo in"})["state"]["stdout"] == "in"


def _error(plugin: Plugin, connection: dict[str, Any]) -> str:
    with pytest.raises(grpc.RpcError) as error:
        plugin.create(REMOTE, {"connection": {"dialErrorLimit": 0.0} | connection, "create": "echo in"})
    return str(error.value.details())


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_each_type_of_host_key(kind: str, plugin: Plugin, server: SshServer) -> None:
    _works(plugin, server.connection(hostKey=public_key(server.folder / f"host_{kind}")))
    _works(plugin, server.connection(hostKey=public_key(server.folder / f"host_{kind}") + " a comment\n"))


def test_a_host_key_of_another_host(plugin: Plugin, server: SshServer, work: Path) -> None:
    for kind in ("ed25519", "ecdsa"):
        make_key(work / kind, kind)
        text = _error(plugin, server.connection(hostKey=public_key(work / kind)))
        assert text == f"after 0 failed attempts: {_MISMATCH}"


def test_a_host_key_that_is_none(plugin: Plugin, server: SshServer) -> None:
    assert _error(plugin, server.connection(hostKey="nonsense")) == "ssh: no key found"


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("rsa", []),
        ("rsa", ["-m", "PEM"]),
        ("ecdsa", []),
        ("ecdsa", ["-m", "PEM"]),
        ("ed25519", []),
    ],
)
@pytest.mark.parametrize("passphrase", ["", "open sesame"])
def test_private_keys(
    kind: str, options: list[str], passphrase: str, plugin: Plugin, server: SshServer, work: Path
) -> None:
    key = make_key(work / "key", kind, passphrase, *options)
    with (server.folder / "authorized_keys").open("a") as authorized:
        authorized.write(public_key(work / "key") + "\n")
    extra = {"privateKeyPassword": passphrase} if passphrase else {}
    _works(plugin, server.connection(privateKey=key, **extra))


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_keys_in_pkcs8(kind: str, plugin: Plugin, server: SshServer, work: Path) -> None:
    """Plain ones work; the official plugin does not read encrypted ones."""
    key = make_key(work / "key", kind, "", "-m", "PKCS8")
    with (server.folder / "authorized_keys").open("a") as authorized:
        authorized.write(public_key(work / "key") + "\n")
    _works(plugin, server.connection(privateKey=key))
    locked = make_key(work / "locked", kind, "open sesame", "-m", "PKCS8")
    text = _error(plugin, server.connection(privateKey=locked))
    assert text == 'ssh: unsupported key type "ENCRYPTED PRIVATE KEY"'
    text = _error(plugin, server.connection(privateKey=locked, privateKeyPassword="open sesame"))
    assert text == "ssh: not an encrypted key"


def test_passphrases(plugin: Plugin, server: SshServer, work: Path) -> None:
    locked = make_key(work / "locked", "ed25519", "open sesame")
    assert _error(plugin, server.connection(privateKey=locked)) == "ssh: this private key is passphrase protected"
    wrong = server.connection(privateKey=locked, privateKeyPassword="wrong")
    assert _error(plugin, wrong) == "x509: decryption password incorrect"
    unneeded = server.connection(privateKeyPassword="unneeded")
    assert _error(plugin, unneeded) == "ssh: key is not password protected"


def test_no_credentials(plugin: Plugin, server: SshServer) -> None:
    assert _error(plugin, server.connection(privateKey=None)).endswith(_REFUSED.format("none"))


def test_a_password_where_none_is_taken(plugin: Plugin, server: SshServer) -> None:
    text = _error(plugin, server.connection(privateKey=None, password="p"))
    assert text.endswith(_REFUSED.format("none"))


def test_a_wrong_password(plugin: Plugin, asking: SshServer) -> None:
    text = _error(plugin, asking.connection(privateKey=None, password="wrong"))
    assert text.endswith(_REFUSED.format("none password"))
    assert "wrong" not in text


def test_a_wrong_key_and_a_wrong_password(plugin: Plugin, asking: SshServer, work: Path) -> None:
    text = _error(plugin, asking.connection(privateKey=make_key(work / "stranger"), password="wrong"))
    assert text.endswith(_REFUSED.format("none publickey password"))


def test_an_unknown_user(plugin: Plugin, server: SshServer) -> None:
    assert _error(plugin, server.connection(user="no-such-user")).endswith(_REFUSED.format("none publickey"))


@pytest.fixture
def agent(server: SshServer, work: Path) -> Iterator[str]:
    """A key agent that holds the client's key."""
    socket = work / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    while not socket.exists():
        time.sleep(0.02)
    environment = os.environ | {"SSH_AUTH_SOCK": str(socket)}
    subprocess.run(["ssh-add", "-q", str(server.folder / "client")], env=environment, check=True)
    yield str(socket)
    process.terminate()
    process.wait()


def test_an_agent(agent: str, plugin: Plugin, server: SshServer) -> None:
    _works(plugin, server.connection(privateKey=None, agentSocketPath=agent))


def test_an_agent_that_is_not_there(plugin: Plugin, server: SshServer, work: Path) -> None:
    text = _error(plugin, server.connection(agentSocketPath=str(work / "none")))
    assert text == f"dial unix {work / 'none'}: connect: no such file or directory"


def test_a_port_that_is_closed(plugin: Plugin, server: SshServer) -> None:
    port = free_port()
    started = time.monotonic()
    text = _error(plugin, server.connection(port=float(port), dialErrorLimit=3.0))
    assert text == f"after 3 failed attempts: dial tcp 127.0.0.1:{port}: connect: connection refused"
    assert 0.4 < time.monotonic() - started < 5  # 0.1 + 0.15 + 0.225 s of pauses


def test_an_address_that_does_not_answer(plugin: Plugin, server: SshServer) -> None:
    """TEST-NET-1 routes nowhere: refused at once on a machine without a route, otherwise after perDialTimeout."""
    text = _error(plugin, server.connection(host="192.0.2.1", port=22.0, perDialTimeout=1.0))
    assert text.startswith("after 0 failed attempts: dial tcp 192.0.2.1:22: ")


def test_a_name_that_does_not_exist(plugin: Plugin, server: SshServer) -> None:
    text = _error(plugin, server.connection(host="no-such-host.invalid"))
    assert text.startswith("after 0 failed attempts: dial tcp: lookup no-such-host.invalid")
    assert text.endswith(": no such host")


def test_attempts_are_told(plugin: Plugin, server: SshServer) -> None:
    plugin.logged()
    _error(plugin, server.connection(port=1.0, dialErrorLimit=2.0))
    assert plugin.logged() == ["Dial 1/2 failed: retrying", "Dial 2/2 failed: retrying"]


def test_a_host_that_comes_up_late(plugin: Plugin, server: SshServer, tmp_path: Path) -> None:
    port = free_port()
    delayed = subprocess.Popen(
        ["sh", "-c", f"sleep 1; exec /usr/sbin/sshd -D -e -f {server.folder}/sshd_config -p {port}"],
        stderr=subprocess.DEVNULL,
    )
    try:
        _works(plugin, server.connection(port=float(port), dialErrorLimit=-1.0))
    finally:
        delayed.terminate()
        delayed.wait()


class TestThroughAJumpHost:
    """Both hosts' keys are verified."""

    def test_it_works(self, plugin: Plugin, server: SshServer, asking: SshServer) -> None:
        _works(plugin, asking.connection(proxy=server.connection()))

    def test_a_foreign_key_of_the_jump_host(self, plugin: Plugin, server: SshServer, asking: SshServer) -> None:
        proxy = server.connection(hostKey=asking.host_key, dialErrorLimit=0.0)
        assert _error(plugin, asking.connection(proxy=proxy)) == f"proxy: after 0 failed attempts: {_MISMATCH}"

    def test_a_foreign_key_behind_it(self, plugin: Plugin, server: SshServer, asking: SshServer) -> None:
        text = _error(plugin, asking.connection(hostKey=server.host_key, proxy=server.connection()))
        assert text == f"proxy: after 0 failed attempts: {_MISMATCH}"

    def test_a_later_attempt_hides_the_reason_but_a_warning_tells_it(
        self, plugin: Plugin, server: SshServer, asking: SshServer
    ) -> None:
        plugin.logged()
        wrong = asking.connection(hostKey=server.host_key, proxy=server.connection(), dialErrorLimit=1.0)
        assert _error(plugin, wrong) == "proxy: after 1 failed attempts: ssh: handshake failed: EOF"
        assert any(message.endswith(_MISMATCH) for message in plugin.logged())

    def test_a_closed_port_behind_it(self, plugin: Plugin, server: SshServer) -> None:
        text = _error(plugin, server.connection(port=float(free_port()), proxy=server.connection()))
        assert text == "proxy: after 0 failed attempts: ssh: rejected: connect failed (Connection refused)"

    def test_a_jump_host_that_is_away(self, plugin: Plugin, server: SshServer) -> None:
        port = free_port()
        proxy = server.connection(port=float(port), dialErrorLimit=0.0)
        text = _error(plugin, server.connection(proxy=proxy))
        assert text == f"proxy: after 0 failed attempts: dial tcp 127.0.0.1:{port}: connect: connection refused"


def test_keys_never_show_in_errors(plugin: Plugin, server: SshServer) -> None:
    broken = server.private_key.replace("A", "B", 8)
    assert "PRIVATE KEY" not in _error(plugin, server.connection(privateKey=broken))
