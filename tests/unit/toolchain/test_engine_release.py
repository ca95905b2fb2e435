"""Pulumi's release is fetched, checked against the pinned SHA-256, and only then used."""

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.unit.toolchain.conftest import Checkout

MEMBERS = (
    "pulumi",
    "pulumi-language-python",
    "pulumi-language-python-exec",
    "pulumi-language-go",
    "pulumi-watch",
)
PLATFORMS = ("linux-x64", "linux-arm64")


class Releases:
    """A server with one made-up release for each platform."""

    def __init__(self, directory: Path) -> None:
        self.requests: list[str] = []
        archive = self._archive()
        for platform in PLATFORMS:
            (directory / f"pulumi-v3.259.0-{platform}.tar.gz").write_bytes(archive)
        self.sha256 = hashlib.sha256(archive).hexdigest()
        requests = self.requests

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                requests.append(self.path)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(directory)))
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    @staticmethod
    def _archive() -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for name in MEMBERS:
                body = b"#!/bin/sh\necho v3.259.0\n"
                member = tarfile.TarInfo(f"pulumi/{name}")
                member.size, member.mode = len(body), 0o755
                archive.addfile(member, io.BytesIO(body))
        return buffer.getvalue()


@pytest.fixture
def releases(tmp_path: Path) -> Iterator[Releases]:
    directory = tmp_path / "releases"
    directory.mkdir()
    releases = Releases(directory)
    thread = threading.Thread(target=releases.server.serve_forever)
    thread.start()
    yield releases
    releases.server.shutdown()
    releases.server.server_close()
    thread.join()


def pin(checkout: Checkout, sha256: str) -> None:
    checkout.set_pins(PULUMI_SHA256_linux_x64=sha256, PULUMI_SHA256_linux_arm64=sha256)


def test_a_release_with_the_pinned_digest_is_installed_once(checkout: Checkout, releases: Releases) -> None:
    pin(checkout, releases.sha256)
    for _ in range(2):
        done = checkout.run("toolchain/engine.sh", GPUHOST_PULUMI_RELEASES=releases.url)
        assert done.returncode == 0, done.stderr
    assert checkout.origin == "release"
    assert len(releases.requests) == 1
    installed = {file.name for file in checkout.linked_engine.resolve().parent.iterdir()}
    assert installed == {"pulumi", "pulumi-language-python", "pulumi-language-python-exec"}


def test_a_release_with_another_digest_is_refused_and_leaves_nothing(checkout: Checkout, releases: Releases) -> None:
    pin(checkout, "0" * 64)
    done = checkout.run("toolchain/engine.sh", GPUHOST_ENGINE="release", GPUHOST_PULUMI_RELEASES=releases.url)
    assert done.returncode != 0
    assert f"its SHA-256 is {releases.sha256}, pinned is {'0' * 64}" in done.stderr
    assert not checkout.linked_engine.exists()
    assert [file for file in checkout.cache.iterdir() if not file.name.endswith(".lock")] == []
