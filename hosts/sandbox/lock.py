"""One cache a user, and one process at a time where two would collide."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hosts.sandbox.engine import Report


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/gpuhost` or `~/.cache/gpuhost`, made if missing."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    folder = (Path(base) if base else Path.home() / ".cache") / "gpuhost"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def only_one(file: Path, report: Report) -> Iterator[None]:
    """Holds that lock file. The kernel releases it when the process ends, however it ends.

    The holder may delete the file; who waited for it then starts over with a new one.
    """
    while True:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = file.open("w")
        except FileNotFoundError:  # whoever removed the last sandbox removed the folder too
            continue
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                report(f"waiting for another process that holds {file}")
                fcntl.flock(handle, fcntl.LOCK_EX)
            if file.exists() and file.stat().st_ino == os.fstat(handle.fileno()).st_ino:
                yield
                return
