"""Files and directories on a host, over SFTP, with the messages of the official plugin."""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from typing import IO

import paramiko

from toolchain.plugins.command.protocol.errors import CommandError
from toolchain.plugins.command.protocol.gotext import errno_text

_CHUNK = 32_768


class RemoteFiles:
    """What a copy needs of a host's file system."""

    def __init__(self, client: paramiko.SFTPClient) -> None:
        self._client = client

    def is_directory(self, path: str) -> bool | None:
        """None where nothing is there."""
        try:
            mode = self._client.stat(path).st_mode or 0
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CommandError(f"failed to stat remote path {path}: {remote_text(error)}") from None
        return stat.S_ISDIR(mode)

    def ensure_directory(self, path: str) -> None:
        """Makes it unless it is there; its parent must be."""
        kind = self.is_directory(path)
        if kind is False:
            raise CommandError(f"remote path {path} exists but is not a directory")
        if kind is None:
            try:
                self._client.mkdir(path)
            except OSError as error:
                raise CommandError(f"failed to create remote directory {path}: {remote_text(error)}") from None

    def ensure_path(self, path: str, purpose: str) -> None:
        """Makes it and its parents; purpose begins the message of a failure."""
        try:
            self._make_all(path)
        except OSError as error:
            raise CommandError(f"{purpose}: {remote_text(error)}") from None

    def _make_all(self, path: str) -> None:
        try:
            is_directory = stat.S_ISDIR(self._client.stat(path).st_mode or 0)
        except OSError:
            parent = posixpath.dirname(path.rstrip("/"))
            if parent not in ("", "/"):
                self._make_all(parent)
            self._make(path)
        else:
            if not is_directory:
                raise NotADirectoryError(errno.ENOTDIR, "not a directory", path)

    def _make(self, path: str) -> None:
        try:
            self._client.mkdir(path)
        except OSError:
            if not self._is_there(path):  # another resource may have made it meanwhile
                raise

    def _is_there(self, path: str) -> bool:
        try:
            return stat.S_ISDIR(self._client.lstat(path).st_mode or 0)
        except OSError:
            return False

    def write(self, content: IO[bytes], path: str, purpose: str) -> None:
        """Creates or overwrites a file; purpose begins the message of a failed write."""
        try:
            file = self._client.open(path, "w")
        except OSError as error:
            raise CommandError(f"failed to create remote file {path}: {remote_text(error)}") from None
        try:
            with file:
                _pump(content, file)
        except OSError as error:
            words = local_text(error, "read") if isinstance(error, IsADirectoryError) else remote_text(error)
            raise CommandError(f"{purpose}: {words}") from None


def _pump(content: IO[bytes], file: paramiko.SFTPFile) -> None:
    """Sends without waiting for each answer; the last write waits for all, so that none of them is lost."""
    file.set_pipelined(True)
    chunk = content.read(_CHUNK)
    while chunk:
        following = content.read(_CHUNK)
        if not following:
            file.set_pipelined(False)
        file.write(chunk)
        chunk = following


def remote_text(error: OSError) -> str:
    """What Go's SFTP library calls an error of the server."""
    if error.errno == errno.ENOENT:
        return "file does not exist"
    if error.errno == errno.EACCES:
        return "permission denied"
    if error.errno == errno.ENOTDIR:
        return f"mkdir {error.filename}: not a directory"
    words = str(error.args[0]) if error.args else "Failure"
    return f'sftp: "{words}" (SSH_FX_FAILURE)'


def local_text(error: OSError, action: str = "open") -> str:
    """What Go calls an error on this machine."""
    return f"{action} {error.filename}: {errno_text(error)}"


def join(*parts: str) -> str:
    """A path without `.`, `..` and doubled slashes."""
    return os.path.normpath("/".join(parts))
