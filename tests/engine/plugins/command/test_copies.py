"""Files, texts and directories copied to a host, by every kind of destination."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.engine.plugins.command.plugin import Plugin
from tests.engine.plugins.command.sshd import SshServer
from tests.unit.toolchain.plugins.command.official import COPY

pytestmark = pytest.mark.engine

_SIGNATURE = "4dabf18193072939515e22adb298388d"


def _text(text: str) -> dict[str, str]:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {_SIGNATURE: "c44067f5952c0a294b673a41bacd8c17", "text": text, "hash": digest}


def _file(path: Path, digest: str = "1") -> dict[str, str]:
    return {_SIGNATURE: "c44067f5952c0a294b673a41bacd8c17", "path": str(path), "hash": digest}


def _folder(path: str | Path) -> dict[str, str]:
    return {_SIGNATURE: "0def7320c3a5731c473e5ecbe6d01bc7", "path": str(path), "hash": "1"}


@pytest.fixture
def tree(work: Path) -> Path:
    root = work / "tree"
    (root / "deep/empty").mkdir(parents=True)
    (root / "a.txt").write_text("a")
    (root / "deep/b.bin").write_bytes(bytes(range(256)) * 1000)
    (root / "link").symlink_to("a.txt")
    return root


def _copy(plugin: Plugin, server: SshServer, source: dict[str, str], destination: str | Path) -> dict[str, Any]:
    inputs = {"connection": server.connection(), "source": source, "remotePath": str(destination)}
    created = plugin.create(COPY, inputs)
    assert len(created["id"]) == 8
    return dict(created["state"])


def _error(plugin: Plugin, server: SshServer, source: dict[str, str], destination: str | Path) -> str:
    with pytest.raises(grpc.RpcError) as error:
        _copy(plugin, server, source, destination)
    return str(error.value.details())


def _files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def test_a_text(plugin: Plugin, server: SshServer, work: Path) -> None:
    target = work / "made/on/the/way/file"
    state = _copy(plugin, server, _text("héllo\n"), target)
    assert target.read_text() == "héllo\n"
    assert sorted(state["source"]) == sorted(["text", "path", "uri", "hash", _SIGNATURE])
    _copy(plugin, server, _text(""), target)
    assert target.read_bytes() == b""


def test_a_text_needs_a_file_name(plugin: Plugin, server: SshServer, work: Path) -> None:
    assert _error(plugin, server, _text("x"), work) == (
        f"remote path {work} is a directory; when using a text asset, remotePath must be a file path"
    )


def test_a_file(plugin: Plugin, server: SshServer, tree: Path, work: Path) -> None:
    (work / "there").mkdir()
    _copy(plugin, server, _file(tree / "a.txt"), work / "there")
    assert (work / "there/a.txt").read_text() == "a"
    _copy(plugin, server, _file(tree / "deep/b.bin"), work / "there/a.txt")
    assert (work / "there/a.txt").read_bytes() == (tree / "deep/b.bin").read_bytes()
    _copy(plugin, server, _file(tree / "a.txt"), work / "new/name")
    assert (work / "new/name").read_text() == "a"
    assert (work / "new/name").stat().st_mode & 0o777 == 0o644


def test_a_directory(plugin: Plugin, server: SshServer, tree: Path, work: Path) -> None:
    expected = ["a.txt", "deep", "deep/b.bin", "deep/empty", "link"]
    for destination, at in (("new", "new/tree"), ("new", "new/tree"), ("other/way", "other/way/tree")):
        _copy(plugin, server, _folder(tree), work / destination)
        assert _files(work / at) == expected
    assert not (work / "new/tree/link").is_symlink()
    assert (work / "new/tree/deep/b.bin").read_bytes() == (tree / "deep/b.bin").read_bytes()


def test_the_content_of_a_directory(plugin: Plugin, server: SshServer, tree: Path, work: Path) -> None:
    _copy(plugin, server, _folder(f"{tree}/"), work / "content")
    assert _files(work / "content") == ["a.txt", "deep", "deep/b.bin", "deep/empty", "link"]


def test_an_archive_file_is_not_unpacked(plugin: Plugin, server: SshServer, work: Path) -> None:
    (work / "x.tgz").write_bytes(b"packed")
    _copy(plugin, server, _folder(work / "x.tgz"), work / "copy.tgz")
    assert (work / "copy.tgz").read_bytes() == b"packed"


def test_a_directory_onto_a_file(plugin: Plugin, server: SshServer, tree: Path, work: Path) -> None:
    (work / "file").touch()
    assert "file" in _error(plugin, server, _folder(f"{tree}/"), work / "file")
    (work / "holder/tree").parent.mkdir()
    (work / "holder/tree").touch()
    text = _error(plugin, server, _folder(tree), work / "holder")
    assert text == f"remote path {work}/holder/tree exists but is not a directory"


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_source_that_is_missing(kind: str, plugin: Plugin, server: SshServer, work: Path) -> None:
    missing = work / "missing"
    source = _file(missing) if kind == "file" else _folder(missing)
    assert _error(plugin, server, source, work / "x") == f"open {missing}: no such file or directory"


def test_places_where_nothing_can_be_written(plugin: Plugin, server: SshServer, work: Path) -> None:
    (work / "file").touch()
    text = _error(plugin, server, _text("x"), work / "file/below")
    assert text.startswith(f"failed to stat remote path {work}/file/below: ") or "not a directory" in text
    assert _error(plugin, server, _text("x"), "/proc/none/x") == (
        "failed to create parent directories for /proc/none/x: file does not exist"
    )
    assert (
        _error(plugin, server, _text("x"), "/proc/none")
        == "failed to create remote file /proc/none: file does not exist"
    )


@pytest.mark.parametrize("source", ["text", "file"])
def test_a_write_that_fails_late_is_noticed(source: str, plugin: Plugin, server: SshServer, work: Path) -> None:
    """/dev/full takes the file's creation and refuses every write, as a full disk does."""
    (work / "f").write_bytes(b"x" * 100_000)
    given = _text("x") if source == "text" else _file(work / "f")
    text = _error(plugin, server, given, "/dev/full")
    assert text.endswith(' remote path /dev/full: sftp: "Failure" (SSH_FX_FAILURE)')


def test_a_link_to_a_directory(plugin: Plugin, server: SshServer, tree: Path, work: Path) -> None:
    (tree / "shortcut").symlink_to("deep")
    text = _error(plugin, server, _folder(tree), work / "new")
    assert text == (
        f"failed to copy file {tree}/shortcut to remote path {work}/new/tree/shortcut: "
        f"read {tree}/shortcut: is a directory"
    )


def test_a_large_file(plugin: Plugin, server: SshServer, work: Path) -> None:
    (work / "large").write_bytes(bytes(range(256)) * 200_000)
    _copy(plugin, server, _file(work / "large"), work / "copy")
    assert (work / "copy").read_bytes() == (work / "large").read_bytes()


def test_update_copies_when_content_or_place_changed(plugin: Plugin, server: SshServer, work: Path) -> None:
    target = work / "target"
    old = {"connection": server.connection(), "source": _text("old"), "remotePath": str(target)}
    plugin.create(COPY, old)
    target.write_text("edited by hand")
    plugin.update(COPY, old, old | {"connection": server.connection(dialErrorLimit=3.0)})
    assert target.read_text() == "edited by hand"
    plugin.update(COPY, old, old | {"source": _text("new")})
    assert target.read_text() == "new"
    plugin.update(COPY, old, old | {"remotePath": f"{target}2"})
    assert (work / "target2").read_text() == "old"
    assert target.read_text() == "new"
