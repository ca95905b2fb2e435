"""Locks describe every byte, and refuse what no host should be asked to trust."""

import hashlib
import json
from pathlib import Path

import pytest

from hosts.lock import lock_directory, main, read_model_lock
from hosts.problems import ConfigError


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "nested").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "nested" / "weights.bin").write_bytes(b"\0" * 10)
    (folder / ".cache").mkdir()
    (folder / ".cache" / "left-out").write_text("x")
    return folder


def test_every_visible_file_is_locked_in_order(model: Path) -> None:
    lock = lock_directory(model)
    assert [(file.path, file.size_bytes) for file in lock.files] == [("config.json", 2), ("nested/weights.bin", 10)]
    assert lock.files[1].sha256 == hashlib.sha256(b"\0" * 10).hexdigest()
    assert lock.total_bytes == 12


def test_the_written_lock_reads_back(model: Path) -> None:
    assert main([str(model)]) == 0
    assert read_model_lock(model.with_name("model.lock.json")) == lock_directory(model)


def test_the_digest_follows_the_content_alone(model: Path) -> None:
    before = lock_directory(model)
    moved = model.rename(model.with_name("other"))
    assert lock_directory(moved).digest == before.digest
    (moved / "config.json").write_text("[]")
    assert lock_directory(moved).digest != before.digest


@pytest.mark.parametrize(
    "path", ["../escape", "/etc/passwd", "a/../b", "a b", "a\nb", "", "a//b", "-rf/$(id)"], ids=repr
)
def test_no_path_leaves_the_folder(model: Path, tmp_path: Path, path: str) -> None:
    content = lock_directory(model).model_dump()
    content["files"] = [{"path": path, "size_bytes": 12, "sha256": "0" * 64}]
    file = tmp_path / "bad.json"
    file.write_text(json.dumps(content))
    with pytest.raises(ConfigError, match=r"files\.0\.path"):
        read_model_lock(file)


def test_a_wrong_total_is_refused(model: Path, tmp_path: Path) -> None:
    content = lock_directory(model).model_dump() | {"total_bytes": 13}
    file = tmp_path / "bad.json"
    file.write_text(json.dumps(content))
    with pytest.raises(ConfigError, match="add up to 12"):
        read_model_lock(file)


def test_a_missing_lock_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"python -m hosts\.lock"):
        read_model_lock(tmp_path / "none.json")
