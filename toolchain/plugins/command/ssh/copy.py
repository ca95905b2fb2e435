"""Copies a file, a text or a directory to a host over SFTP."""

from __future__ import annotations

import io
import os
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import paramiko

from toolchain.plugins.command.protocol.engine_log import ResourceLog
from toolchain.plugins.command.protocol.errors import CommandError
from toolchain.plugins.command.protocol.values import Archive, Asset
from toolchain.plugins.command.ssh.endpoint import Endpoint
from toolchain.plugins.command.ssh.pool import Pool
from toolchain.plugins.command.ssh.remote_files import RemoteFiles, join, local_text


def copy(pool: Pool, target: Endpoint, source: Asset | Archive, destination: str, log: ResourceLog) -> None:
    """Copies as it is; archives are not unpacked. Raises CommandError; what was copied until then stays.

    | source | destination is a directory | does not exist     | is a file   |
    |--------|----------------------------|--------------------|-------------|
    | dir    | destination/dir            | destination/dir    | error       |
    | dir/   | destination/...            | destination/...    | error       |
    | file   | destination/file           | destination        | overwritten |
    | text   | error                      | destination        | overwritten |
    """
    with _files(pool, target, log) as files:
        if isinstance(source, Asset) and source.is_text:
            _text(files, source.text, destination)
        else:
            _path(files, source.path, destination)


@contextmanager
def _files(pool: Pool, target: Endpoint, log: ResourceLog) -> Iterator[RemoteFiles]:
    lease = pool.session(target, log)
    try:
        if not lease.transport.ask(lease.channel, "subsystem", "sftp"):
            raise CommandError("ssh: subsystem request failed")
        yield RemoteFiles(paramiko.SFTPClient(lease.channel))
    except (paramiko.SSHException, EOFError) as error:
        raise CommandError(f"connection lost: {error}") from None
    finally:
        lease.release(False)


def _text(files: RemoteFiles, text: str, destination: str) -> None:
    if files.is_directory(destination):
        raise CommandError(
            f"remote path {destination} is a directory; when using a text asset, remotePath must be a file path"
        )
    _parents(files, destination)
    purpose = f"failed to write text content to remote path {destination}"
    files.write(io.BytesIO(text.encode()), destination, purpose)


def _path(files: RemoteFiles, source: str, destination: str) -> None:
    _open(source).close()
    kind = files.is_directory(destination)
    if Path(source).is_dir():
        if kind is None:
            files.ensure_path(destination, f"failed to create remote directory {destination}")
        if not source.endswith("/"):
            destination = join(destination, posixpath.basename(source))
            files.ensure_directory(destination)
        _directory(files, source, destination)
    elif kind:
        _file(files, source, join(destination, posixpath.basename(source)))
    else:
        if kind is None:
            _parents(files, destination)
        _file(files, source, destination)


def _directory(files: RemoteFiles, source: str, destination: str) -> None:
    """Everything below, in lexical order. A link to a file is copied as that file, one to a directory is an error."""
    files.ensure_directory(destination)
    try:
        entries = sorted(os.scandir(source), key=lambda entry: entry.name)
    except OSError as error:
        raise CommandError(local_text(error)) from None
    for entry in entries:
        local, remote = join(source, entry.name), join(destination, entry.name)
        if entry.is_dir(follow_symlinks=False):
            _directory(files, local, remote)
        else:
            _file(files, local, remote)


def _file(files: RemoteFiles, source: str, destination: str) -> None:
    with _open(source) as local:
        files.write(local, destination, f"failed to copy file {source} to remote path {destination}")


def _parents(files: RemoteFiles, destination: str) -> None:
    folder = join(posixpath.dirname(destination) or ".")
    files.ensure_path(folder, f"failed to create parent directories for {destination}")


class _Unreadable(io.RawIOBase):
    """A directory opened like a file: only reading it fails."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def read(self, _size: int = -1) -> bytes:
        raise IsADirectoryError(21, "is a directory", self._path)


def _open(path: str) -> IO[bytes] | Any:
    try:
        if os.path.isdir(path):  # noqa: PTH112 - an empty path is no directory, and Path("") is one
            return _Unreadable(path)
        return open(path, "rb")  # noqa: PTH123 - the same; closed by the caller
    except OSError as error:
        raise CommandError(local_text(error)) from None
