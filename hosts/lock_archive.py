"""The lock of a model that is packed: `python -m hosts.lock archive FILE`, for a tar or zip on this machine."""

import hashlib
import sys
from pathlib import Path

from pydantic import ValidationError

from hosts.download.archive import members, root_of
from hosts.download.errors import DownloadError
from hosts.lock import LockedFile, ModelLock, write_lock

_CHUNK = 1 << 20


def lock_archive(archive: Path) -> ModelLock:
    """Hashes every file in the archive, below its single top folder if it has one; hidden files are left out.

    Raises DownloadError where it is no archive, or holds nothing that a lock can carry.
    """
    root = root_of([path for path, _ in members(archive)], ["config.json"])
    files = []
    for path, content in members(archive):
        name = path[len(root) :] if path.startswith(root) else path
        if any(part.startswith(".") for part in name.split("/")):
            continue
        digest, size = hashlib.sha256(), 0
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
        try:
            files.append(LockedFile(path=name, size_bytes=size, sha256=digest.hexdigest()))
        except ValidationError:
            raise DownloadError(f"'{name}' in the archive is a name that no lock can carry") from None
        print(f"{name}: {size} bytes", file=sys.stderr)  # noqa: T201 - progress
    if not files:
        raise DownloadError(f"{archive} holds no file to lock")
    files.sort(key=lambda file: file.path)
    return ModelLock(name=archive.name, files=tuple(files), total_bytes=sum(file.size_bytes for file in files))


def main(archive: Path) -> int:
    """Writes `FILE.lock.json` and prints what the stack file needs; 1 with one sentence."""
    try:
        lock = lock_archive(archive)
        with archive.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    except (DownloadError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    target = archive.with_name(archive.name + ".lock.json")
    write_lock(lock, target)
    print(f"    archive: {{url: https://…/{archive.name}, sha256: {sha256}}}\n    lock: {target}")  # noqa: T201
    return 0
