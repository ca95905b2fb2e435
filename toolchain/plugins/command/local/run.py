"""Runs one script on this machine."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from toolchain.plugins.command.protocol.errors import CommandError
from toolchain.plugins.command.protocol.gotext import errno_text, quote
from toolchain.plugins.command.protocol.output import Output, Stream

_SHELL = ("/bin/sh", "-c")
_CHUNK = 65_536
# Output that arrives within this time counts as simultaneous; stderr then comes first, as in the official plugin.
_SAME_MOMENT_S = 0.002


@dataclass(frozen=True)
class Script:
    """A script and its surroundings."""

    text: str
    interpreter: Sequence[str] = ()
    directory: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: str = ""

    @property
    def working_directory(self) -> str:
        """Where it runs: the plugin's own directory unless one is given."""
        return self.directory or str(Path.cwd())


class Processes:
    """The processes that run now, so that a cancelled deployment can end them."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._cancelled = False

    def add(self, process: subprocess.Popen[bytes]) -> None:
        """Remembers a process, or ends it at once after a cancellation."""
        with self._lock:
            self._running.add(process)
            if self._cancelled:
                process.kill()

    def remove(self, process: subprocess.Popen[bytes]) -> None:
        """Forgets one that ended."""
        with self._lock:
            self._running.discard(process)

    def cancel(self) -> None:
        """Ends all of them and every later one."""
        with self._lock:
            self._cancelled = True
            for process in self._running:
                process.kill()


def run(script: Script, output: Output, processes: Processes) -> None:
    """Runs it to its end; raises CommandError with everything it wrote unless it exits with 0."""
    try:
        process = _start(script)
    except CommandError as error:
        output.close()
        raise CommandError(f"{error}: running {quote(script.text)}:\n") from None
    processes.add(process)
    try:
        if script.stdin:
            threading.Thread(target=_feed, args=(process, script.stdin), daemon=True).start()
        _collect(process, output)
        status = process.wait()
    finally:
        processes.remove(process)
        output.close()
    if status != 0:
        raise CommandError(f"{_status_text(status)}: running {quote(script.text)}:\n{output.both}")


def _start(script: Script) -> subprocess.Popen[bytes]:
    arguments = [*(script.interpreter or _SHELL), script.text]
    try:
        Path(script.working_directory).stat()
    except OSError as error:
        raise CommandError(f"chdir {script.working_directory}: {errno_text(error)}") from None
    program = _program(arguments[0])
    try:
        return subprocess.Popen(
            arguments,
            executable=program,
            cwd=script.working_directory,
            env=os.environ | dict(script.environment),
            stdin=subprocess.PIPE if script.stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        raise CommandError(f"fork/exec {program}: {errno_text(error)}") from None
    except ValueError:  # a null byte in the script or its environment
        raise CommandError(f"fork/exec {program}: invalid argument") from None


def _program(name: str) -> str:
    """The program's path, looked up in PATH unless the name has a slash."""
    if "/" in name:
        return name
    for directory in os.environ.get("PATH", "").split(os.pathsep):
        candidate = Path(directory or ".") / name
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return str(candidate)
    raise CommandError(f"exec: {quote(name)}: executable file not found in $PATH")


def _feed(process: subprocess.Popen[bytes], text: str) -> None:
    assert process.stdin is not None  # noqa: S101 - opened as a pipe just above
    try:
        process.stdin.write(text.encode())
        process.stdin.close()
    except OSError:
        return  # the script did not read all of it, which is its own business


def _collect(process: subprocess.Popen[bytes], output: Output) -> None:
    """Reads both streams until the script, and what it left running with them, closes them."""
    streams: tuple[tuple[Stream, IO[bytes] | None], ...] = (("stderr", process.stderr), ("stdout", process.stdout))
    with selectors.DefaultSelector() as selector:
        for name, pipe in streams:
            if pipe is not None:
                selector.register(pipe, selectors.EVENT_READ, name)
        while selector.get_map():
            selector.select()
            time.sleep(_SAME_MOMENT_S)
            for key, _ in sorted(selector.select(0), key=lambda ready: str(ready[0].data)):
                chunk = os.read(key.fd, _CHUNK)
                if chunk:
                    output.write(key.data, chunk)
                else:
                    selector.unregister(key.fileobj)


_SIGNALS = {
    signal.SIGHUP: "hangup",
    signal.SIGINT: "interrupt",
    signal.SIGQUIT: "quit",
    signal.SIGILL: "illegal instruction",
    signal.SIGTRAP: "trace/breakpoint trap",
    signal.SIGABRT: "aborted",
    signal.SIGBUS: "bus error",
    signal.SIGFPE: "floating point exception",
    signal.SIGKILL: "killed",
    signal.SIGUSR1: "user defined signal 1",
    signal.SIGSEGV: "segmentation fault",
    signal.SIGUSR2: "user defined signal 2",
    signal.SIGPIPE: "broken pipe",
    signal.SIGALRM: "alarm clock",
    signal.SIGTERM: "terminated",
}


def _status_text(status: int) -> str:
    if status > 0:
        return f"exit status {status}"
    number = -status
    name = next((text for known, text in _SIGNALS.items() if known == number), f"signal {number}")
    return f"signal: {name}"
