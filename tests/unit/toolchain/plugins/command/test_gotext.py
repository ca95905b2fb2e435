"""Texts as Go writes them."""

from __future__ import annotations

import pytest

from toolchain.plugins.command.protocol.gotext import errno_text, join_host_port, quote


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("plain", '"plain"'),
        ('say "hi"\\', '"say \\"hi\\"\\\\"'),
        ("a\tb\nc\rd", '"a\\tb\\nc\\rd"'),
        ("\x00\x1b\x7f", '"\\x00\\x1b\\x7f"'),
        ("é ✓ 日", '"é ✓ 日"'),
        ("\u00a0\u200b", '"\\u00a0\\u200b"'),
        ("\U0001f600\U000e0001", '"😀\\U000e0001"'),
    ],
)
def test_quote(text: str, quoted: str) -> None:
    assert quote(text) == quoted


def test_error_numbers() -> None:
    assert errno_text(FileNotFoundError(2, "")) == "no such file or directory"


def test_addresses() -> None:
    assert (join_host_port("h", 22), join_host_port("::1", 22)) == ("h:22", "[::1]:22")
