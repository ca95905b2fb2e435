"""Signed package repositories in NVIDIA's layout, served on the sandboxes' own network by the test itself."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

from hosts.sandbox.addresses import GATEWAY


@dataclass(frozen=True)
class SigningKey:
    """A key of this run's own: STAND-IN for NVIDIA's."""

    home: Path
    fingerprint: str

    @staticmethod
    def make(home: Path, name: str) -> SigningKey:
        home.mkdir(mode=0o700)
        gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet"]
        address = f"{name} <{name}@gpuhost.test>"
        subprocess.run(
            [*gpg, "--passphrase", "", "--quick-gen-key", address, "ed25519", "sign", "never"], check=True, text=True
        )
        listing = subprocess.run([*gpg, "--with-colons", "-k"], check=True, capture_output=True, text=True).stdout
        return SigningKey(home, next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr")))

    def run(self, *arguments: str) -> None:
        subprocess.run(["gpg", "--homedir", str(self.home), "--batch", "--yes", "--quiet", *arguments], check=True)

    def public(self, target: Path) -> None:
        self.run("--armor", "--output", str(target), "--export", self.fingerprint)

    def stop(self) -> None:
        """Ends the agent that gpg started for this home."""
        subprocess.run(["gpgconf", "--homedir", str(self.home), "--kill", "all"], check=False)


def publish(folder: Path, packages: list[Path], key: SigningKey) -> None:
    """A flat repository: the packages, their index, and the signed release file, all of one moment."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    entries = []
    for package in packages:
        # Links: a test that alters a package must alter a copy, see `tamper`.
        os.link(package, folder / package.name) if _same_disk(package, folder) else shutil.copy(package, folder)
        control = subprocess.run(["dpkg-deb", "-f", str(package)], check=True, capture_output=True, text=True).stdout
        data = package.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        entries.append(f"{control.rstrip()}\nFilename: ./{package.name}\nSize: {len(data)}\nSHA256: {digest}\n")
    index = "\n".join(entries).encode()
    (folder / "Packages").write_bytes(index)
    release = (
        "Origin: gpuhost tests\nLabel: STAND-IN\nDate: Wed, 25 Nov 2026 00:00:00 UTC\n"
        f"SHA256:\n {hashlib.sha256(index).hexdigest()} {len(index)} Packages\n"
    )
    (folder / "Release").write_text(release)
    key.run(
        "--local-user", key.fingerprint, "--clearsign", "--output", str(folder / "InRelease"), str(folder / "Release")
    )


def _same_disk(one: Path, other: Path) -> bool:
    return one.stat().st_dev == other.stat().st_dev


def tamper(package: Path) -> None:
    """Alters a package after it was indexed: same size, other bytes."""
    data = bytearray(package.read_bytes())
    data[len(data) // 2] ^= 0xFF
    package.unlink()
    package.write_bytes(data)


class Mirror:
    """An HTTP server for a folder, on the address that every sandbox has as its gateway.

    `before` may be set to a function that is called with each path before it is answered.
    """

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder
        self.before: Callable[[str], None] = lambda path: None
        mirror = self

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
                """Quiet."""

            def do_GET(self) -> None:
                mirror.before(self.path)
                super().do_GET()

        handler = functools.partial(Handler, directory=str(folder))
        self._server = ThreadingHTTPServer((GATEWAY, port), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://{GATEWAY}:{self._server.server_address[1]}"

    def __enter__(self) -> Mirror:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
