"""Connects to a host, directly or through a jump host: verified, signed in, with retries."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import paramiko

from toolchain.plugins.command.protocol.engine_log import ResourceLog
from toolchain.plugins.command.protocol.errors import CommandError
from toolchain.plugins.command.protocol.gotext import errno_text, join_host_port
from toolchain.plugins.command.ssh.endpoint import Endpoint
from toolchain.plugins.command.ssh.keys import signature_types
from toolchain.plugins.command.ssh.sign_in import Credentials, credentials, sign_in
from toolchain.plugins.command.ssh.transport import ObservingTransport

T = TypeVar("T")

_FIRST_PAUSE_S, _PAUSE_GROWTH, _LONGEST_PAUSE_S = 0.1, 1.5, 5.0
# A server that accepts a connection and then says nothing is given up after this time.
_HANDSHAKE_PATIENCE_S = 60.0


def dial(target: Endpoint, log: ResourceLog, cancelled: threading.Event) -> ObservingTransport:
    """A connection that is ready for commands; raises CommandError after the last try."""
    keys = credentials(target)
    retries = _Retries(log, cancelled)
    if target.proxy is None:
        return retries.run("Dial", target, lambda: _handshake(_tcp(target), target, keys))
    try:
        return _dial_through(target.proxy, target, keys, retries)
    except CommandError as error:
        raise CommandError(f"proxy: {error}") from None


@dataclass(frozen=True)
class _Retries:
    log: ResourceLog
    cancelled: threading.Event

    def run(self, what: str, target: Endpoint, attempt: Callable[[], T]) -> T:
        """Tries until it works or has failed once more than the limit; a negative limit never ends."""
        limit, pause, failed = target.dial_error_limit, _FIRST_PAUSE_S, 0
        while True:
            try:
                return attempt()
            except CommandError as error:
                if limit > -1 and failed + 1 > limit:
                    raise CommandError(f"after {failed} failed attempts: {error}") from None
            failed += 1
            self.log.status(f"{what} {failed}/{target.tries} failed: retrying")
            if self.cancelled.wait(pause):
                raise CommandError("context canceled")
            pause = min(pause * _PAUSE_GROWTH, _LONGEST_PAUSE_S)


def _dial_through(proxy: Endpoint, target: Endpoint, keys: Credentials, retries: _Retries) -> ObservingTransport:
    proxy_keys = credentials(proxy)
    jump = retries.run("Dial proxy", proxy, lambda: _handshake(_tcp(proxy), proxy, proxy_keys))
    attempts: list[CommandError] = []

    def handshake(tunnel: paramiko.Channel) -> ObservingTransport:
        # A tunnel serves one handshake; the official plugin tries again on the closed one all the same.
        if attempts:
            raise CommandError("ssh: handshake failed: EOF")
        try:
            return _handshake(tunnel, target, keys)
        except CommandError as error:
            attempts.append(error)
            retries.log.lasting("warning", f"{target.address} through {proxy.address}: {error}")
            raise

    try:
        tunnel = retries.run("Dial from proxy", target, lambda: _tunnel(jump, target))
        transport = retries.run("Dial", target, lambda: handshake(tunnel))
    except CommandError:
        jump.close()
        raise
    transport.jump = jump
    return transport


class _PromptSocket(socket.socket):
    """Acknowledges at once. A server that has not sent all yet would otherwise wait 40 ms for it after each sign-in."""

    def recv(self, *arguments: int) -> bytes:
        received = super().recv(*arguments)
        if hasattr(socket, "TCP_QUICKACK"):
            self.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return received


def _tcp(target: Endpoint) -> socket.socket:
    try:
        addresses = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise CommandError(f"dial tcp: lookup {target.host}{_resolver()}: no such host") from None
    first: str | None = None
    for family, kind, protocol, _, address in addresses:
        name = join_host_port(str(address[0]), target.port)
        connection = _PromptSocket(family, kind, protocol)
        connection.settimeout(target.per_dial_timeout_s or None)
        try:
            connection.connect(address)
        except TimeoutError:
            first = first or f"dial tcp {name}: i/o timeout"
        except OSError as error:
            first = first or f"dial tcp {name}: connect: {errno_text(error)}"
        else:
            connection.settimeout(None)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
        connection.close()
    raise CommandError(first or f"dial tcp: lookup {target.host}: no such host")


def _resolver() -> str:
    """` on ADDRESS:53`, the name server that Go's own resolver asks."""
    try:
        lines = Path("/etc/resolv.conf").read_text().splitlines()
    except OSError:
        return ""
    servers = [line.split()[1] for line in lines if line.startswith("nameserver ") and len(line.split()) > 1]
    return f" on {join_host_port(servers[0], 53)}" if servers else ""


def _tunnel(jump: ObservingTransport, target: Endpoint) -> paramiko.Channel:
    try:
        return jump.open_channel(
            "direct-tcpip",
            (target.host, target.port),
            ("0.0.0.0", 0),  # noqa: S104 - the source that the server may log, nothing binds
            timeout=_HANDSHAKE_PATIENCE_S,
        )
    except paramiko.ChannelException as error:
        raise CommandError(jump.refusal(error).text) from None
    except (paramiko.SSHException, OSError, EOFError):
        raise CommandError("EOF") from None


def _handshake(connection: Any, target: Endpoint, keys: Credentials) -> ObservingTransport:
    """Key exchange, host key, sign-in; closes the connection when any of them fails."""
    transport: ObservingTransport | None = None
    try:
        transport = ObservingTransport(connection)
        transport.banner_timeout = transport.handshake_timeout = _HANDSHAKE_PATIENCE_S
        if keys.expected:
            _prefer(transport, keys.expected[0])
        transport.start_client(timeout=_HANDSHAKE_PATIENCE_S)
        if keys.expected and transport.get_remote_server_key().asbytes() != keys.expected[1]:
            raise CommandError("ssh: host key mismatch")
        sign_in(transport, target.user, keys)
    except CommandError as error:
        _close(transport, connection)
        raise CommandError(f"ssh: handshake failed: {error}") from None
    except (paramiko.SSHException, OSError, EOFError) as error:
        _close(transport, connection)
        raise CommandError(f"ssh: handshake failed: {_reason(error)}") from None
    return transport


def _prefer(transport: ObservingTransport, kind: str) -> None:
    """Asks for the expected type of host key first, so that a host with several shows that one."""
    options = transport.get_security_options()
    wanted = [name for name in signature_types(kind) if name in options.key_types]
    options.key_types = [*wanted, *(name for name in options.key_types if name not in wanted)]


def _reason(error: Exception) -> str:
    if isinstance(error, ConnectionResetError):
        return "read: connection reset by peer"
    if isinstance(error, OSError) and error.errno:
        return errno_text(error)
    text = str(error)
    if "Indecipherable" in text:
        return "ssh: overflow reading version string"
    if isinstance(error, EOFError) or not text or "banner" in text or "Negotiation failed" in text:
        return "EOF"
    return f"ssh: {text}"


def _close(transport: ObservingTransport | None, connection: Any) -> None:
    if transport is not None:
        transport.close()
    connection.close()
