"""One at a time, also when the holder deletes the lock's file."""

import threading
from pathlib import Path

import pytest

from hosts.sandbox.lock import cache_folder, only_one


def test_the_second_waits_and_says_so(tmp_path: Path) -> None:
    file, order, said = tmp_path / "new" / "a.lock", [], threading.Event()

    def second() -> None:
        with only_one(file, lambda _: said.set()):
            order.append("second")

    thread = threading.Thread(target=second)
    with only_one(file, pytest.fail):
        thread.start()
        assert said.wait(10)
        order.append("first")
        file.unlink()
    thread.join(10)
    assert order == ["first", "second"]
    assert file.exists()


def test_an_error_inside_frees_the_lock(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), only_one(tmp_path / "a.lock", pytest.fail):
        raise FileNotFoundError
    with only_one(tmp_path / "a.lock", pytest.fail):
        pass


def test_the_cache_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "gpuhost"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "gpuhost"
