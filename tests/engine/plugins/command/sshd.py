"""A real OpenSSH server on a loopback port, with keys made for it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_READY_WITHIN_S = 10.0


@dataclass(frozen=True)
class SshServer:
    """Where it listens and what it takes to sign in as root."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def private_key(self) -> str:
        return (self.folder / "client").read_text()

    @property
    def host_key(self) -> str:
        return public_key(self.folder / "host_ed25519")

    def connection(self, **changes: object) -> dict[str, object]:
        """A `connection` as a program gives it; None removes a property."""
        full = {
            "host": "127.0.0.1",
            "port": float(self.port),
            "user": "root",
            "privateKey": self.private_key,
            "hostKey": self.host_key,
        }
        return {name: value for name, value in (full | changes).items() if value is not None}


def binary() -> str | None:
    """sshd, where it is installed."""
    return shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def make_key(path: Path, kind: str = "ed25519", passphrase: str = "", *options: str) -> str:
    """A new key pair; returns the private key."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "", "-f", str(path), *options], check=True)
    return path.read_text()


def public_key(path: Path) -> str:
    """Type and content of the public key beside a private one."""
    return " ".join(path.with_name(path.name + ".pub").read_text().split()[:2])


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def ssh_server(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[SshServer]:
    """Runs until the end of the block; settings are lines of sshd_config by keyword."""
    program = binary()
    assert program is not None
    make_key(folder / "client")
    host_keys = []
    for kind in ("ed25519", "ecdsa", "rsa"):
        make_key(folder / f"host_{kind}", kind)
        host_keys.append(f"HostKey {folder / f'host_{kind}'}")
    shutil.copy(folder / "client.pub", folder / "authorized_keys")
    port = free_port()
    lines = {
        "Port": str(port),
        "ListenAddress": "127.0.0.1",
        "AuthorizedKeysFile": str(folder / "authorized_keys"),
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PermitRootLogin": "yes",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "Subsystem": "sftp internal-sftp",
        "LogLevel": "VERBOSE",
    } | dict(settings or {})
    config = folder / "sshd_config"
    config.write_text("\n".join([*host_keys, *(f"{key} {value}" for key, value in lines.items())]) + "\n")
    Path("/run/sshd").mkdir(exist_ok=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "-D", "-e", "-f", str(config)], stderr=log)
    try:
        _wait(port, process, folder)
        yield SshServer(port, folder, process)
    finally:
        process.terminate()
        process.wait()


def _wait(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"sshd does not listen: {(folder / 'log').read_text()}")
