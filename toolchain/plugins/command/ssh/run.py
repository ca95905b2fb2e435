"""Runs one script on a host."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from queue import Empty

import paramiko

from toolchain.plugins.command.protocol.engine_log import ResourceLog, Severity
from toolchain.plugins.command.protocol.errors import CommandError
from toolchain.plugins.command.protocol.gotext import quote
from toolchain.plugins.command.protocol.output import Output
from toolchain.plugins.command.ssh.endpoint import Endpoint
from toolchain.plugins.command.ssh.pool import Lease, Pool
from toolchain.plugins.command.ssh.transport import Observed

_SIGNAL_NUMBERS = {
    "ABRT": 6,
    "ALRM": 14,
    "FPE": 8,
    "HUP": 1,
    "ILL": 4,
    "INT": 2,
    "KILL": 9,
    "PIPE": 13,
    "QUIT": 3,
    "SEGV": 11,
    "TERM": 15,
}
_LOST = (paramiko.SSHException, OSError, EOFError)
_CHECK_CONNECTION_EVERY_S = 1.0


@dataclass(frozen=True)
class RemoteScript:
    """A script for a host; `wished` variables are left out where the server does not accept them."""

    text: str
    environment: Mapping[str, str] = field(default_factory=dict)
    wished: Mapping[str, str] = field(default_factory=dict)
    stdin: str = ""


def run(pool: Pool, target: Endpoint, script: RemoteScript, output: Output, log: ResourceLog) -> None:
    """Runs it to its end, once; raises CommandError with everything it wrote unless it exits with 0."""
    lease = pool.session(target, log)
    started = False
    try:
        _set_environment(lease, script, log)
        started = True
        error = _run(lease, script, output)
    finally:
        lease.release(started)
        output.close()
    if error:
        raise CommandError(f"{error}: running {quote(script.text)}:\n{output.both}")


def _set_environment(lease: Lease, script: RemoteScript, log: ResourceLog) -> None:
    for name, value in script.environment.items():
        if not _granted(lease, "env", name, value):
            _tell_refusal(log, "error", name)
            raise CommandError(f"could not set environment variable {quote(name)}: ssh: setenv failed")
    for name, value in script.wished.items():
        if not _granted(lease, "env", name, value):
            _tell_refusal(log, "warning", name)


def _granted(lease: Lease, request: str, *strings: str) -> bool:
    try:
        return lease.transport.ask(lease.channel, request, *strings)
    except _LOST:
        raise CommandError("EOF") from None


def _tell_refusal(log: ResourceLog, severity: Severity, name: str) -> None:
    log.lasting(
        severity,
        f"Unable to set '{name}'. This only works if your SSH server is configured to accept\n"
        "\tthese variables via AcceptEnv. Alternatively, if a Bash-like shell runs the command on the remote host, "
        "you could\n\tprefix the command itself with the variables in the form 'VAR=value command'",
    )


def _run(lease: Lease, script: RemoteScript, output: Output) -> str:
    """The reason why it failed, or nothing."""
    seen = lease.transport.observe(lease.channel)
    try:
        if not lease.transport.ask(lease.channel, "exec", script.text):
            return f"ssh: command {script.text} failed"
    except _LOST:
        return _exit_text(lease, seen)
    threading.Thread(target=_feed, args=(lease.channel, script.stdin), daemon=True).start()
    _collect(lease, seen, output)
    return _exit_text(lease, seen)


def _feed(channel: paramiko.Channel, text: str) -> None:
    try:
        if text:
            channel.sendall(text.encode())
        channel.shutdown_write()
    except _LOST:
        return  # the script did not read all of it, which is its own business


def _collect(lease: Lease, seen: Observed, output: Output) -> None:
    """Reads both streams in the order in which the server sent them."""
    channel = lease.channel
    while True:
        try:
            arrival = seen.arrivals.get(timeout=_CHECK_CONNECTION_EVERY_S)
        except Empty:
            if channel.closed or not lease.transport.is_active():
                return
            continue
        if arrival is None:
            break
        stream, length = arrival
        while length > 0:
            chunk = channel.recv(length) if stream == "stdout" else channel.recv_stderr(length)
            if not chunk:
                break
            output.write(stream, chunk)
            length -= len(chunk)
    # The status comes with or after the end of output.
    while not channel.status_event.wait(_CHECK_CONNECTION_EVERY_S) and lease.transport.is_active():
        continue


def _exit_text(lease: Lease, seen: Observed) -> str:
    status: int = lease.channel.exit_status
    if status == 0:
        return ""
    if status == -1 and not seen.signal:
        return "wait: remote command exited without exit status or exit signal"
    if status == -1:
        status = 128 + _SIGNAL_NUMBERS.get(seen.signal, 0)
    text = f"Process exited with status {status}"
    text += f" from signal {seen.signal}" if seen.signal else ""
    return text + (f". Reason was: {seen.signal_message}" if seen.signal_message else "")
