"""The SHA-256 by which the engine knows an archive: that of a tar of its files.

Go's tar writer decides every byte, and Python's differs in a few, so the headers are made here.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path

_BLOCK = 512
_NAME, _PREFIX = 100, 155


def tar_hash(files: Mapping[str, Path]) -> str:
    """The hash of the files by name, sorted, with mode 0600, no owner and no time."""
    digest = hashlib.sha256()
    for name in sorted(files):
        content = files[name].read_bytes()
        for part in _entry(name, content):
            digest.update(part)
    digest.update(b"\0" * 2 * _BLOCK)
    return digest.hexdigest()


def _entry(name: str, content: bytes) -> Iterator[bytes]:
    short = _split(name)
    if short is None:
        folder, file = posixpath.split(name)
        record = _pax_record("path", name)
        yield _header(_ascii(posixpath.join(folder, "PaxHeaders.0", file)), "", len(record), 0, b"x", device=b"")
        yield _padded(record)
        short = (_ascii(name), "")
    yield _header(*short, len(content), 0o600, b"0", device=b"0000000\0")
    yield _padded(content)


def _split(name: str) -> tuple[str, str] | None:
    """Name and prefix for a plain header, or None where only an extended one can hold the name."""
    if not name.isascii():
        return None
    if len(name) <= _NAME:
        return name, ""
    cut = name[: _PREFIX + 1].rfind("/")
    if cut <= 0 or len(name) - cut - 1 > _NAME or cut == len(name) - 1:
        return None
    return name[cut + 1 :], name[:cut]


def _header(name: str, prefix: str, size: int, mode: int, kind: bytes, *, device: bytes) -> bytes:
    def octal(value: int, width: int) -> bytes:
        return f"{value:0{width - 1}o}".encode() + b"\0"

    start = (
        name.encode()[:_NAME].ljust(_NAME, b"\0") + octal(mode, 8) + octal(0, 8) * 2 + octal(size, 12) + octal(0, 12)
    )
    end = kind + b"\0" * 100 + b"ustar\x0000" + b"\0" * 64 + device.ljust(8, b"\0") * 2 + prefix.encode()
    end = end.ljust(_BLOCK - len(start) - 8, b"\0")
    checksum = sum(start) + sum(end) + 8 * ord(" ")
    return start + f"{checksum:06o}".encode() + b"\0 " + end


def _pax_record(key: str, value: str) -> bytes:
    """`LENGTH key=value`, where the length counts itself."""
    rest = f" {key}={value}\n".encode()
    length = len(rest)
    while len(str(length)) + len(rest) != length:
        length = len(str(length)) + len(rest)
    return str(length).encode() + rest


def _ascii(text: str) -> str:
    return "".join(character for character in text if character.isascii())


def _padded(content: bytes) -> bytes:
    return content + b"\0" * (-len(content) % _BLOCK)
