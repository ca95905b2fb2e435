"""Waiting for a state, with the delays and texts of Terraform's StateChangeConf."""

from __future__ import annotations

import time
from collections.abc import Callable

from toolchain.plugins.docker.errors import OperationError

_DELAY_SECONDS = 2.0
_FIRST_WAIT_SECONDS = 0.1
_LONGEST_WAIT_SECONDS = 5.0


def wait_until_removed(attempt: Callable[[], str | None], timeout_seconds: float) -> None:
    """Call `attempt` until it returns None; it returns the state that it is waiting in.

    The first call comes at once: an unused volume or network needs no waiting.
    Raises OperationError after `timeout_seconds`.
    """
    start = time.monotonic()
    wait = _DELAY_SECONDS
    while (state := attempt()) is not None:
        left = timeout_seconds - (time.monotonic() - start)
        if left <= 0:
            raise OperationError(
                "timeout while waiting for state to become 'removed' "
                f"(last state: '{state}', timeout: {timeout_seconds:.0f}s)"
            )
        time.sleep(min(wait, left))
        wait = min(max(wait * 2, _FIRST_WAIT_SECONDS), _LONGEST_WAIT_SECONDS)
