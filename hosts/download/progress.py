"""Says every few seconds how far a transfer is, from whatever thread the bytes arrive in."""

from __future__ import annotations

import os
import sys
import threading
import time

_MIB = 1 << 20


def say(line: str) -> None:
    """One line on standard error, where the operator sees it live.

    Ends the process where nobody can read it: the operator's side is gone, and the next run goes on from here.
    """
    try:
        print(f"model: {line}", file=sys.stderr, flush=True)  # noqa: T201 - progress
    except OSError:
        os._exit(75)


class Progress:
    """`with Progress(total_bytes) as progress: progress.add(count)`"""

    def __init__(self, total_bytes: int, every_s: float = 5) -> None:
        self._total = total_bytes
        self._every_s = every_s
        self._here = 0
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._tell, daemon=True)

    def add(self, count: int) -> None:
        """Bytes that came, or that were there already; negative for what was dropped."""
        with self._lock:
            self._here += count

    def __enter__(self) -> Progress:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()

    def _tell(self) -> None:
        before, at = self._here, time.monotonic()
        while not self._done.wait(self._every_s):
            now, clock = self._here, time.monotonic()
            say(progress_line(now, self._total, max(0, now - before) / (clock - at)))
            before, at = now, clock


def progress_line(here: int, total: int, bytes_per_s: float) -> str:
    """`1228 of 3960 MiB (31 %), 85.2 MiB/s, 32 s left`"""
    left = f"{(total - here) / bytes_per_s:.0f} s left" if bytes_per_s else "nothing arrives"
    percent = 100 * here // total if total else 100
    return f"{here // _MIB} of {total // _MIB} MiB ({percent} %), {bytes_per_s / _MIB:.1f} MiB/s, {left}"
