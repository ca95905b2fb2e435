"""An ssh:// address of a Docker host, and the ssh command that it stands for."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from toolchain.plugins.docker.errors import PluginError

REMOTE_COMMAND = "docker system dial-stdio"


@dataclass(frozen=True)
class SshUrl:
    """``ssh://[user@]host[:port]``."""

    host: str
    user: str | None = None
    port: int | None = None

    @classmethod
    def parse(cls, url: str) -> SshUrl:
        """Raises PluginError for an address with a password, a path or no host."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise PluginError(f"host: {url!r} is no ssh address: {error}") from error
        if not parts.hostname:
            raise PluginError(f"host: {url!r} names no host; it must read ssh://user@host[:port]")
        if parts.password:
            raise PluginError("host: a plain-text password in an ssh address is not supported")
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise PluginError(f"host: {url!r} must end after the port: ssh://user@host[:port]")
        return cls(parts.hostname, parts.username, port)

    def command(self, ssh_opts: Sequence[str]) -> str:
        """The command that OpenSSH would be called with, as shown in errors."""
        arguments = ["ssh"]
        if self.user:
            arguments += ["-l", self.user]
        if self.port:
            arguments += ["-p", str(self.port)]
        arguments += ssh_opts
        if "ConnectTimeout" not in "".join(ssh_opts):
            arguments.append("-o ConnectTimeout=30")
        arguments += ["-T", "--", self.host]
        return " ".join(arguments) + " " + REMOTE_COMMAND


def quoted(command: str) -> str:
    """A command as one shell word."""
    return shlex.quote(command)
