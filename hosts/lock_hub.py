"""The lock of a model on the hub, from what the hub says of its large files: only small ones are downloaded.

`python -m hosts.lock hub REPOSITORY REVISION` writes the checkpoint's config.json and its lock.
"""

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from hosts.download.errors import DownloadError
from hosts.download.hub import ENDPOINT, Hub, HubFile
from hosts.download.transfer import Patience
from hosts.download.web import Web
from hosts.lock import LockedFile, ModelLock, write_lock

INDEX = "model.safetensors.index.json"
# Weights in other formats, which vLLM does not read where there are safetensors.
OTHER_WEIGHTS = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack", "*.ot", "*.onnx", "*.onnx_data", "*.gguf")


def lock_hub(hub: Hub, web: Web, leave_out: Sequence[str], patience: Patience) -> tuple[ModelLock, Mapping[str, bytes]]:
    """The lock of what a server needs of the commit, and the small files by path.

    Raises DownloadError where the hub refuses or contradicts itself.
    """
    listed = patience.answer(lambda: list(hub.files(web)), hub.repository, _say)
    index = next((file for file in listed if file.path == INDEX), None)
    shards = None if index is None else _shards(_content(hub, web, index, patience))
    files, small = [], {}
    for file in sorted(listed, key=lambda each: each.path):
        reason = _left_out(file.path, [each.path for each in listed], shards, leave_out)
        if reason is not None:
            _say(f"left out: {file.path} ({reason})")
            continue
        sha256 = file.sha256
        if sha256 is None:
            small[file.path] = _content(hub, web, file, patience)
            sha256 = hashlib.sha256(small[file.path]).hexdigest()
        files.append(LockedFile(path=file.path, size_bytes=file.size_bytes, sha256=sha256))
        _say(f"{file.path}: {file.size_bytes} bytes")
    if not files:
        raise DownloadError(f"'{hub.repository}' holds no file that a server needs")
    total = sum(file.size_bytes for file in files)
    return ModelLock(name=hub.repository, files=tuple(files), total_bytes=total), small


def _left_out(path: str, paths: Sequence[str], shards: set[str] | None, leave_out: Sequence[str]) -> str | None:
    """Why the file is no part of the lock; None where it is."""
    place = PurePosixPath(path)
    if any(part.startswith(".") for part in place.parts):
        return "hidden"
    if any(fnmatch(path, pattern) for pattern in leave_out):
        return "you leave it out"
    has_safetensors = any(each.endswith(".safetensors") for each in paths)
    if has_safetensors and any(fnmatch(place.name, pattern) for pattern in OTHER_WEIGHTS):
        return "the same weights in another format"
    if shards is not None and place.suffix == ".safetensors" and len(place.parts) == 1 and path not in shards:
        return f"not named in {INDEX}"
    try:
        LockedFile(path=path, size_bytes=0, sha256="0" * 64)
    except ValidationError:
        return "its name holds more than letters, digits and _@+=,.-"
    return None


def _shards(index: bytes) -> set[str]:
    try:
        return set(json.loads(index)["weight_map"].values())
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DownloadError(f"{INDEX} is not an index of shards") from None


def _content(hub: Hub, web: Web, file: HubFile, patience: Patience) -> bytes:
    """A small file, proved by its git hash."""

    def ask() -> bytes:
        with web.get(hub.url_of(file.path)) as answer:
            return answer.read(file.size_bytes + 1)

    data = patience.answer(ask, file.path, _say)
    wished = file.sha256 or file.git_sha1
    blob = data if file.sha256 else b"blob %d\0" % len(data) + data
    got = hashlib.sha256(blob) if file.sha256 else hashlib.sha1(blob)  # noqa: S324 - git's own name of the content
    if got.hexdigest() != wished:
        raise DownloadError(f"{file.path} arrived altered: its hash is {got.hexdigest()}, the hub says {wished}")
    return data


def main(arguments: Sequence[str]) -> int:
    """Writes config.json and config.lock.json, and prints the lines for the stack file. 1 with one sentence."""
    parser = argparse.ArgumentParser(prog="python -m hosts.lock hub", description=__doc__)
    parser.add_argument("repository", help="such as mistralai/Mistral-7B-Instruct-v0.3")
    parser.add_argument("revision", help="the commit; a branch or tag is resolved to the commit it names now")
    parser.add_argument("--into", type=Path, help="folder for config.json and its lock (models/NAME)")
    parser.add_argument("--endpoint", default=ENDPOINT, help="a mirror of the hub")
    parser.add_argument("--leave-out", action="append", default=[], metavar="PATTERN", help="files to leave out")
    asked = parser.parse_args(arguments)
    name = asked.repository.rsplit("/", 1)[-1].lower()
    folder = asked.into or Path("models") / name
    hub = Hub(asked.repository, asked.revision, asked.endpoint)
    web, patience = Web(os.environ.get("HF_TOKEN", ""), hub.explain), Patience()
    try:
        commit = patience.answer(lambda: hub.commit(web), hub.repository, _say)
        lock, small = lock_hub(Hub(asked.repository, commit, asked.endpoint), web, asked.leave_out, patience)
        if "config.json" not in small:
            raise DownloadError(f"'{asked.repository}' has no config.json: sizing cannot read its shape")
    except DownloadError as error:
        _say(str(error))
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_bytes(small["config.json"])
    write_lock(lock, folder / "config.lock.json")
    mirror = "" if asked.endpoint == ENDPOINT else f", endpoint: {asked.endpoint}"
    print(  # noqa: T201
        f"  gpuhost:model:\n    name: {name}\n    hub: {{repository: {asked.repository}, revision: {commit}{mirror}}}\n"
        f"    config: {folder / 'config.json'}"
    )
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr)  # noqa: T201 - progress
