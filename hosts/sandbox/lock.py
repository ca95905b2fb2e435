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
def only_one(name: str, report: Report) -> Iterator[None]:
    """Holds the user's lock of that name. The kernel releases it when the process ends, however it ends."""
    with (cache_folder() / f"{name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(f"waiting for another process that holds {file.name}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
