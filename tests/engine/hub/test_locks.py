"""A lock from the hub is the lock of the files themselves, made without downloading the large ones."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from hosts.lock import lock_directory, read_model_lock
from tests.engine.hub.hub_server import Fault, Hub

PROJECT = Path(__file__).parents[3]
SHARDS = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
SERVED = {
    "config.json": b'{"architectures": ["MistralForCausalLM"]}',
    "model.safetensors.index.json": json.dumps({"weight_map": {"a": SHARDS[0], "b": SHARDS[1]}}).encode(),
    SHARDS[0]: os.urandom(300_000),
    SHARDS[1]: os.urandom(200_000),
    "tokenizer.json": b"t" * 5000,
}
LEFT_OUT = {
    ".gitattributes": b"*.safetensors filter=lfs",
    "consolidated.safetensors": os.urandom(150_000),
    "pytorch_model-00001-of-00001.bin": os.urandom(150_000),
    "original/consolidated.00.pth": os.urandom(150_000),
    "a picture.png": b"p" * 100,
}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub(SERVED | LEFT_OUT) as running:
        yield running


Lock = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def lock(tmp_path: Path) -> Lock:
    def run(*arguments: str, token: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "hosts.lock", *arguments],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(PROJECT), "HF_TOKEN": token},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def written(folder: Path, files: dict[str, bytes]) -> Path:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def test_it_equals_the_lock_of_the_downloaded_files(hub: Hub, lock: Lock, tmp_path: Path) -> None:
    done = lock("hub", "acme/tiny", hub.commit, "--endpoint", hub.endpoint)
    assert done.returncode == 0, done.stderr
    made = read_model_lock(tmp_path / "models/tiny/config.lock.json")
    assert made.digest == lock_directory(written(tmp_path / "served", SERVED)).digest
    assert (tmp_path / "models/tiny/config.json").read_bytes() == SERVED["config.json"]


def test_no_large_file_is_downloaded(hub: Hub, lock: Lock) -> None:
    lock("hub", "acme/tiny", hub.commit, "--endpoint", hub.endpoint)
    assert hub.sent() < 20_000


def test_what_is_left_out_is_said(hub: Hub, lock: Lock) -> None:
    said = lock("hub", "acme/tiny", hub.commit, "--endpoint", hub.endpoint, "--leave-out", "tokenizer*").stderr
    for path in [*LEFT_OUT, "tokenizer.json"]:
        assert f"left out: {path} (" in said


def test_a_branch_becomes_the_commit_it_names(hub: Hub, lock: Lock) -> None:
    done = lock("hub", "acme/tiny", "main", "--endpoint", hub.endpoint)
    model = yaml.safe_load(done.stdout)["gpuhost:model"]
    assert model["hub"] == {"repository": "acme/tiny", "revision": hub.commit, "endpoint": hub.endpoint}
    assert model["config"] == "models/tiny/config.json"


def test_a_passing_failure_is_waited_out(hub: Hub, lock: Lock) -> None:
    hub.refusals += [Fault(status=429, headers={"Retry-After": "0"}), Fault(status=500)]
    assert lock("hub", "acme/tiny", hub.commit, "--endpoint", hub.endpoint).returncode == 0


def test_an_altered_small_file_is_refused(hub: Hub, lock: Lock) -> None:
    hub.faults["tokenizer.json"].append(Fault(altered=True))
    done = lock("hub", "acme/tiny", hub.commit, "--endpoint", hub.endpoint)
    assert done.returncode == 1
    assert "tokenizer.json arrived altered" in done.stderr


def test_a_private_repository_needs_the_token(hub: Hub, lock: Lock) -> None:
    hub.token = "hf_secret"
    assert "answers 401" in lock("hub", "acme/tiny", hub.commit, "--endpoint", hub.endpoint).stderr
    done = lock("hub", "acme/tiny", hub.commit, "--endpoint", hub.endpoint, token="hf_secret")
    assert done.returncode == 0
    assert "hf_secret" not in done.stdout + done.stderr


def test_an_unknown_commit_is_one_sentence(hub: Hub, lock: Lock) -> None:
    done = lock("hub", "acme/tiny", "f" * 40, "--endpoint", hub.endpoint)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"has no revision '{'f' * 40}'" in done.stderr


@pytest.mark.parametrize("root", ["", "mistral/"], ids=["flat", "with a top folder"])
def test_the_lock_of_an_archive_is_that_of_its_files(lock: Lock, tmp_path: Path, root: str) -> None:
    packed = tmp_path / "model.tar.gz"
    with tarfile.open(packed, "w:gz") as archive:
        for path, data in SERVED.items():
            entry = tarfile.TarInfo(root + path)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    done = lock("archive", str(packed))
    assert done.returncode == 0, done.stderr
    made = read_model_lock(tmp_path / "model.tar.gz.lock.json")
    assert made.digest == lock_directory(written(tmp_path / "served", SERVED)).digest
