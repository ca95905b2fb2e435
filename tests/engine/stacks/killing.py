"""An `up` whose operator's side dies: the engine, its plugins and the program, all at one moment."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.engine.stacks.stack import Stack


def up_killed_at(stack: Stack, moment: str, event: Sequence[str] = ()) -> str:
    """Starts `pulumi up`, kills it as soon as it prints a line that `moment` is found in, and returns what it printed.

    With an event, a command that waits for something, only once that has ended too. The test fails where the
    moment never comes.
    """
    process = subprocess.Popen(
        stack.command("up", "--yes", "--skip-preview", "--suppress-outputs"),
        cwd=stack.folder,
        env=dict(stack.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    printed = []
    with process:
        for line in process.stdout:
            printed.append(line)
            if re.search(moment, line):
                if event:
                    subprocess.run(event, check=True, timeout=60, capture_output=True)
                _kill_session(process.pid)
                return "".join(printed)
    raise AssertionError(f"`pulumi up` ended with {process.returncode} and never said '{moment}':\n{''.join(printed)}")


def _kill_session(leader: int) -> None:
    """SIGKILL for every process that the leader started: the engine puts its plugins into groups of their own."""
    while found := [
        pid
        for pid in map(int, filter(str.isdigit, (entry.name for entry in Path("/proc").iterdir())))
        if _session_of(pid) == leader
    ]:
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def _session_of(pid: int) -> int | None:
    """The session of a process that lives; None for one that has ended."""
    try:
        state, _, _, session = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[:4]
    except (OSError, ValueError):
        return None
    return None if state in "ZX" else int(session)
