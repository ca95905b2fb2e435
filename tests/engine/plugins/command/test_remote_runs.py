"""Scripts on a host: failures, surroundings, streams, and how connections are shared."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.engine.plugins.command.plugin import Plugin, running_plugin
from tests.engine.plugins.command.sshd import SshServer, ssh_server
from tests.unit.toolchain.plugins.command.official import REMOTE

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def accepting(tmp_path_factory: pytest.TempPathFactory, server: SshServer) -> Iterator[SshServer]:
    """A server that accepts the variables of these tests, and few sessions on one connection."""
    settings = {"AcceptEnv": "PULUMI_* GREETING", "MaxSessions": "2"}
    with ssh_server(tmp_path_factory.mktemp("accepting"), settings) as running:
        yield running


def _create(plugin: Plugin, server: SshServer, **inputs: Any) -> dict[str, Any]:
    state = plugin.create(REMOTE, {"connection": server.connection()} | inputs)["state"]
    assert isinstance(state, dict)
    return state


def _error(plugin: Plugin, server: SshServer, **inputs: Any) -> str:
    with pytest.raises(grpc.RpcError) as error:
        _create(plugin, server, **inputs)
    return str(error.value.details())


def _sign_ins(server: SshServer) -> int:
    return (server.folder / "log").read_text().count("Accepted publickey")


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("exit 255", 'Process exited with status 255: running "exit 255":\n'),
        ("kill -9 $$", 'Process exited with status 137 from signal KILL: running "kill -9 $$":\n'),
        ("kill -TERM $$", 'Process exited with status 143 from signal TERM: running "kill -TERM $$":\n'),
        ("kill -USR1 $$", 'Process exited with status 128 from signal USR1: running "kill -USR1 $$":\n'),
        ("echo only >&2; false", 'Process exited with status 1: running "echo only >&2; false":\nonly\n'),
    ],
)
def test_failures(script: str, text: str, plugin: Plugin, server: SshServer) -> None:
    assert _error(plugin, server, create=script) == text


def test_both_streams_stay_in_order(plugin: Plugin, server: SshServer) -> None:
    lines = "; ".join(f"echo o{n}; sleep 0.01; echo e{n} >&2; sleep 0.01" for n in range(20))
    text = _error(plugin, server, create=f"{lines}; exit 1")
    assert text.endswith("".join(f"o{n}\ne{n}\n" for n in range(20)))


def test_much_output_and_input(plugin: Plugin, server: SshServer) -> None:
    text = "0123456789abcdef" * 200_000
    assert _create(plugin, server, create="cat", stdin=text, logging="none")["stdout"] == text


def test_stdin_that_nobody_reads(plugin: Plugin, server: SshServer) -> None:
    assert _create(plugin, server, create="echo done", stdin="x" * 5_000_000)["stdout"] == "done"


def test_without_stdin_a_reading_script_ends(plugin: Plugin, server: SshServer) -> None:
    assert _create(plugin, server, create="cat; echo ended")["stdout"] == "ended"


@pytest.mark.parametrize(
    ("logging", "shown"), [("stdout", ["out"]), ("stderr", ["err"]), ("none", []), ("stdoutAndStderr", ["out", "err"])]
)
def test_logging(logging: str, shown: list[str], plugin: Plugin, server: SshServer) -> None:
    plugin.logged()
    state = _create(plugin, server, create="echo out; sleep 0.1; echo err >&2", logging=logging)
    assert (state["stdout"], state["stderr"], plugin.logged()) == ("out", "err", shown)


def test_variables_that_the_server_accepts(plugin: Plugin, accepting: SshServer) -> None:
    state = _create(plugin, accepting, create="echo $GREETING", environment={"GREETING": "hi there"})
    assert state["stdout"] == "hi there"
    script = "echo $PULUMI_COMMAND_STDOUT $PULUMI_COMMAND_STDERR"
    old = {"connection": accepting.connection(), "create": "x", "stdout": "out", "stderr": "err"}
    new = {"connection": accepting.connection(), "create": script}
    assert plugin.update(REMOTE, old, new)["stdout"] == "out err"
    assert plugin.update(REMOTE, old, new | {"addPreviousOutputInEnv": False})["stdout"] == ""


def test_previous_output_that_the_server_refuses_is_a_warning(plugin: Plugin, server: SshServer) -> None:
    old = {"connection": server.connection(), "create": "x", "stdout": "out", "stderr": ""}
    plugin.logged()
    new = plugin.update(REMOTE, old, {"connection": server.connection(), "update": "echo new", "create": "x"})
    assert new["stdout"] == "new"
    warning, *lines = plugin.logged()
    assert warning.startswith("Unable to set 'PULUMI_COMMAND_STDOUT'. This only works if your SSH server")
    assert lines == ["new"]


def test_update_without_scripts_keeps_the_output(plugin: Plugin, server: SshServer) -> None:
    old = {"connection": server.connection(), "create": "x", "stdout": "out", "stderr": "err"}
    assert plugin.update(REMOTE, old, {"connection": server.connection()}) == {
        "connection": server.connection(),
        "stdout": "out",
        "stderr": "err",
    }


def test_a_failing_delete_says_why(plugin: Plugin, server: SshServer) -> None:
    state = {"connection": server.connection(), "delete": "echo stuck; exit 5", "stdout": "", "stderr": ""}
    with pytest.raises(grpc.RpcError) as error:
        plugin.delete(REMOTE, state)
    assert error.value.details() == 'Process exited with status 5: running "echo stuck; exit 5":\nstuck\n'


def test_commands_share_a_connection(server: SshServer) -> None:
    before = _sign_ins(server)
    with running_plugin() as plugin:
        for number in range(5):
            assert _create(plugin, server, create=f"echo {number}")["stdout"] == str(number)
    assert _sign_ins(server) - before == 1


def test_many_at_once_get_enough_connections(accepting: SshServer) -> None:
    """The server allows two sessions on a connection."""
    before = _sign_ins(accepting)
    with running_plugin() as plugin, ThreadPoolExecutor(7) as threads:
        states = threads.map(lambda n: _create(plugin, accepting, create=f"sleep 1; echo {n}"), range(7))
        assert sorted(state["stdout"] for state in states) == [str(number) for number in range(7)]
    assert 4 <= _sign_ins(accepting) - before <= 7


def _kill_sessions(server: SshServer) -> None:
    """Ends the server's processes for open connections, as a reboot would."""
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(server.process.pid)], capture_output=True, text=True, check=True
    )
    for pid in children.stdout.split():
        os.kill(int(pid), signal.SIGKILL)


def test_a_connection_that_broke_meanwhile_is_replaced(server: SshServer) -> None:
    with running_plugin() as plugin:
        assert _create(plugin, server, create="echo 1")["stdout"] == "1"
        _kill_sessions(server)
        assert _create(plugin, server, create="echo 2")["stdout"] == "2"


def test_a_script_that_may_have_started_is_never_run_again(server: SshServer, work: Path) -> None:
    with running_plugin() as plugin:
        errors: list[str] = []
        marker = work / "runs"

        def create() -> None:
            errors.append(_error(plugin, server, create=f"echo run >> {marker}; sleep 20"))

        run = threading.Thread(target=create)
        run.start()
        deadline = time.monotonic() + 20
        while not marker.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        _kill_sessions(server)
        run.join(timeout=15)
        assert errors[0].startswith("wait: remote command exited without exit status or exit signal: running")
        time.sleep(0.5)
        assert marker.read_text() == "run\n"
