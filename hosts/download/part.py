"""A file that is still arriving: what is there already counts, and is hashed as it comes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from hosts.download.errors import DownloadError

_CHUNK = 1 << 20


class Part:
    """Append-only file with a running SHA-256; `with Part(path) as part` goes on where an earlier run ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._hash = hashlib.sha256()
        self.size_bytes = 0

    def __enter__(self) -> Part:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = self._path.open("a+b", buffering=0)
        self._stream.seek(0)
        while True:
            chunk = self._stream.read(_CHUNK)
            if not chunk:
                return self
            self._hash.update(chunk)
            self.size_bytes += len(chunk)

    def __exit__(self, *error: object) -> None:
        self._stream.close()

    def write(self, data: bytes) -> None:
        """Appends; a full disk is an error that says so, and keeps what fitted."""
        left = memoryview(data)
        while left:
            try:
                count = self._stream.write(left)
            except OSError as error:
                raise DownloadError(f"cannot write to {self._path.parent}: {error.strerror}") from None
            self._hash.update(left[:count])
            self.size_bytes += count
            left = left[count:]

    def restart(self) -> None:
        """Forgets everything that arrived."""
        self._stream.truncate(0)
        self._hash = hashlib.sha256()
        self.size_bytes = 0

    @property
    def sha256(self) -> str:
        """Of what is there now, hexadecimal."""
        return self._hash.hexdigest()

    def become(self, target: Path) -> None:
        """Takes its final place at once, readable by all; what was there before goes."""
        os.fchmod(self._stream.fileno(), 0o644)
        os.fsync(self._stream.fileno())
        target.parent.mkdir(parents=True, exist_ok=True)
        self._path.replace(target)
