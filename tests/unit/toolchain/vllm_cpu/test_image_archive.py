"""The archive is what engines old and new read, proves itself by digests, and is the same each time."""

import gzip
import hashlib
import json
import tarfile
from pathlib import Path

import pytest

from hosts.lock import read_image_lock
from toolchain.vllm_cpu.image_archive import compose, main

PROCESS = {"Entrypoint": ["vllm", "serve"], "User": "2000:0", "Env": ["PATH=/usr/bin"]}


@pytest.fixture
def layers(tmp_path: Path) -> list[Path]:
    made = []
    for name in ("lower", "upper"):
        file = tmp_path / f"{name}.txt"
        file.write_text(name * 1000)
        tar = tmp_path / f"{name}.tar"
        with tarfile.open(tar, "w") as archive:
            archive.add(file, file.name)
        made.append(tar)
    return made


def contents(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as opened:
        files = {member.name: opened.extractfile(member) for member in opened}
        return {name: file.read() for name, file in files.items() if file is not None}


def test_every_blob_is_named_by_its_digest(layers: list[Path], tmp_path: Path) -> None:
    compose(tmp_path / "out", "small:1", layers, PROCESS, {})
    blobs = {name: body for name, body in contents(tmp_path / "out/image.tar").items() if "/" in name}
    assert len(blobs) == 4  # two layers, configuration, manifest
    for name, body in blobs.items():
        assert name == f"blobs/sha256/{hashlib.sha256(body).hexdigest()}"


def test_both_formats_name_the_same_configuration_and_layers_in_order(layers: list[Path], tmp_path: Path) -> None:
    image = compose(tmp_path / "out", "small:1", layers, PROCESS, {})
    files = contents(tmp_path / "out/image.tar")
    (docker,) = json.loads(files["manifest.json"])
    (indexed,) = json.loads(files["index.json"])["manifests"]
    oci = json.loads(files[f"blobs/{indexed['digest'].replace(':', '/')}"])
    assert docker["RepoTags"] == ["small:1"]
    assert docker["Config"] == f"blobs/{oci['config']['digest'].replace(':', '/')}"
    assert docker["Layers"] == [f"blobs/{layer['digest'].replace(':', '/')}" for layer in oci["layers"]]
    assert oci["config"]["digest"] == image["image_id"]
    assert [layer["size"] for layer in oci["layers"]] == [len(files[path]) for path in docker["Layers"]]

    config = json.loads(files[docker["Config"]])
    unpacked = [gzip.decompress(files[path]) for path in docker["Layers"]]
    assert unpacked == [layer.read_bytes() for layer in layers]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(tar).hexdigest()}" for tar in unpacked]
    assert config["config"] == PROCESS


def test_image_json_is_a_lock_of_the_archive(layers: list[Path], tmp_path: Path) -> None:
    compose(tmp_path / "out", "small:1", layers, PROCESS, {"vllm_version": "0.32.0"})
    archive = tmp_path / "out/image.tar"
    lock = read_image_lock(tmp_path / "out/image.json")
    assert lock.archive == archive.name
    assert lock.sha256 == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert lock.size_bytes == archive.stat().st_size
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["image.json", "image.tar"]


def test_same_layers_give_the_same_bytes_and_another_process_another_image(layers: list[Path], tmp_path: Path) -> None:
    first = compose(tmp_path / "a", "small:1", layers, PROCESS, {})
    assert compose(tmp_path / "b", "small:1", layers, PROCESS, {}) == first
    assert (tmp_path / "a/image.tar").read_bytes() == (tmp_path / "b/image.tar").read_bytes()
    other = compose(tmp_path / "c", "small:1", layers, {**PROCESS, "User": "0:0"}, {})
    assert other["image_id"] != first["image_id"]
    assert compose(tmp_path / "d", "small:1", layers[::-1], PROCESS, {})["image_id"] != first["image_id"]


def test_command_line_adds_environment_and_wants_a_tag(
    layers: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    process = tmp_path / "process.json"
    process.write_text(json.dumps(PROCESS))
    common = [str(tmp_path / "out"), "--process", str(process), "--layer", str(layers[0])]
    assert main([*common, "--reference", "small:1", "--env", "FAIL=crash", "--fact", "vllm_version=1"]) == 0
    assert json.loads(capsys.readouterr().out)["vllm_version"] == "1"
    files = contents(tmp_path / "out/image.tar")
    config = json.loads(files[json.loads(files["manifest.json"])[0]["Config"]])
    assert config["config"]["Env"] == ["PATH=/usr/bin", "FAIL=crash"]

    with pytest.raises(SystemExit):
        main([*common, "--reference", "small"])
    assert "--reference small: no tag" in capsys.readouterr().err
