"""From a URL to a file of known size and SHA-256: resumed, retried, proved."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import TypeVar

from hosts.download.errors import DownloadError, PassingError
from hosts.download.part import Part
from hosts.download.web import NETWORK_ERRORS, Web, network_failure

_READ_BYTES = 1 << 20
_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Patience:
    """How long a source may fail: `attempts` in a row that bring not one byte, with waits that double between them."""

    attempts: int = 8
    first_wait_s: float = 1
    longest_wait_s: float = 60
    longest_asked_wait_s: float = 900  # what a server may ask for before we give up on it
    sleep: Callable[[float], None] = time.sleep

    def wait_s(self, failures: int, asked_s: float | None) -> float:
        """Before the next attempt: what the server asked for, else doubling with some chance in it."""
        if asked_s is not None:
            return asked_s
        doubled: float = min(self.longest_wait_s, self.first_wait_s * 2 ** (failures - 1))
        return doubled * random.uniform(0.75, 1)  # noqa: S311 - spreads clients, guards nothing

    def after(self, failures: int, error: PassingError, name: str, kept: str = "") -> float:
        """Seconds to wait before `name` is tried again; DownloadError where the patience is at its end."""
        if failures >= self.attempts:
            raise DownloadError(f"{name}: given up after {failures} attempts: {error}{kept}")
        wait_s = self.wait_s(max(1, failures), error.wait_s)
        if wait_s > self.longest_asked_wait_s:
            raise DownloadError(f"{name}: {error}, and asks to wait {wait_s:.0f} s: try again then{kept}")
        return wait_s

    def answer(self, ask: Callable[[], _Answer], name: str, say: Callable[[str], None]) -> _Answer:
        """What `ask` returns, asked again for as long as it raises PassingError."""
        failures = 0
        while True:
            try:
                return ask()
            except PassingError as error:
                failures += 1
                wait_s = self.after(failures, error, name)
                say(f"{name}: {error}; again in {wait_s:.1f} s")
                self.sleep(wait_s)


@dataclass(frozen=True)
class Wanted:
    """A file as its lock describes it, under the name that messages use."""

    name: str
    size_bytes: int
    sha256: str


class Transfer:
    """Brings files by GET. `on_bytes` hears of every change of what is there, negative where bytes are dropped."""

    def __init__(
        self,
        web: Web,
        say: Callable[[str], None],
        patience: Patience | None = None,
        on_bytes: Callable[[int], None] | None = None,
    ) -> None:
        self._web, self._say = web, say
        self._patience = patience or Patience()
        self._on_bytes = on_bytes or (lambda _: None)

    def bring(self, url: str, wanted: Wanted, part: Part) -> None:
        """Completes the part. Raises DownloadError where the source refuses, stays away, or has other bytes."""
        for fetched in (1, 2):
            self._complete(url, wanted, part)
            if part.sha256 == wanted.sha256:
                return
            got = part.sha256
            self._drop(part)
            if fetched == 1:
                self._say(f"{wanted.name} arrived altered (SHA-256 {got}, its lock says {wanted.sha256}): once more")
        raise DownloadError(f"{wanted.name} has SHA-256 {got} at its source, its lock says {wanted.sha256}")

    def _complete(self, url: str, wanted: Wanted, part: Part) -> None:
        failures = 0
        while part.size_bytes != wanted.size_bytes:
            if part.size_bytes > wanted.size_bytes:
                self._drop(part)
            before = part.size_bytes
            try:
                self._attempt(url, wanted, part)
            except PassingError as error:
                failures = 0 if part.size_bytes > before else failures + 1
                self._pause(wanted, part, failures, error)

    def _pause(self, wanted: Wanted, part: Part, failures: int, error: PassingError) -> None:
        kept = f"; {part.size_bytes} of {wanted.size_bytes} bytes are kept for the next run" if part.size_bytes else ""
        wait_s = self._patience.after(failures, error, wanted.name, kept)
        self._say(f"{wanted.name}: {error}; goes on at byte {part.size_bytes} in {wait_s:.1f} s")
        self._patience.sleep(wait_s)

    def _attempt(self, url: str, wanted: Wanted, part: Part) -> None:
        with self._web.get(url, part.size_bytes) as answer:
            self._align(answer, wanted, part)
            while part.size_bytes < wanted.size_bytes:
                try:
                    data = answer.read1(_READ_BYTES)
                except NETWORK_ERRORS as error:
                    raise network_failure(error, url) from None
                if not data:
                    raise PassingError(f"the connection ended after {part.size_bytes} of {wanted.size_bytes} bytes")
                data = data[: wanted.size_bytes - part.size_bytes]
                part.write(data)
                self._on_bytes(len(data))

    def _align(self, answer: HTTPResponse, wanted: Wanted, part: Part) -> None:
        """Makes the part end where the answer begins, and compares the sizes before a byte is read."""
        total = answer.headers.get("Content-Length")
        if answer.status == 206:
            span = re.match(r"bytes (\d+)-\d+/(\d+|\*)$", answer.headers.get("Content-Range", ""))
            if span is None or int(span[1]) != part.size_bytes:
                self._drop(part)
                raise PassingError("the answer is another range than the one asked for")
            total = span[2]
        elif part.size_bytes:
            self._drop(part)  # the server knows no ranges: from the start
        if total is not None and total.isdigit() and int(total) != wanted.size_bytes:
            raise DownloadError(
                f"{wanted.name} has {total} bytes at its source, its lock says {wanted.size_bytes}: not the locked file"
            )

    def _drop(self, part: Part) -> None:
        self._on_bytes(-part.size_bytes)
        part.restart()
