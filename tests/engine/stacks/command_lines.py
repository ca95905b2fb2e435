"""Every command line that any process shows while something runs, on this machine and on a host."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hosts.sandbox import Sandbox

# Twenty looks a second at every process, until standard input ends; then prints what it saw, each once.
_LOOK = """
import pathlib, select, sys
seen = set()
while not select.select([sys.stdin], [], [], 0.05)[0]:
    for file in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            seen.add(file.read_bytes().replace(bytes(1), b" ").decode(errors="replace"))
        except OSError:
            pass
print("\\n".join(sorted(seen)))
"""


@contextmanager
def command_lines(host: Sandbox | None = None) -> Iterator[list[str]]:
    """The list is filled at the end of the block; without a host it is this machine's."""
    here: Sequence[str] = [sys.executable, "-c", _LOOK]
    there = None if host is None else host.ssh_command(shlex.join(["python3", "-c", _LOOK]))
    seen: list[str] = []
    with subprocess.Popen(there or here, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as looking:
        try:
            yield seen
        finally:
            seen += looking.communicate(input="")[0].splitlines()
    assert looking.returncode == 0, "the look at the command lines failed"
