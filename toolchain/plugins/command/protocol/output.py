"""What a script wrote: each stream by itself, both as they came, and what of it is shown."""

from __future__ import annotations

from typing import Literal

from toolchain.plugins.command.protocol.engine_log import OutputLines, ResourceLog

Stream = Literal["stdout", "stderr"]

_SHOWN: dict[str | None, frozenset[str]] = {
    None: frozenset({"stdout", "stderr"}),
    "stdoutAndStderr": frozenset({"stdout", "stderr"}),
    "stdout": frozenset({"stdout"}),
    "stderr": frozenset({"stderr"}),
}


class Output:
    """Collects the output of one run; `logging` names the streams that the engine shows."""

    def __init__(self, log: ResourceLog, logging: str | None) -> None:
        self._shown = _SHOWN.get(logging, frozenset())
        self._lines = OutputLines(log)
        self._streams: dict[Stream, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
        self._both = bytearray()

    def write(self, stream: Stream, chunk: bytes) -> None:
        """Takes output of one stream."""
        self._streams[stream] += chunk
        self._both += chunk
        if stream in self._shown:
            self._lines.write(chunk)

    def close(self) -> None:
        """The run is over."""
        self._lines.close()

    @property
    def both(self) -> str:
        """Both streams in the order of arrival, for error messages."""
        return self._both.decode(errors="replace")

    def text(self, stream: Stream) -> str:
        """One stream without its last line end."""
        return self._streams[stream].decode(errors="replace").removesuffix("\n")
