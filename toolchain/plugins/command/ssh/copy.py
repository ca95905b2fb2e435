"""Copies a file, a text or a directory to a host over SFTP."""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import paramiko

from toolchain.plugins.command.protocol.engine_log import ResourceLog
from toolchain.plugins.command.protocol.errors import CommandError
from toolchain.plugins.command.protocol.gotext import errno_text
from toolchain.plugins.command.protocol.values import Archive, Asset
from toolchain.plugins.command.ssh.endpoint import Endpoint
from toolchain.plugins.command.ssh.pool import Pool

_CHUNK = 32_768


def copy(pool: Pool, target: Endpoint, source: Asset | Archive, destination: str, log: ResourceLog) -> None:
    """Copies as it is; archives are not unpacked. Raises CommandError; what was copied until then stays."""
    with _sftp(pool, target, log) as files:
        if isinstance(source, Asset) and source.is_text:
            _Copy(files).text(source.text, destination)
        else:
            _Copy(files).path(source.path, destination)


@contextmanager
def _sftp(pool: Pool, target: Endpoint, log: ResourceLog) -> Iterator[paramiko.SFTPClient]:
    lease = pool.session(target, log)
    try:
        if not lease.transport.ask(lease.channel, "subsystem", "sftp"):
            raise CommandError("ssh: subsystem request failed")
        yield paramiko.SFTPClient(lease.channel)
    except (paramiko.SSHException, EOFError) as error:
        raise CommandError(f"connection lost: {error}") from None
    finally:
        lease.release(False)


def _remote_text(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return "file does not exist"
    if error.errno == errno.EACCES:
        return "permission denied"
    words = str(error.args[0]) if error.args else "Failure"
    return f'sftp: "{words}" (SSH_FX_FAILURE)'


def _local_text(error: OSError, action: str = "open") -> str:
    return f"{action} {error.filename}: {errno_text(error)}"


class _Copy:
    """source | destination is a directory | does not exist | is a file
    dir       | destination/dir            | destination/dir | error
    dir/      | destination/...            | destination/... | error
    file      | destination/file           | destination     | overwritten
    text      | error                      | destination     | overwritten
    """

    def __init__(self, files: paramiko.SFTPClient) -> None:
        self._files = files

    def text(self, text: str, destination: str) -> None:
        """Writes a text."""
        if self._is_directory(destination):
            raise CommandError(
                f"remote path {destination} is a directory; when using a text asset, remotePath must be a file path"
            )
        self._parents(destination)
        with self._create(destination) as remote:
            try:
                remote.write(text.encode())
            except OSError as error:
                raise CommandError(
                    f"failed to write text content to remote path {destination}: {_remote_text(error)}"
                ) from None

    def path(self, source: str, destination: str) -> None:
        """Copies a file or a directory."""
        try:
            os.close(os.open(source, os.O_RDONLY))
        except OSError as error:
            raise CommandError(_local_text(error)) from None
        exists_as_directory = self._is_directory(destination)
        if Path(source).is_dir():
            self._directory(source, destination, exists=exists_as_directory is not None)
        elif exists_as_directory:
            self._file(source, _join(destination, posixpath.basename(source)))
        else:
            if exists_as_directory is None:
                self._parents(destination)
            self._file(source, destination)

    def _directory(self, source: str, destination: str, *, exists: bool) -> None:
        if not exists:
            try:
                self._make_all(destination)
            except OSError as error:
                raise _not_created(destination, error) from None
        if not source.endswith("/"):
            destination = _join(destination, posixpath.basename(source))
            self._ensure_directory(destination)
        root = Path(source)
        for parent, folders, names in os.walk(source, onerror=_fail_walk):
            here = _join(destination, str(Path(parent).relative_to(root)))
            self._ensure_directory(here)
            folders.sort()
            links = [folder for folder in folders if (Path(parent) / folder).is_symlink()]
            for name in sorted([*names, *links]):
                self._file(str(Path(parent) / name), _join(here, name))

    def _file(self, source: str, destination: str) -> None:
        try:
            local = Path(source).open("rb")  # noqa: SIM115 - closed by the with below
        except IsADirectoryError as error:
            with self._create(destination):
                pass
            words = _local_text(error, "read")
            raise CommandError(f"failed to copy file {source} to remote path {destination}: {words}") from None
        except OSError as error:
            raise CommandError(_local_text(error)) from None
        with local, self._create(destination) as remote:
            self._pump(local, remote, source, destination)

    @staticmethod
    def _pump(local: IO[bytes], remote: paramiko.SFTPFile, source: str, destination: str) -> None:
        try:
            while chunk := local.read(_CHUNK):
                remote.write(chunk)
            remote.flush()
        except OSError as error:
            raise CommandError(
                f"failed to copy file {source} to remote path {destination}: {_remote_text(error)}"
            ) from None

    @contextmanager
    def _create(self, destination: str) -> Iterator[paramiko.SFTPFile]:
        try:
            remote = self._files.open(destination, "w")
        except OSError as error:
            raise CommandError(f"failed to create remote file {destination}: {_remote_text(error)}") from None
        remote.set_pipelined(True)
        try:
            yield remote
        finally:
            try:
                remote.close()
            except OSError as error:
                raise CommandError(f"failed to write to remote path {destination}: {_remote_text(error)}") from None

    def _is_directory(self, path: str) -> bool | None:
        """None where nothing is there."""
        try:
            mode = self._files.stat(path).st_mode or 0
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CommandError(f"failed to stat remote path {path}: {_remote_text(error)}") from None
        return stat.S_ISDIR(mode)

    def _ensure_directory(self, path: str) -> None:
        kind = self._is_directory(path)
        if kind is False:
            raise CommandError(f"remote path {path} exists but is not a directory")
        if kind is None:
            try:
                self._files.mkdir(path)
            except OSError as error:
                raise _not_created(path, error) from None

    def _parents(self, destination: str) -> None:
        try:
            self._make_all(_join(posixpath.dirname(destination) or "."))
        except OSError as error:
            words = _remote_text(error) if error.filename is None else f"mkdir {error.filename}: not a directory"
            raise CommandError(f"failed to create parent directories for {destination}: {words}") from None

    def _make_all(self, path: str) -> None:
        """mkdir -p; raises OSError."""
        kind = self._is_directory(path)
        if kind:
            return
        if kind is False:
            raise NotADirectoryError(errno.ENOTDIR, "not a directory", path)
        parent = posixpath.dirname(path.rstrip("/")) or "."
        if parent not in (path, "/", "."):
            self._make_all(parent)
        try:
            self._files.mkdir(path)
        except OSError:
            if not self._is_directory(path):  # another resource may have made it meanwhile
                raise


def _not_created(path: str, error: OSError) -> CommandError:
    words = _remote_text(error) if error.filename is None else f"mkdir {error.filename}: not a directory"
    return CommandError(f"failed to create remote directory {path}: {words}")


def _fail_walk(error: OSError) -> None:
    raise CommandError(_local_text(error)) from None


def _join(*parts: str) -> str:
    return os.path.normpath("/".join(parts))
