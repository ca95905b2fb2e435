"""The manifest of a model directory: every file with its size and SHA-256.

The same format as the one the model volume is verified against, files sorted by path::

    {"name": "tiny-mistral",
     "files": [{"path": "config.json", "size_bytes": 642, "sha256": "..."}, ...],
     "total_bytes": 3187493}
"""

import hashlib
import json
from pathlib import Path
from typing import TypedDict


class ModelFile(TypedDict):
    path: str
    size_bytes: int
    sha256: str


class Manifest(TypedDict):
    name: str
    files: list[ModelFile]
    total_bytes: int


def describe(directory: Path, name: str) -> Manifest:
    """The manifest of what lies in the directory now."""
    files = [describe_file(directory, path) for path in directory.rglob("*") if path.is_file()]
    files.sort(key=lambda file: file["path"])
    return {"name": name, "files": files, "total_bytes": sum(file["size_bytes"] for file in files)}


def describe_file(directory: Path, path: Path) -> ModelFile:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "path": path.relative_to(directory).as_posix(),
        "size_bytes": path.stat().st_size,
        "sha256": digest,
    }


def render(manifest: Manifest) -> str:
    return json.dumps(manifest, indent=2) + "\n"
