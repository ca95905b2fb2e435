"""A checkout of nothing but the toolchain, with a home, a cache and a PATH of its own."""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
COPIED = ("activate", "requirements.txt", "requirements-dev.txt")
LOCK_FILES = COPIED[1:]


@dataclass(frozen=True)
class Checkout:
    """Where the copied scripts lie, and what a script sees when it runs there."""

    root: Path
    home: Path
    fakes: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def cache(self) -> Path:
        return self.home / ".cache" / "gpuhost"

    @property
    def linked_engine(self) -> Path:
        return self.root / ".gpuhost" / "bin" / "pulumi"

    @property
    def origin(self) -> str:
        return (self.root / ".gpuhost" / "engine-origin").read_text().strip()

    def fake(self, name: str, script: str, directory: Path | None = None) -> Path:
        """An executable of that name on PATH (or in a directory) that runs a few lines of sh."""
        return executable((directory or self.fakes) / name, script)

    def set_pins(self, **pins: str) -> None:
        with (self.root / "toolchain" / "pins.env").open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in pins.items())

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a script of the toolchain (or any command) in the checkout; never fails by itself."""
        return subprocess.run(
            ["sh", *arguments],
            cwd=self.root,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def executable(file: Path, script: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def lock_digest(root: Path) -> str:
    return hashlib.sha256(b"".join((root / name).read_bytes() for name in LOCK_FILES)).hexdigest()


@pytest.fixture(scope="session")
def system_tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the system's commands, but without what the toolchain would find and use."""
    directory = tmp_path_factory.mktemp("tools")
    for tool in Path("/usr/bin").iterdir():
        if not tool.name.startswith(("pulumi", "go", "python")):
            (directory / tool.name).symlink_to(tool)
    if not Path("/bin").samefile("/usr/bin"):
        for tool in Path("/bin").iterdir():
            if not (directory / tool.name).is_symlink():
                (directory / tool.name).symlink_to(tool)
    return directory


@pytest.fixture
def checkout(tmp_path: Path, system_tools: Path) -> Checkout:
    """A checkout whose virtual environment is up to date, on a machine without engine, Go or Python."""
    root, home, fakes = (tmp_path / name for name in ("checkout", "home", "fakes"))
    for directory in (root / "toolchain", home, fakes):
        directory.mkdir(parents=True)
    for name in COPIED:
        shutil.copy(PROJECT / name, root / name)
    for file in (PROJECT / "toolchain").iterdir():
        if file.suffix in {".sh", ".env", ".txt", ".py"}:
            shutil.copy(file, root / "toolchain" / file.name)
    for module in ("engine", "language"):
        shutil.copytree(PROJECT / "toolchain" / module, root / "toolchain" / module)
    executable(root / ".venv" / "bin" / "python", f'exec {sys.executable} "$@"')
    (root / ".venv" / ".lock-digest").write_text(lock_digest(root) + "\n")
    environment = {"HOME": str(home), "PATH": f"{fakes}:{system_tools}", "LC_ALL": "C.UTF-8"}
    environment |= {name: os.environ[name] for name in ("TMPDIR",) if name in os.environ}
    return Checkout(root, home, fakes, environment)
