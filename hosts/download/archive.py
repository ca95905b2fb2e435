"""Files out of a tar or zip archive, by the names and hashes of a lock: nothing else in it is ever written."""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from hosts.download.errors import DownloadError
from hosts.download.part import Part
from hosts.download.transfer import Wanted

_CHUNK = 1 << 20


def members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Path and content of every regular file, in the archive's own order; each content is to be read at once.

    DownloadError where the file is no tar (plain, gz, bz2, xz) or zip, or is damaged.
    """
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as packed:
                for entry in packed.infolist():
                    if not entry.is_dir():
                        with packed.open(entry) as content:
                            yield _plain(entry.filename), content
        else:
            with tarfile.open(archive, "r:*") as packed_tar:
                for member in packed_tar:
                    opened = packed_tar.extractfile(member) if member.isreg() else None
                    if opened is not None:
                        yield _plain(member.name), opened
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError) as error:
        raise DownloadError(f"the archive cannot be read as tar or zip: {error}") from None


def root_of(paths: Sequence[str], locked: Sequence[str]) -> str:
    """The folder inside the archive under which the locked paths lie: none, or its single top folder."""
    present = set(paths)
    if any(path in present for path in locked):
        return ""
    tops = {path.split("/", 1)[0] for path in paths}
    return f"{tops.pop()}/" if len(tops) == 1 else ""


def unpack(archive: Path, wanted: Mapping[str, Wanted], incoming: Path, store: Path) -> None:
    """Brings each wanted path of the archive into the store, proved. DownloadError names one that is not right."""
    root = root_of([path for path, _ in members(archive)], list(wanted))
    left = dict(wanted)
    for path, content in members(archive):
        name = path[len(root) :] if path.startswith(root) else ""
        if name in left:
            _take(left.pop(name), content, incoming, store / name)
    if left:
        raise DownloadError(f"the archive does not hold {', '.join(sorted(left))}")


def _take(wanted: Wanted, content: IO[bytes], incoming: Path, target: Path) -> None:
    with Part(incoming / f"{wanted.sha256}.file") as part:
        part.restart()
        while part.size_bytes <= wanted.size_bytes:
            chunk = content.read(_CHUNK)
            if not chunk:
                break
            part.write(chunk)
        if (part.size_bytes, part.sha256) != (wanted.size_bytes, wanted.sha256):
            part.restart()
            raise DownloadError(f"{wanted.name} in the archive is not the file its lock describes")
        part.become(target)


def _plain(name: str) -> str:
    return str(PurePosixPath(name))
