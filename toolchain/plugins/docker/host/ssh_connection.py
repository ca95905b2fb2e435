"""One verified SSH connection to a Docker host, shared by every request.

Each HTTP connection is a channel of it that runs ``docker system dial-stdio``
on the host, as the docker command line does.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import paramiko

from toolchain.plugins.docker.errors import PluginError
from toolchain.plugins.docker.host.ssh_options import SshOptions, apply_option, expand, parse_ssh_options
from toolchain.plugins.docker.host.ssh_url import REMOTE_COMMAND, SshUrl

_USER_KNOWN_HOSTS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
_GLOBAL_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
_IDENTITIES = ("~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ed25519")
#: Options of a configuration file that this connection takes over.
_FROM_CONFIG_FILE = (
    "hostname", "user", "port", "identitiesonly", "userknownhostsfile", "globalknownhostsfile",
    "stricthostkeychecking", "hostkeyalias", "connecttimeout", "serveraliveinterval",
)  # fmt: skip


class SshError(Exception):
    """The connection failed; the text is what ssh would have printed."""

    def __init__(self, stderr: str, exit_status: int = 255) -> None:
        super().__init__(stderr)
        self.stderr = stderr
        self.exit_status = exit_status


class SshConnection:
    """A connection that opens on first use and again when it was lost."""

    def __init__(self, url: SshUrl, ssh_opts: Sequence[str]) -> None:
        self.url = url
        self.ssh_opts = tuple(ssh_opts)
        self.options = _with_config_file(parse_ssh_options(ssh_opts), url)
        self._lock = threading.Lock()
        self._client: paramiko.SSHClient | None = None

    def open_channel(self) -> paramiko.Channel:
        """A channel to the Docker daemon; raises SshError."""
        with self._lock:
            transport = self._client.get_transport() if self._client is not None else None
            if transport is None or not transport.is_active():
                self.close()
                self._client, transport = self._connect()
        try:
            channel = transport.open_session(timeout=self.options.connect_timeout_seconds)
            channel.exec_command(REMOTE_COMMAND)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise SshError(f"{error}\r\n") from error
        return channel

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    @property
    def _address(self) -> tuple[str, int]:
        return (self.options.hostname or self.url.host, self.url.port or self.options.port or 22)

    def _connect(self) -> tuple[paramiko.SSHClient, paramiko.Transport]:
        client = paramiko.SSHClient()
        try:
            return client, self._sign_in(client)
        except BaseException:
            client.close()
            raise

    def _sign_in(self, client: paramiko.SSHClient) -> paramiko.Transport:
        options = self.options
        host, port = self._address
        self._load_host_keys(client)
        client.set_missing_host_key_policy(_MissingKey(options, self._known_hosts_files()))
        user = self.url.user or options.user or os.environ.get("USER") or "root"
        # A key is looked up under the alias, if there is one, and then without the port.
        name, name_port = (options.host_key_alias, 22) if options.host_key_alias else (host, port)
        try:
            client.connect(
                name,
                port=name_port,
                username=user,
                sock=self._socket(host, port),
                key_filename=cast("Any", [str(path) for path in self._identity_files()] or None),
                look_for_keys=False,
                allow_agent=self._agent_allowed(),
                timeout=options.connect_timeout_seconds,
                banner_timeout=options.connect_timeout_seconds,
                auth_timeout=options.connect_timeout_seconds,
                disabled_algorithms=self._disabled_algorithms(),
            )
        except paramiko.BadHostKeyException as error:
            raise SshError(
                f"REMOTE HOST IDENTIFICATION HAS CHANGED: the key of {error.hostname} is not the known one.\r\n"
                "Host key verification failed.\r\n"
            ) from error
        except paramiko.AuthenticationException as error:
            raise SshError(f"{user}@{host}: Permission denied (publickey).\r\n") from error
        except (paramiko.SSHException, OSError, EOFError) as error:
            transport = client.get_transport()
            if transport is not None and transport.is_active() and isinstance(error, paramiko.SSHException):
                # The host's key was accepted: what failed is the last key file tried.
                raise SshError(f"{user}@{host}: Permission denied (publickey).\r\n") from error
            raise SshError(f"ssh: connect to host {host} port {port}: {_reason(error)}\r\n") from error
        transport = client.get_transport()
        if transport is None:
            raise SshError(f"Connection to {host} closed by remote host.\r\n")
        transport.set_keepalive(options.alive_interval_seconds or 30)
        return transport

    def _socket(self, host: str, port: int) -> socket.socket:
        for attempt in range(max(1, self.options.connection_attempts)):
            try:
                return socket.create_connection((host, port), self.options.connect_timeout_seconds)
            except socket.gaierror as error:
                raise SshError(f"ssh: Could not resolve hostname {host}: {error.strerror}\r\n") from error
            except OSError as error:
                if attempt + 1 >= self.options.connection_attempts:
                    raise SshError(f"ssh: connect to host {host} port {port}: {_reason(error)}\r\n") from error
        raise AssertionError("unreachable")

    def _identity_files(self) -> list[Path]:
        if self.options.identity_files:
            return [path for path in self.options.identity_files if path.exists()]
        return [path for path in map(expand, _IDENTITIES) if path.exists()]

    def _agent_allowed(self) -> bool:
        if self.options.identity_agent == "none":
            return False
        return not self.options.identities_only

    def _known_hosts_files(self) -> list[Path]:
        files = self.options.user_known_hosts_files
        return list(map(expand, _USER_KNOWN_HOSTS)) if files is None else files

    def _load_host_keys(self, client: paramiko.SSHClient) -> None:
        extra = self.options.global_known_hosts_files
        for path in [*self._known_hosts_files(), *(map(Path, _GLOBAL_KNOWN_HOSTS) if extra is None else extra)]:
            if path.is_file():
                client.load_system_host_keys(str(path))

    def _disabled_algorithms(self) -> dict[str, list[str]] | None:
        wanted = self.options.host_key_algorithms
        if not wanted:
            return None
        known: tuple[str, ...] = vars(paramiko.Transport)["_preferred_keys"]
        return {"keys": [name for name in known if name not in wanted]}


class _MissingKey(paramiko.MissingHostKeyPolicy):
    """What to do with a host whose key is not known: refuse, unless told otherwise."""

    def __init__(self, options: SshOptions, files: list[Path]) -> None:
        self._options = options
        self._file = files[0] if files else None

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002
        if self._options.strict_host_key_checking == "yes":
            kind = key.get_name().removeprefix("ssh-").split("-")[0].upper()
            raise SshError(
                f"No {kind} host key is known for {hostname} and you have requested strict checking.\r\n"
                "Host key verification failed.\r\n"
            )
        if self._file is not None and str(self._file) != os.devnull:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="ascii") as known_hosts:
                known_hosts.write(f"{hostname} {key.get_name()} {key.get_base64()}\n")


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "Connection timed out"
    return (getattr(error, "strerror", None) or str(error)) or type(error).__name__


def _with_config_file(options: SshOptions, url: SshUrl) -> SshOptions:
    """Fill what the options leave open from the configuration file of ssh."""
    path = options.config_file or expand("~/.ssh/config")
    if not path.is_file():
        if options.config_file is not None:
            raise PluginError(f"sshOpts: the configuration file {path} does not exist")
        return options
    entries = paramiko.SSHConfig.from_path(str(path)).lookup(url.host)
    for jump in ("proxyjump", "proxycommand"):
        if entries.get(jump, "none").lower() != "none":
            raise PluginError(f"sshOpts: {jump} in {path} is not supported")
    defaults = SshOptions()
    given = SshOptions()
    for name in _FROM_CONFIG_FILE:
        if name in entries and not (name == "hostname" and entries[name] == url.host):
            apply_option(given, name, str(entries[name]))
    for name, value in vars(given).items():
        if value != getattr(defaults, name) and getattr(options, name) == getattr(defaults, name):
            setattr(options, name, value)
    if not options.identity_files:
        options.identity_files = [expand(file) for file in entries.get("identityfile", [])]
    return options
