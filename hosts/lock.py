"""Locks: the size and SHA-256 of every byte that is carried to a host.

`python -m hosts.lock DIRECTORY` writes `DIRECTORY.lock.json` for a model's folder; `hub` and `archive` lock a
model of the hub and one that is packed.
"""

import hashlib
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Annotated, Self, TypeVar

from pydantic import AfterValidator, Field, ValidationError, model_validator

from hosts.problems import ConfigError, Problem
from hosts.spec import Integer, Spec

_PATH = re.compile(r"^[A-Za-z0-9_@+=,.-]+(/[A-Za-z0-9_@+=,.-]+)*$")
_MAX_BYTES = 16 << 20


def _relative(value: str) -> str:
    if not _PATH.match(value) or ".." in PurePosixPath(value).parts:
        raise ValueError("must be a plain relative path of letters, digits and _@+=,.- inside the model's folder")
    return value


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class LockedFile(Spec):
    """One file of a model."""

    path: Annotated[str, AfterValidator(_relative)]
    size_bytes: Annotated[Integer, Field(ge=0)]
    sha256: Sha256


class ModelLock(Spec):
    """Every file of a model, sorted by path."""

    name: str
    files: Annotated[tuple[LockedFile, ...], Field(min_length=1, max_length=10_000)]
    total_bytes: Integer

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        paths = [file.path for file in self.files]
        if paths != sorted(set(paths)):
            raise ValueError("files must be sorted by path, each once")
        total = sum(file.size_bytes for file in self.files)
        if total != self.total_bytes:
            raise ValueError(f"total_bytes is {self.total_bytes}, but the files add up to {total}")
        return self

    @property
    def digest(self) -> str:
        """SHA-256 over the content, independent of the name and of the file's layout."""
        return hashlib.sha256(self.sha256_lines().encode()).hexdigest()

    def sha256_lines(self) -> str:
        """What `sha256sum --check` reads."""
        return "".join(f"{file.sha256}  {file.path}\n" for file in self.files)

    def size_lines(self) -> str:
        """`BYTES PATH`, one line a file."""
        return "".join(f"{file.size_bytes} {file.path}\n" for file in self.files)


class ImageLock(Spec):
    """An image archive: what it must hash to, and the image it must load as."""

    archive: str
    sha256: Sha256
    image_id: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    reference: str
    size_bytes: Annotated[Integer, Field(ge=1)]
    vllm_version: str


def read_model_lock(path: Path) -> ModelLock:
    """The lock in the file; ConfigError says what is wrong and how to make one."""
    return _read(path, ModelLock, "make it with 'python -m hosts.lock MODEL_DIRECTORY'")


def read_image_lock(path: Path) -> ImageLock:
    """The image lock in the file; ConfigError says what is wrong."""
    return _read(path, ImageLock, "it is written beside the archive when the archive is made")


_Lock = TypeVar("_Lock", ModelLock, ImageLock)


def _read(path: Path, kind: type[_Lock], remedy: str) -> _Lock:
    def wrong(message: str) -> ConfigError:
        return ConfigError([Problem("lock", f"{message}; {remedy}", str(path))])

    try:
        if path.stat().st_size > _MAX_BYTES:
            raise wrong(f"is larger than {_MAX_BYTES >> 20} MiB: not a lock")
        return kind.model_validate_json(path.read_bytes())
    except OSError as error:
        raise wrong(f"cannot be read ({error.strerror})") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "content"
        raise wrong(f"is not valid: {where}: {first['msg']}") from error


def lock_directory(directory: Path) -> ModelLock:
    """Hashes every file under the directory; links are followed, hidden files left out.

    Raises ValueError where the directory holds no file, or a path that no lock can carry.
    """
    found = (path.relative_to(directory) for path in directory.rglob("*") if path.is_file())
    return lock_files(directory, [path for path in found if not any(part.startswith(".") for part in path.parts)])


def lock_files(directory: Path, paths: Iterable[Path]) -> ModelLock:
    """Hashes these files of the directory, given relative to it."""
    files = []
    for path in sorted(paths, key=lambda item: item.as_posix()):
        with (directory / path).open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        size = (directory / path).stat().st_size
        files.append(LockedFile(path=path.as_posix(), size_bytes=size, sha256=digest))
        print(f"{path}: {size} bytes", file=sys.stderr)  # noqa: T201 - progress
    if not files:
        raise ValueError(f"{directory} holds no file to lock")
    total = sum(file.size_bytes for file in files)
    return ModelLock(name=directory.name, files=tuple(files), total_bytes=total)


USAGE = """usage: python -m hosts.lock MODEL_DIRECTORY
       python -m hosts.lock hub REPOSITORY REVISION   (--help tells more)
       python -m hosts.lock archive FILE"""


def write_lock(lock: ModelLock, target: Path) -> None:
    """The lock as a file that reviews well: one value a line."""
    target.write_text(json.dumps(lock.model_dump(), indent=1) + "\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Locks what is named; 1 where it cannot be locked, 2 on bad usage."""
    from hosts import lock_archive, lock_hub  # they need the types of this file

    if arguments[:1] == ["hub"]:
        return lock_hub.main(arguments[1:])
    if arguments[:1] == ["archive"] and len(arguments) == 2:
        return lock_archive.main(Path(arguments[1]))
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print(USAGE, file=sys.stderr)  # noqa: T201
        return 2
    directory = Path(arguments[0]).resolve()
    target = directory.with_name(directory.name + ".lock.json")
    write_lock(lock_directory(directory), target)
    print(target)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
