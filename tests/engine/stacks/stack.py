"""A stack of the real program in a folder of its own, driven by the real command line."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from tests.engine.stacks.wish import Wish

CHECKOUT = Path(__file__).parents[3]
# What `pulumi up` runs. Linked, so that a test always runs the program as it is.
PROGRAM = ("Pulumi.yaml", "__main__.py", "components", "hosts", "sizing", "facts")
COMMAND_TIMEOUT_S = 400


@dataclass(frozen=True)
class Said:
    """What a command printed, both streams in one, and how it ended."""

    command: tuple[str, ...]
    status: int
    text: str

    def lines(self, *words: str) -> list[str]:
        """The lines that hold all these words."""
        return [line for line in self.text.splitlines() if all(word in line for word in words)]


class Stack:
    """One stack with its own program folder, state and passphrase; engine and plugins are the checkout's.

    Example: `stack.wishes(wish); stack.up(); stack.outputs["hosts"]`
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name
        (folder / ".pulumi-state").mkdir(parents=True)
        for part in PROGRAM:
            (folder / part).symlink_to(CHECKOUT / part)
        self.passphrase = secrets.token_hex(16)
        passphrase_file = folder / "passphrase"
        passphrase_file.touch(mode=0o600)
        passphrase_file.write_text(self.passphrase)
        self.run("stack", "init", name)

    @property
    def config_file(self) -> Path:
        return self.folder / f"Pulumi.{self.name}.yaml"

    @property
    def state_folder(self) -> Path:
        return self.folder / ".pulumi-state"

    @cached_property
    def environment(self) -> Mapping[str, str]:
        """What `. ./activate` sets, for this folder; the backend is what Pulumi.yaml says."""
        bins = (CHECKOUT / ".venv/bin", CHECKOUT / ".gpuhost/bin")
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")}
        return inherited | {
            "PATH": ":".join([*map(str, bins), os.environ["PATH"]]),
            "PULUMI_HOME": str(CHECKOUT / ".pulumi-home"),
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.folder / "passphrase"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
        }

    def command(self, *arguments: str) -> list[str]:
        """The argument list of one call of the engine."""
        return ["pulumi", "--non-interactive", "--color", "never", *arguments]

    def run(self, *arguments: str, fails: bool = False) -> Said:
        """Runs `pulumi arguments…`; the test fails with all it printed unless it ends as expected."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=COMMAND_TIMEOUT_S,
        )
        said = Said(arguments, done.returncode, done.stdout)
        expected = "failure" if fails else "success"
        assert (done.returncode != 0) is fails, f"`pulumi {' '.join(arguments)}` was to be a {expected}:\n{done.stdout}"
        return said

    def wishes(self, wish: Wish) -> None:
        """Writes the stack's config, as an operator would edit it."""
        self.write(yaml.safe_dump({"config": wish.config()}, sort_keys=False))

    def write(self, text: str) -> None:
        """Writes the stack file; what the engine keeps there itself stays."""
        salt = [line for line in self.config_file.read_text().splitlines() if line.startswith("encryptionsalt:")]
        self.config_file.write_text("\n".join([text.rstrip(), *salt]) + "\n")

    def up(self, *options: str, fails: bool = False) -> Said:
        """`pulumi up` without a preview before it."""
        return self.run("up", "--yes", "--skip-preview", "--suppress-outputs", *options, fails=fails)

    def is_in_sync(self) -> Said:
        """`pulumi up` once more, which must change nothing."""
        return self.up("--expect-no-changes")

    def destroy(self) -> Said:
        return self.run("destroy", "--yes", "--skip-preview", "--suppress-outputs")

    @property
    def outputs(self) -> Mapping[str, Any]:
        """`pulumi stack output --json`."""
        done = subprocess.run(
            self.command("stack", "output", "--json"),
            cwd=self.folder,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            check=True,
        )
        found: Mapping[str, Any] = json.loads(done.stdout)
        return found

    def exported(self, *options: str) -> Mapping[str, Any]:
        """The state, as `pulumi stack export` prints it."""
        found: Mapping[str, Any] = json.loads(self.run("stack", "export", *options).text)
        return found
