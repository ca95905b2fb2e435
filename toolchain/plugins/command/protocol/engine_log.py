"""Messages to the engine, which shows them beside the resource they concern."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Literal

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

Severity = Literal["debug", "info", "warning", "error"]

_SEVERITIES = {
    "debug": engine_pb2.DEBUG,
    "info": engine_pb2.INFO,
    "warning": engine_pb2.WARNING,
    "error": engine_pb2.ERROR,
}
_PATIENCE_S = 5.0
# A line longer than this is shown in pieces.
_LONGEST_LINE = 60_000


class EngineLog:
    """The engine's log; a message that cannot be delivered is dropped, since no deployment may fail for it."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._stub: engine_pb2_grpc.EngineStub | None = None
        self._lock = threading.Lock()

    def send(self, urn: str, severity: Severity, message: str, *, passing: bool) -> None:
        """Shows a message; a passing one is a status that does not stay."""
        request = engine_pb2.LogRequest(
            severity=_SEVERITIES[severity], message=message, urn=urn, streamId=0, ephemeral=passing
        )
        try:
            self._engine().Log(request, timeout=_PATIENCE_S)
        except (grpc.RpcError, ValueError):
            return

    def _engine(self) -> engine_pb2_grpc.EngineStub:
        with self._lock:
            if self._stub is None:
                self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(self._address))
            return self._stub


@dataclass(frozen=True)
class ResourceLog:
    """The log of one resource."""

    log: EngineLog
    urn: str

    def status(self, message: str) -> None:
        """A line of output, or progress."""
        self.log.send(self.urn, "info", message, passing=True)

    def lasting(self, severity: Severity, message: str) -> None:
        """A message that stays in the summary."""
        self.log.send(self.urn, severity, message, passing=False)


class OutputLines:
    """Cuts a script's output into lines and shows them as they come, without slowing the script down."""

    def __init__(self, log: ResourceLog) -> None:
        self._log = log
        self._rest = b""
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def write(self, chunk: bytes) -> None:
        """Takes output, whole lines or not."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._show(line)
        while len(self._rest) > _LONGEST_LINE:
            self._show(self._rest[:_LONGEST_LINE])
            self._rest = self._rest[_LONGEST_LINE:]

    def close(self) -> None:
        """Shows an unfinished line and waits until all are delivered."""
        if self._rest:
            self._show(self._rest)
        if self._thread is not None:
            self._lines.put(None)
            self._thread.join()

    def _show(self, line: bytes) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._deliver, daemon=True)
            self._thread.start()
        self._lines.put(line.removesuffix(b"\r").decode(errors="replace"))

    def _deliver(self) -> None:
        while (line := self._lines.get()) is not None:
            self._log.status(line)
