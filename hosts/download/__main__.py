"""Brings the files of a lock into a folder; model_volume.sh calls it on a host.

usage: python3 -m hosts.download STORE MISSING HASHES < SOURCE
MISSING has a line `BYTES PATH` for each file to bring, HASHES lines `SHA256  PATH`. SOURCE is two lines:
the source as JSON, and the hub's token or nothing.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hosts.download.archive import unpack
from hosts.download.errors import DownloadError
from hosts.download.hub import Hub
from hosts.download.part import Part
from hosts.download.progress import Progress, say
from hosts.download.transfer import Patience, Transfer, Wanted
from hosts.download.web import Web

AT_ONCE = 4  # one connection rarely fills a fast line
RESERVE_BYTES = 16 << 20


class Store:
    """The folder to fill. Unfinished files wait in `.incoming`, by their hash, for the next run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.incoming = folder / ".incoming"

    def part(self, wanted: Wanted) -> Part:
        """Where the file arrives."""
        return Part(self.incoming / f"{wanted.sha256}.part")

    def here_bytes(self, files: Sequence[Wanted]) -> int:
        """What earlier runs left of these."""
        parts = (self.incoming / f"{wanted.sha256}.part" for wanted in files)
        return sum(part.stat().st_size for part in parts if part.is_file())

    def need(self, bytes_: int) -> None:
        """DownloadError where less is free."""
        free = shutil.disk_usage(self.folder).free
        if free < bytes_ + RESERVE_BYTES:
            raise DownloadError(
                f"needs {(bytes_ + RESERVE_BYTES) >> 20} MiB more at {self.folder}, only {free >> 20} MiB are free"
            )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One transfer into a folder at a time; an interrupted one ends as soon as it notices."""
        self.incoming.mkdir(parents=True, exist_ok=True)
        with (self.incoming / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                say(f"another transfer into {self.folder} is running; waiting for it")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def from_hub(source: Mapping[str, Any], token: str, files: Sequence[Wanted], store: Store) -> None:
    """Several files at once, each resumed where it was."""
    hub = Hub(source["repository"], source["revision"], source["endpoint"])
    store.need(sum(file.size_bytes for file in files) - store.here_bytes(files))
    web = Web(token, hub.explain, source.get("silence_s", 30))
    with Progress(sum(file.size_bytes for file in files)) as progress:
        transfer = Transfer(web, say, _patience(source), progress.add)

        def bring(file: Wanted) -> None:
            with store.part(file) as part:
                progress.add(part.size_bytes)
                transfer.bring(hub.url_of(file.name), file, part)
                part.become(store.folder / file.name)
            say(f"{file.name}: {file.size_bytes} bytes, arrived")

        with ThreadPoolExecutor(AT_ONCE) as pool:
            pending = [pool.submit(bring, file) for file in files]
            try:
                for each in pending:
                    each.result()
            except DownloadError:
                for each in pending:
                    each.cancel()
                raise


def from_archive(source: Mapping[str, Any], files: Sequence[Wanted], store: Store) -> None:
    """The whole archive once, its hash proved before anything is taken out of it."""
    web, patience = Web(silence_s=source.get("silence_s", 30)), _patience(source)
    name = source["url"].rsplit("/", 1)[-1]
    whole = Wanted(name, patience.answer(lambda: web.size_bytes(source["url"]), name, say), source["sha256"])
    store.need(whole.size_bytes + sum(file.size_bytes for file in files) - store.here_bytes([whole]))
    with Progress(whole.size_bytes) as progress, store.part(whole) as part:
        progress.add(part.size_bytes)
        Transfer(web, say, patience, progress.add).bring(source["url"], whole, part)
    say(f"{whole.name}: {whole.size_bytes} bytes, verified; unpacking")
    archive = store.incoming / f"{whole.sha256}.part"
    unpack(archive, {file.name: file for file in files}, store.incoming, store.folder)
    archive.unlink()


def _patience(source: Mapping[str, Any]) -> Patience:
    return Patience(**source.get("patience", {}))


def read_wanted(missing: str, hashes: str) -> list[Wanted]:
    """The missing files with their hashes."""
    sha256 = {line[66:]: line[:64] for line in hashes.splitlines()}
    pairs = (line.split(" ", 1) for line in missing.splitlines())
    return [Wanted(path, int(size), sha256[path]) for size, path in pairs]


def main(arguments: Sequence[str]) -> int:
    """0 when every file is there; 1 with one sentence on standard error."""
    store = Store(Path(arguments[0]))
    files = read_wanted(Path(arguments[1]).read_text(), Path(arguments[2]).read_text())
    source, token = json.loads(sys.stdin.readline()), sys.stdin.readline().strip()
    try:
        with store.alone():
            if source["kind"] == "hub":
                from_hub(source, token, files, store)
            else:
                from_archive(source, files, store)
    except DownloadError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
