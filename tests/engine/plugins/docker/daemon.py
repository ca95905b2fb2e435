"""The local Docker Engine as the tests see it: beside the plugin, with the docker command line."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

IMAGE = "gpuhost-plugin-test/busybox:3"
_APPLETS = ("sh", "sleep", "true", "false", "echo", "cat", "id", "ls", "env", "stat")


def docker(*arguments: str, check: bool = True) -> str:
    """The output of a docker command."""
    run = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert run.returncode == 0 or not check, run.stderr
    return run.stdout.strip()


def inspect(name: str, kind: str = "container") -> dict[str, Any]:
    return dict(json.loads(docker(kind, "inspect", name))[0])


def state_of(name: str) -> str:
    """The status as `docker ps` words it, e.g. ``Created`` or ``Up 6 seconds``; empty when there is none."""
    return docker("ps", "-a", "--filter", f"name=^/{name}$", "--format", "{{.Status}}")


def wait_for(condition: Any, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.1)


def image_id() -> str:
    """The id of a small image with a shell, made from one Debian package unless it is there."""
    if not docker("images", "-q", IMAGE):
        with tempfile.TemporaryDirectory() as folder:
            _build(Path(folder))
    return str(inspect(IMAGE, "image")["Id"])


def _build(folder: Path) -> None:
    # The package is unpacked, not installed: the machine may have another busybox.
    subprocess.run(["apt-get", "download", "-q", "busybox-static"], cwd=folder, check=True, capture_output=True)
    package = next(folder.glob("*.deb"))
    subprocess.run(["dpkg", "-x", str(package), str(folder / "package")], check=True)
    root = folder / "root"
    for name in ("bin", "tmp", "etc", "models"):
        (root / name).mkdir(parents=True)
    for path in (root, *root.iterdir()):
        path.chmod(0o755)  # a container's user that is not root must get in
    busybox = next(path for path in (folder / "package").glob("**/bin/busybox"))
    busybox.replace(root / "bin/busybox")
    for applet in _APPLETS:
        (root / "bin" / applet).symlink_to("busybox")
    archive = folder / "root.tar"
    subprocess.run(["tar", "-C", str(root), "-cf", str(archive), "."], check=True)
    docker("import", str(archive), IMAGE)
