"""Wishes that cannot be met are refused by name before anything is touched."""

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from hosts.sandbox import SandboxError, engine, lifecycle, up
from hosts.sandbox.lifecycle import Request


@pytest.mark.parametrize("name", ["", "Dev", "1st", "a_b", "-a", "a" * 31, "a/b", "a\n"])
def test_names_that_are_no_host_names(name: str, tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="name: "):
        up(name, checkout=tmp_path)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("memory_gib", 0, "memory_gib: 0 must be from 1 to 15"),
        ("memory_gib", 16, "memory_gib: 16 must be from 1 to 15"),
        ("cpus", 0.0, "cpus: 0 must be above 0 and at most 4"),
        ("cpus", 5.0, "cpus: 5 must be above 0 and at most 4"),
    ],
)
def test_more_than_the_machine_has(field: str, value: float, words: str) -> None:
    wishes: dict[str, Any] = {"memory_gib": None, "cpus": None, field: value}
    request = Request("a", None, None, wishes["memory_gib"], wishes["cpus"], Path())
    with pytest.raises(SandboxError, match=words):
        lifecycle._fit(_machine(cpus=4, memory_gib=15.6), request, _silent)


def test_defaults() -> None:
    request = Request("a", None, None, None, None, Path())
    assert lifecycle._fit(_machine(cpus=4, memory_gib=15.6), request, _silent) == (8, 2.0)
    assert lifecycle._fit(_machine(cpus=1, memory_gib=15.6), request, _silent) == (8, 1.0)


@pytest.mark.parametrize("host", ["ssh://root@other.example", "tcp://192.0.2.1:2376"])
def test_an_engine_elsewhere_is_refused(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(SandboxError, match=f"DOCKER_HOST is {host}, but a sandbox needs"):
        engine.connect()


def _silent(_: str) -> None:
    pass


def _machine(cpus: int, memory_gib: float) -> Mock:
    return Mock(**{"info.return_value": {"NCPU": cpus, "MemTotal": int(memory_gib * 2**30)}})
