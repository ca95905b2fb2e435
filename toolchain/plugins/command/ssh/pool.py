"""Keeps connections open between the resources of one deployment."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

import paramiko

from toolchain.plugins.command.protocol.engine_log import ResourceLog
from toolchain.plugins.command.protocol.errors import CommandError
from toolchain.plugins.command.ssh.dial import dial
from toolchain.plugins.command.ssh.endpoint import Endpoint
from toolchain.plugins.command.ssh.transport import ObservingTransport

# OpenSSH's MaxSessions is 10 by default; one more connection is cheaper than a refusal.
_CHANNELS_PER_CONNECTION = 8
_OPEN_PATIENCE_S = 20.0


@dataclass
class _Connection:
    transport: ObservingTransport
    channels: int = 0
    capacity: int = _CHANNELS_PER_CONNECTION
    retired: bool = False
    # paramiko keeps one reason for all refused channels of a connection, so they are opened one after another.
    opening: threading.Lock = field(default_factory=threading.Lock)

    @property
    def usable(self) -> bool:
        return self.transport.is_active() and not self.retired

    def close(self) -> None:
        self.transport.close()
        if self.transport.jump is not None:
            self.transport.jump.close()


@dataclass(frozen=True)
class Lease:
    """A channel, the connection it runs on, and the way to give it back: `release(ran_script)`."""

    transport: ObservingTransport
    channel: paramiko.Channel
    release: Callable[[bool], None]


class Pool:
    """Channels to hosts, over connections that are reused.

    A sign-in fixes the user's groups and limits. For any user but root a finished script may have changed them, so it
    retires the connection and the next script signs in anew, as each does with the official plugin. Root has nothing
    to gain from that, so its connections serve until the plugin ends.
    """

    def __init__(self, cancelled: threading.Event) -> None:
        self._cancelled = cancelled
        self._connections: dict[Endpoint, list[_Connection]] = defaultdict(list)
        self._dialling: dict[Endpoint, Future[_Connection]] = {}
        self._lock = threading.Lock()

    def session(self, target: Endpoint, log: ResourceLog) -> Lease:
        """An open session. A connection that broke while it waited is replaced; a new one that fails is an error."""
        while True:
            connection = self._claim(target)
            fresh = connection is None
            if connection is None:
                connection = self._dialled(target, log)
                if not self._enter(connection):
                    continue
            try:
                return self._lease(target, connection)
            except paramiko.ChannelException as error:
                self._leave(connection)
                with self._lock:
                    connection.capacity = connection.channels
                if fresh and connection.channels == 0:
                    raise CommandError(connection.transport.refusal(error).text) from None
            except (paramiko.SSHException, OSError, EOFError):
                self._leave(connection, retire=True)
                if fresh:
                    raise CommandError("EOF") from None

    def close(self) -> None:
        """Closes everything."""
        with self._lock:
            connections = [connection for group in self._connections.values() for connection in group]
        for connection in connections:
            connection.close()

    def _claim(self, target: Endpoint) -> _Connection | None:
        """A place on an open connection, if there is one."""
        with self._lock:
            usable = [connection for connection in self._connections[target] if connection.usable]
            self._connections[target] = usable
            for connection in usable:
                if connection.channels < connection.capacity:
                    connection.channels += 1
                    return connection
            return None

    def _dialled(self, target: Endpoint, log: ResourceLog) -> _Connection:
        """A new connection; whoever needs one at the same time shares it, or the reason why there is none."""
        with self._lock:
            shared = self._dialling.get(target)
            mine: Future[_Connection] = Future()
            if shared is None:
                self._dialling[target] = mine
        if shared is not None:
            return shared.result()
        try:
            connection = _Connection(dial(target, log, self._cancelled))
        except BaseException as error:
            with self._lock:
                del self._dialling[target]
            mine.set_exception(error)
            raise
        with self._lock:
            del self._dialling[target]
            self._connections[target].append(connection)
        mine.set_result(connection)
        return connection

    def _enter(self, connection: _Connection) -> bool:
        with self._lock:
            free = connection.channels < connection.capacity
            connection.channels += free
            return free

    def _leave(self, connection: _Connection, *, retire: bool = False) -> None:
        with self._lock:
            connection.channels -= 1
            connection.retired = connection.retired or retire
            over = connection.retired and connection.channels == 0
        if over:
            connection.close()

    def _lease(self, target: Endpoint, connection: _Connection) -> Lease:
        with connection.opening:
            channel = connection.transport.open_session(timeout=_OPEN_PATIENCE_S)
            connection.transport.observe(channel)

        def release(ran_script: bool) -> None:
            channel.close()
            self._leave(connection, retire=ran_script and target.user != "root")

        return Lease(connection.transport, channel, release)
