"""The real engine with the plugin: first deployment, no-op, refresh, change, replacement, outside removal, destroy."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.engine.plugins.docker import daemon
from tests.engine.plugins.docker.plugin import LOCAL, SCRIPT

_ROOT = Path(__file__).parents[4]
_PULUMI = _ROOT / ".gpuhost/bin/pulumi"

pytestmark = [
    pytest.mark.docker,
    pytest.mark.engine,
    pytest.mark.slow,
    pytest.mark.skipif(not _PULUMI.exists(), reason="no engine yet (make toolchain)"),
]
_PROGRAM = """
    import json, pathlib
    import pulumi
    import pulumi_docker as docker

    given = json.loads(pathlib.Path("given.json").read_text())
    name = given["name"]
    host = docker.Provider("host", host=given["host"])
    class Part(pulumi.ComponentResource):
        def __init__(self):
            super().__init__("test:index:Part", "part", None, pulumi.ResourceOptions(providers=[host]))
            here = pulumi.ResourceOptions(parent=self)
            labels = [docker.VolumeLabelArgs(label="a", value="b")]
            volume = docker.Volume("volume", name=name, labels=labels, opts=here)
            network = docker.Network("network", name=name, internal=True, opts=here)
            image = docker.RemoteImage("image", name=given["image"], keep_locally=True, opts=here)
            self.container = docker.Container(
                "container", name=name, image=image.image_id, command=["sh", "-c", "sleep 1000"],
                envs=[pulumi.Output.secret("TOKEN=topsecret")], memory=given["memory"],
                memory_swap=given["memory"], read_only=given["read_only"],
                networks_advanced=[docker.ContainerNetworksAdvancedArgs(name=network.name, aliases=["alias"])],
                volumes=[docker.ContainerVolumeArgs(volume_name=volume.name, container_path="/data")],
                uploads=[] if given["read_only"] else [docker.ContainerUploadArgs(file="/uploaded", content="hello")],
                destroy_grace_seconds=1, must_run=True, opts=here,
            )
    pulumi.export("id", Part().container.id)
"""


@dataclass(frozen=True)
class Stack:
    """A project in a folder of its own, with an engine home of its own."""

    folder: Path
    given: dict[str, Any]

    def run(self, *arguments: str, fails: bool = False, **changes: Any) -> str:
        self.given.update(changes)
        (self.folder / "given.json").write_text(json.dumps(self.given))
        environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}:{_PULUMI.resolve().parent}:{os.environ['PATH']}",
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
        }
        result = subprocess.run(
            [str(_PULUMI), "--non-interactive", "--color", "never", *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        said = result.stdout + result.stderr
        assert (result.returncode != 0) is fails, said
        return said


@pytest.fixture
def stack(tmp_path: Path, name: str, image: str) -> Stack:
    assert image
    (tmp_path / "state").mkdir()
    (tmp_path / "Pulumi.yaml").write_text("name: trial\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(textwrap.dedent(_PROGRAM))
    launcher = tmp_path / "pulumi-resource-docker"
    launcher.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{SCRIPT}' \"$@\"\n")
    launcher.chmod(0o755)
    given = {"name": name, "image": daemon.IMAGE, "host": LOCAL, "memory": 64, "read_only": False}
    stack = Stack(tmp_path, given)
    stack.run("plugin", "install", "resource", "docker", "5.1.1", "--file", str(launcher))
    stack.run("stack", "init", "trial")
    return stack


def test_the_life_of_a_stack(stack: Stack, name: str) -> None:
    stack.run("preview")
    assert daemon.state_of(name) == ""

    stack.run("up", "--yes", "--skip-preview")
    first = json.loads(stack.run("stack", "output", "--json"))["id"]
    seen = daemon.inspect(name)
    assert seen["Id"] == first
    assert seen["Config"]["Env"][0] == "TOKEN=topsecret"
    assert "alias" in seen["NetworkSettings"]["Networks"][name]["Aliases"]
    assert daemon.docker("exec", name, "cat", "/uploaded") == "hello"
    assert "topsecret" not in stack.run("stack", "export")

    # Without memorySwap, each deployment would take back what the daemon chose, as with the official plugin.
    stack.run("up", "--yes", "--expect-no-changes")
    stack.run("up", "--yes", "--refresh", "--expect-no-changes")

    assert "1 updated" in stack.run("up", "--yes", "--skip-preview", memory=96)
    assert daemon.inspect(name)["HostConfig"]["Memory"] == 96 * 1024 * 1024
    assert daemon.inspect(name)["Id"] == first

    assert "1 replaced" in stack.run("up", "--yes", "--skip-preview", read_only=True)
    assert daemon.inspect(name)["Id"] != first

    daemon.docker("rm", "-f", name)
    assert "1 created" in stack.run("up", "--yes", "--refresh", "--skip-preview")
    assert daemon.state_of(name).startswith("Up")

    stack.run("destroy", "--yes", "--skip-preview")
    assert daemon.state_of(name) == ""
    assert name not in daemon.docker("volume", "ls", "-q").split()
    assert daemon.docker("images", "-q", daemon.IMAGE)


def test_a_plugin_that_runs_from_anywhere(stack: Stack) -> None:
    copied = shutil.copy(SCRIPT, stack.folder / "elsewhere")
    assert os.access(copied, os.X_OK)
    link = stack.folder / "link"
    link.symlink_to(SCRIPT)
    with subprocess.Popen([sys.executable, str(link), "127.0.0.1:1"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) > 0
        process.terminate()
