"""Scripts on this machine: failures, surroundings, output and what they leave behind."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.engine.plugins.command.plugin import Plugin, running_plugin
from tests.unit.toolchain.plugins.command.official import LOCAL

pytestmark = pytest.mark.engine


def _error(plugin: Plugin, **inputs: Any) -> str:
    with pytest.raises(grpc.RpcError) as error:
        plugin.create(LOCAL, inputs)
    return str(error.value.details())


def _stdout(plugin: Plugin, **inputs: Any) -> str:
    return str(plugin.create(LOCAL, inputs)["state"]["stdout"])


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("exit 255", 'exit status 255: running "exit 255":\n'),
        ("kill -TERM $$", 'signal: terminated: running "kill -TERM $$":\n'),
        ("kill -SEGV $$", "signal: segmentation fault"),
        ("echo only >&2; false", 'exit status 1: running "echo only >&2; false":\nonly\n'),
        ("no-such-program-xyz", 'exit status 127: running "no-such-program-xyz":\n'),
    ],
)
def test_failures(script: str, text: str, plugin: Plugin) -> None:
    assert _error(plugin, create=script).startswith(text)


def test_a_missing_directory(plugin: Plugin, work: Path) -> None:
    missing = work / "missing"
    assert _error(plugin, create="true", dir=str(missing)) == (
        f'chdir {missing}: no such file or directory: running "true":\n'
    )


@pytest.mark.parametrize(
    ("interpreter", "text"),
    [
        (["/no/such"], "fork/exec /no/such: no such file or directory"),
        (["/etc/passwd"], "fork/exec /etc/passwd: permission denied"),
        (["no-such-shell"], 'exec: "no-such-shell": executable file not found in $PATH'),
    ],
)
def test_an_interpreter_that_cannot_run(interpreter: list[str], text: str, plugin: Plugin) -> None:
    assert _error(plugin, create="true", interpreter=interpreter) == f'{text}: running "true":\n'


def test_too_long_a_previous_output(plugin: Plugin) -> None:
    state = {"create": "true", "stdout": "x" * 200_000, "stderr": ""}
    with pytest.raises(grpc.RpcError) as error:
        plugin.update(LOCAL, state, {"create": "true"})
    assert error.value.details() == 'fork/exec /bin/sh: argument list too long: running "true":\n'
    unwanted = plugin.update(LOCAL, state, {"create": "true", "addPreviousOutputInEnv": False})
    assert unwanted["stdout"] == ""


def test_surroundings(plugin: Plugin, work: Path) -> None:
    assert _stdout(plugin, create="pwd", dir=str(work)) == str(work)
    assert _stdout(plugin, create='echo "$A$HOME"', environment={"A": "1", "HOME": "/h"}) == "1/h"
    assert _stdout(plugin, create="print(6 * 7)", interpreter=["python3", "-c"]) == "42"
    assert _stdout(plugin, create="cat", stdin="a\nb") == "a\nb"
    assert _stdout(plugin, create="cat") == ""
    assert _stdout(plugin, create="echo $PULUMI_COMMAND_STDOUT") == ""


@pytest.mark.parametrize(
    ("logging", "shown"),
    [
        (None, {"out", "err"}),
        ("stdoutAndStderr", {"out", "err"}),
        ("stdout", {"out"}),
        ("stderr", {"err"}),
        ("none", set()),
        ("no such choice", set()),
    ],
)
def test_logging(logging: str | None, shown: set[str], plugin: Plugin) -> None:
    plugin.logged()
    inputs = {"create": "echo out; echo err >&2"} | ({"logging": logging} if logging else {})
    state = plugin.create(LOCAL, inputs)["state"]
    assert (state["stdout"], state["stderr"]) == ("out", "err")
    assert set(plugin.logged()) == shown


def test_output_is_shown_while_the_script_runs(plugin: Plugin, work: Path) -> None:
    plugin.logged()
    gate = work / "gate"
    script = f"echo first; while [ ! -e {gate} ]; do sleep 0.02; done; echo last"
    run = threading.Thread(target=plugin.create, args=(LOCAL, {"create": script}))
    run.start()
    deadline = time.monotonic() + 20
    seen: list[str] = []
    while not seen and time.monotonic() < deadline:
        seen += plugin.logged()
        time.sleep(0.02)
    gate.touch()
    run.join()
    assert (seen, plugin.logged()) == (["first"], ["last"])


def test_much_output_and_long_lines(plugin: Plugin) -> None:
    state = plugin.create(LOCAL, {"create": "head -c 3000000 /dev/zero | tr '\\0' x; echo", "logging": "none"})["state"]
    assert state["stdout"] == "x" * 3_000_000
    plugin.logged()
    plugin.create(LOCAL, {"create": "head -c 200000 /dev/zero | tr '\\0' y"})
    assert "".join(plugin.logged()) == "y" * 200_000


def test_bytes_that_are_no_text_do_not_break_the_answer(plugin: Plugin) -> None:
    assert _stdout(plugin, create="printf 'a\\377b'") == "a\ufffdb"


def test_stdin_that_nobody_reads(plugin: Plugin) -> None:
    assert _stdout(plugin, create="echo done", stdin="x" * 1_000_000) == "done"


def test_update_runs_update_or_create_or_nothing(plugin: Plugin) -> None:
    state = {"create": "echo a", "stdout": "before", "stderr": "oops"}
    script = "echo $PULUMI_COMMAND_STDOUT $PULUMI_COMMAND_STDERR"
    assert plugin.update(LOCAL, state, {"create": "echo a", "update": script})["stdout"] == "before oops"
    assert plugin.update(LOCAL, state, {"create": script})["stdout"] == "before oops"
    assert plugin.update(LOCAL, state, {"delete": "true"}) == {"delete": "true", "stdout": "before", "stderr": "oops"}


def test_a_failing_delete_says_why(plugin: Plugin) -> None:
    with pytest.raises(grpc.RpcError) as error:
        plugin.delete(LOCAL, {"delete": "echo $PULUMI_COMMAND_STDOUT; exit 4", "stdout": "made", "stderr": ""})
    text = 'exit status 4: running "echo $PULUMI_COMMAND_STDOUT; exit 4":\nmade\n'
    assert error.value.details() == text


def test_delete_without_a_script_does_nothing(plugin: Plugin) -> None:
    plugin.delete(LOCAL, {"create": "exit 1", "stdout": "", "stderr": ""})


def test_files_are_collected(plugin: Plugin, work: Path) -> None:
    inputs = {
        "create": "mkdir -p out/deep; echo 1 > out/a.txt; echo 2 > out/deep/b.log; echo 3 > out/secret",
        "dir": str(work),
        "assetPaths": ["out/**", "!**secret"],
        "archivePaths": ["out/*"],
    }
    state = plugin.create(LOCAL, inputs)["state"]
    assert sorted(state["assets"]) == ["out/a.txt", "out/deep/b.log"]
    assert state["assets"]["out/a.txt"] == {
        "4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17",
        "hash": "4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865",
        "path": str(work / "out/a.txt"),
        "text": "",
        "uri": "",
    }
    assert sorted(state["archive"]["assets"]) == ["out/a.txt", "out/secret"]


def test_a_glob_that_is_malformed(plugin: Plugin, work: Path) -> None:
    assert _error(plugin, create="true", dir=str(work), assetPaths=["a["]) == "unexpected end of input"


def test_the_function_runs_a_command(plugin: Plugin, work: Path) -> None:
    result = plugin.invoke("command:local:run", {"command": "echo hi; echo no >&2", "dir": str(work)})
    assert result == {"command": "echo hi; echo no >&2", "dir": str(work), "stdout": "hi", "stderr": "no"}


def test_commands_run_side_by_side(plugin: Plugin) -> None:
    started = time.monotonic()
    runs = [threading.Thread(target=plugin.create, args=(LOCAL, {"create": "sleep 1"})) for _ in range(20)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert time.monotonic() - started < 10


def test_a_cancelled_deployment_ends_its_processes(work: Path) -> None:
    with running_plugin() as plugin:
        errors: list[str] = []

        def create() -> None:
            try:
                plugin.create(LOCAL, {"create": f"echo $$ > {work}/pid; exec sleep 600"})
            except grpc.RpcError as error:
                errors.append(str(error.details()))

        run = threading.Thread(target=create)
        run.start()
        deadline = time.monotonic() + 20
        while not (work / "pid").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        plugin.cancel()
        run.join(timeout=20)
        assert errors
        assert errors[0].startswith("signal: killed: running")
        assert not os.path.exists(f"/proc/{(work / 'pid').read_text().strip()}")  # noqa: PTH110 - a pid, no file
