"""Compose layer tars and a configuration into an archive that `docker load` takes, without a Docker Engine.

The archive is an OCI image layout and Docker's own format at once, as `docker save` writes it: older
engines read manifest.json, newer ones index.json. Layers are gzipped, which every engine reads (zstd needs
version 23), at the fastest level: a third of the bytes to carry. Nothing in it depends on the clock, so the same
layers give the same image. Beside it goes image.json::

    {"archive": "image.tar", "sha256": "...", "image_id": "sha256:...", "reference": "vllm-cpu:0.32.0",
     "size_bytes": 1, "vllm_version": "0.32.0"}

Standard library only: it runs before any package is installed.
"""

import argparse
import gzip
import hashlib
import io
import json
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

EPOCH = "1970-01-01T00:00:00Z"
MEDIA_TYPE = "application/vnd.oci.image"
CHUNK_BYTES = 1 << 20

Json = dict[str, Any]


@dataclass(frozen=True)
class Layer:
    blob: Path
    digest: str
    size_bytes: int
    diff_id: str  # SHA-256 of the tar before it was compressed
    created_by: str


def compress(tar: Path, directory: Path) -> Layer:
    blob = directory / f"{tar.name}.gz"
    content = hashlib.sha256()
    with (
        tar.open("rb") as source,
        blob.open("wb") as target,
        gzip.GzipFile("", "wb", compresslevel=1, fileobj=target, mtime=0) as compressed,  # no name, no time
    ):
        while chunk := source.read(CHUNK_BYTES):
            content.update(chunk)
            compressed.write(chunk)
    return Layer(blob, digest_of(blob), blob.stat().st_size, content.hexdigest(), tar.name.removesuffix(".tar"))


def image_config(layers: list[Layer], process: Json) -> bytes:
    """The image's configuration; its SHA-256 is the image ID. ``process`` holds Entrypoint, User, Env, ..."""
    return as_json(
        {
            "architecture": "amd64",
            "os": "linux",
            "created": EPOCH,
            "config": process,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.diff_id}" for layer in layers]},
            "history": [{"created": EPOCH, "created_by": layer.created_by} for layer in layers],
        }
    )


def oci_manifest(config: bytes, layers: list[Layer]) -> bytes:
    def described(kind: str, digest: str, size_bytes: int) -> Json:
        return {"mediaType": f"{MEDIA_TYPE}.{kind}", "digest": f"sha256:{digest}", "size": size_bytes}

    return as_json(
        {
            "schemaVersion": 2,
            "mediaType": f"{MEDIA_TYPE}.manifest.v1+json",
            "config": described("config.v1+json", sha256(config), len(config)),
            "layers": [described("layer.v1.tar+gzip", layer.digest, layer.size_bytes) for layer in layers],
        }
    )


def write_archive(output: BinaryIO, reference: str, layers: list[Layer], config: bytes) -> None:
    manifest = oci_manifest(config, layers)
    name, tag = reference.rsplit(":", 1)
    index = {
        "schemaVersion": 2,
        "mediaType": f"{MEDIA_TYPE}.index.v1+json",
        "manifests": [
            {
                "mediaType": f"{MEDIA_TYPE}.manifest.v1+json",
                "digest": f"sha256:{sha256(manifest)}",
                "size": len(manifest),
                "annotations": {
                    "io.containerd.image.name": f"docker.io/library/{name}:{tag}",
                    "org.opencontainers.image.ref.name": tag,
                },
            }
        ],
    }
    docker_manifest = [
        {
            "Config": blob(sha256(config)),
            "RepoTags": [reference],
            "Layers": [blob(layer.digest) for layer in layers],
        }
    ]
    with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for layer in layers:
            add(archive, blob(layer.digest), layer.size_bytes, layer.blob)
        for path, content in (
            (blob(sha256(config)), config),
            (blob(sha256(manifest)), manifest),
            ("index.json", as_json(index)),
            ("manifest.json", as_json(docker_manifest)),
            ("oci-layout", as_json({"imageLayoutVersion": "1.0.0"})),
        ):
            add(archive, path, len(content), io.BytesIO(content))


def add(archive: tarfile.TarFile, path: str, size_bytes: int, content: Path | BinaryIO) -> None:
    member = tarfile.TarInfo(path)
    member.size = size_bytes
    member.mode = 0o644
    if isinstance(content, Path):
        with content.open("rb") as file:
            archive.addfile(member, file)
    else:
        archive.addfile(member, content)


def compose(directory: Path, reference: str, layer_tars: list[Path], process: Json, facts: Json) -> Json:
    """Write image.tar and image.json into ``directory``; returns what image.json says."""
    directory.mkdir(parents=True, exist_ok=True)
    archive = directory / "image.tar"
    partial = directory / "image.tar.partial"
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        layers = [compress(tar, Path(scratch)) for tar in layer_tars]
        config = image_config(layers, process)
        with partial.open("wb") as file:
            write_archive(file, reference, layers, config)
    digest = digest_of(partial)
    partial.replace(archive)
    image: Json = {
        "archive": archive.name,
        "sha256": digest,
        "image_id": f"sha256:{sha256(config)}",
        "reference": reference,
        "size_bytes": archive.stat().st_size,
        **facts,
    }
    described = directory / "image.json.partial"
    described.write_text(json.dumps(image, indent=2) + "\n")
    described.replace(directory / "image.json")
    return image


def digest_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def blob(digest: str) -> str:
    return f"blobs/sha256/{digest}"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def as_json(content: object) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def main(arguments: list[str]) -> int:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("directory", type=Path, help="where image.tar and image.json go")
    parser.add_argument("--reference", required=True, metavar="NAME:TAG")
    parser.add_argument("--process", required=True, type=Path, metavar="FILE", help="JSON: User, Env, ...")
    parser.add_argument("--layer", required=True, action="append", type=Path, metavar="TAR", help="first is lowest")
    parser.add_argument("--env", default=[], action="append", metavar="NAME=VALUE", help="more for Env")
    parser.add_argument("--fact", default=[], action="append", metavar="NAME=VALUE", help="for image.json")
    given = parser.parse_args(arguments)
    if ":" not in given.reference:
        parser.error(f"--reference {given.reference}: no tag; want NAME:TAG")
    process = json.loads(given.process.read_text())
    process["Env"] = [*process.get("Env", []), *given.env]
    facts = dict(fact.split("=", 1) for fact in given.fact)
    image = compose(given.directory, given.reference, given.layer, process, facts)
    json.dump(image, sys.stdout, indent=2)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
