"""The real engine with the plugin: first deployment, no-op, refresh, change, replacement, failure, destroy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.engine.plugins.command.plugin import SCRIPT
from tests.engine.plugins.command.sshd import SshServer

pytestmark = [pytest.mark.engine, pytest.mark.slow]

_ROOT = Path(__file__).parents[4]
_PROGRAM = """
    import json, pathlib
    import pulumi
    import pulumi_command as command

    given = json.loads(pathlib.Path("given.json").read_text())
    connection = command.remote.ConnectionArgs(**given["connection"])
    script = command.remote.Command(
        "script", connection=connection, create=given["create"], delete=given["delete"], stdin=given["stdin"],
        triggers=given["triggers"], add_previous_output_in_env=False,
    )
    copy = command.remote.CopyToRemote(
        "copy", connection=connection, source=pulumi.StringAsset(given["text"]), remote_path=given["remote_path"],
        opts=pulumi.ResourceOptions(depends_on=[script]),
    )
    here = command.local.Command("here", create=script.stdout.apply(lambda text: f"echo local sees {text}"))
    pulumi.export("remote", script.stdout)
    pulumi.export("local", here.stdout)
    pulumi.export("function", command.local.run_output(command="echo called").stdout)
"""


def _pulumi() -> Path | None:
    linked = _ROOT / ".gpuhost/bin/pulumi"
    return linked if linked.exists() else None


@dataclass(frozen=True)
class Stack:
    """A project in a folder of its own, with an engine home of its own."""

    folder: Path
    given: dict[str, Any]

    def run(self, *arguments: str, fails: bool = False, **changes: Any) -> str:
        """Writes the program's inputs, runs the engine and returns everything it says."""
        self.given.update(changes)
        (self.folder / "given.json").write_text(json.dumps(self.given))
        program = _pulumi()
        assert program is not None
        environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}:{program.resolve().parent}:{os.environ['PATH']}",
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
        }
        result = subprocess.run(
            [str(program), "--non-interactive", "--color", "never", *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        said = result.stdout + result.stderr
        assert (result.returncode != 0) is fails, said
        return said

    def state(self) -> str:
        """The state as it is stored."""
        return self.run("stack", "export")


@pytest.fixture
def stack(tmp_path: Path, server: SshServer) -> Stack:
    if _pulumi() is None:
        pytest.skip("no engine yet (make toolchain)")
    plugin = tmp_path / "home/plugins/resource-command-v1.2.1/pulumi-resource-command"
    for folder in (plugin.parent, tmp_path / "state"):
        folder.mkdir(parents=True)
    plugin.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{SCRIPT}' \"$@\"\n")
    plugin.chmod(0o755)
    (tmp_path / "Pulumi.yaml").write_text("name: trial\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(textwrap.dedent(_PROGRAM))
    names = {"privateKey": "private_key", "hostKey": "host_key"}
    stack = Stack(
        tmp_path,
        {
            "connection": {names.get(name, name): value for name, value in server.connection().items()},
            "create": f"cat >> {tmp_path}/made; echo one",
            "delete": f"echo gone >> {tmp_path}/gone",
            "stdin": "topsecret\n",
            "triggers": ["a"],
            "text": "hello\n",
            "remote_path": str(tmp_path / "copies/hello.txt"),
        },
    )
    stack.run("stack", "init", "trial")
    return stack


def test_the_life_of_a_stack(stack: Stack, server: SshServer) -> None:
    made, gone, copied = (stack.folder / name for name in ("made", "gone", "copies/hello.txt"))

    said = stack.run("preview")
    assert "+ create" in said or "to create" in said
    assert not made.exists()

    stack.run("up", "--yes", "--skip-preview")
    assert (made.read_text(), copied.read_text()) == ("topsecret\n", "hello\n")
    outputs = json.loads(stack.run("stack", "output", "--json"))
    assert outputs == {"remote": "one", "local": "local sees one", "function": "called"}

    state = stack.state()
    assert "PRIVATE KEY" not in state
    assert server.host_key not in state

    stack.run("up", "--yes", "--expect-no-changes")
    stack.run("preview", "--refresh", "--expect-no-changes")
    assert made.read_text() == "topsecret\n"

    said = stack.run("up", "--yes", "--skip-preview", text="changed\n")
    assert "1 updated" in said
    assert copied.read_text() == "changed\n"

    said = stack.run("up", "--yes", "--skip-preview", triggers=["b"])
    assert "1 replaced" in said
    assert (made.read_text(), gone.read_text()) == ("topsecret\ntopsecret\n", "gone\n")

    said = stack.run("up", "--yes", "--skip-preview", create="echo partial; echo why >&2; exit 3", fails=True)
    assert 'Process exited with status 3: running "echo partial; echo why >&2; exit 3":' in said
    assert "topsecret" not in said

    stack.run("destroy", "--yes", "--skip-preview")
    assert gone.read_text() == "gone\ngone\n"
    assert copied.exists()


def test_a_foreign_host_key_stops_the_deployment(stack: Stack, tmp_path: Path) -> None:
    stranger = dict(stack.given["connection"]) | {"dial_error_limit": 0}
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "foreign")], check=True)
    stranger["host_key"] = (tmp_path / "foreign.pub").read_text()
    said = stack.run("up", "--yes", "--skip-preview", connection=stranger, fails=True)
    assert "ssh: handshake failed: ssh: host key mismatch" in said
    assert not (tmp_path / "made").exists()


def test_a_wrong_type_is_named(stack: Stack, tmp_path: Path) -> None:
    said = stack.run("preview", create=7, fails=True)
    assert "Field 'create' on 'remote.CommandInputs' must be a 'string'; got 'float64' instead" in said
    assert not (tmp_path / "made").exists()
