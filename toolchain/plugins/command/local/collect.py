"""Collects the files that `assetPaths` and `archivePaths` name."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from toolchain.plugins.command.local.glob import compile_glob
from toolchain.plugins.command.local.tarball import tar_hash
from toolchain.plugins.command.protocol.errors import CommandError
from toolchain.plugins.command.protocol.gotext import errno_text
from toolchain.plugins.command.protocol.values import Archive, Asset


def collect_assets(directory: str, globs: Sequence[str]) -> dict[str, Asset]:
    """Files below the directory by relative path. Globs apply in order; those with `!` remove what matched before."""
    rules = [(compile_glob(glob.removeprefix("!")), glob.startswith("!")) for glob in globs]
    found: dict[str, Asset] = {}
    for relative in _files(directory):
        included = False
        for pattern, excludes in rules:
            if pattern.fullmatch(relative):
                included = not excludes
        if included:
            path = os.path.normpath(os.path.join(directory, relative))  # noqa: PTH118 - relative stays relative
            found[relative] = Asset(path=path, hash=_file_hash(path))
    return found


def collect_archive(directory: str, globs: Sequence[str]) -> Archive:
    """The same files as one archive."""
    assets = collect_assets(directory, globs)
    return Archive(assets=dict(assets), hash=tar_hash({name: Path(asset.path) for name, asset in assets.items()}))


def _files(directory: str) -> Iterator[str]:
    """Everything below that is no directory, in lexical order; links to directories are files here."""

    def fail(error: OSError) -> None:
        name = os.path.relpath(str(error.filename), directory)
        raise CommandError(f"open {name}: {errno_text(error)}")

    for parent, folders, names in os.walk(directory, onerror=fail):
        folders.sort()
        links = [folder for folder in folders if os.path.islink(os.path.join(parent, folder))]  # noqa: PTH114, PTH118
        for name in sorted([*names, *links]):
            yield os.path.relpath(os.path.join(parent, name), directory)  # noqa: PTH118


def _file_hash(path: str) -> str:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise CommandError(f"failed to open asset file '{path}': open {path}: {errno_text(error)}") from None
