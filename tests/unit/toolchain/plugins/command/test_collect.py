"""Globs and hashes as the engine's own libraries have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolchain.plugins.command.local.collect import collect_archive, collect_assets
from toolchain.plugins.command.local.glob import compile_glob
from toolchain.plugins.command.protocol.errors import CommandError


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("*", "a", True),
        ("*", "a/b", False),
        ("assets/**", "assets/a/b", True),
        ("src/**.js", "src/a/b.js", True),
        ("**secret.*", "src/secret.js", True),
        ("**/x", "x", False),
        ("?", "/", False),
        ("a?", "a", False),
        ("[a-c]x", "bx", True),
        ("[!a-c]x", "bx", False),
        ("[!a-c]x", "/x", True),
        ("[^a]x", "^x", True),
        ("[a\\-c]", "-", True),
        ("{a,b}/*", "b/x", True),
        ("{a,}b", "b", True),
        ("{*,b}", "x/y", False),
        ("a{b,c{d,e}}", "ace", True),
        ("{a", "a", True),
        ("a}", "a}", True),
        ("a,b", "a,b", True),
        ("a\\*", "a*", True),
        ("a\\*", "ab", False),
    ],
)
def test_globs(glob: str, path: str, matches: bool) -> None:
    assert bool(compile_glob(glob).fullmatch(path)) is matches


@pytest.mark.parametrize(
    ("glob", "reason"),
    [("[]a]", "could not parse range"), ("[!]", "could not parse range"), ("a[", "unexpected end of input")],
)
def test_malformed_globs(glob: str, reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        compile_glob(glob)


def _tree(root: Path) -> None:
    long_folder = root / ("d" * 90)
    for folder in (root / "sub", long_folder):
        folder.mkdir()
    (root / "a.txt").write_text("hi")
    (root / "sub" / "b.bin").write_bytes(bytes(1500))
    (root / "sub" / "ü.txt").write_text("é")
    (long_folder / ("e" * 80)).write_text("x")


def test_later_rules_win(tmp_path: Path) -> None:
    _tree(tmp_path)
    assert sorted(collect_assets(str(tmp_path), ["**", "!sub/*", "sub/b*"])) == [
        "a.txt",
        f"{'d' * 90}/{'e' * 80}",
        "sub/b.bin",
    ]


def test_assets_carry_path_and_hash(tmp_path: Path) -> None:
    _tree(tmp_path)
    asset = collect_assets(str(tmp_path), ["a.*"])["a.txt"]
    assert asset.path == str(tmp_path / "a.txt")
    assert asset.hash == "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4"


def test_archives_hash_as_the_engine_hashes_them(tmp_path: Path) -> None:
    """Both digests were made by Pulumi's Go SDK 3.259.0: plain, long and non-ASCII names."""
    _tree(tmp_path)
    every = collect_archive(str(tmp_path), ["**"])
    assert every.hash == "1f1aa45966baddeb0fc75df4d8f090f91f566e87b7ef09d4fa0196be503f7282"
    plain = collect_archive(str(tmp_path), ["**", "!**ü.txt"])
    assert plain.hash == "f7f3f325b5a7be2b8cf81e0a0df04849d3db0b9b767b60e076315f2de196308d"
