"""Loads the SSH client only when the first host is needed; a deployment without hosts never does."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toolchain.plugins.command.ssh.pool import Pool


class SharedPool:
    """The pool of this plugin process."""

    def __init__(self) -> None:
        self._pool: Pool | None = None
        self._lock = threading.Lock()
        self._cancelled = threading.Event()

    def get(self) -> Pool:
        """The pool, made at its first use."""
        with self._lock:
            if self._pool is None:
                from toolchain.plugins.command.ssh.pool import Pool

                self._pool = Pool(self._cancelled)
            return self._pool

    def cancel(self) -> None:
        """Ends the retries of connections; scripts that run on hosts run on, for nobody could tell how far they got."""
        self._cancelled.set()

    def close(self) -> None:
        """Closes the connections, if there ever were any."""
        with self._lock:
            if self._pool is not None:
                self._pool.close()
