"""Servers started by hand beside the deployed one: the promised terms, with one of them broken."""

from __future__ import annotations

import copy
import json
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hosts.sandbox import Sandbox
from tests.engine.stacks.server_faults import ServerFault
from tests.engine.stacks.serving import wait_until_healthy

Outputs = Mapping[str, Any]
PREFIX = "fault-"


@dataclass(frozen=True)
class Server:
    """One container with its fault, its own service label, port, model volume and cache."""

    name: str
    port: int
    fault: ServerFault

    def url(self, host: Sandbox) -> str:
        """Of the sandbox's own address: the machine publishes only the deployed server's port."""
        return f"http://{host.inner_address}:{self.port}"

    def arguments(self, promised: Outputs) -> list[str]:
        """What it is promised to run: all of the deployed one's, on a port of its own."""
        return [*promised["expected"]["arguments"], "--port", str(self.port)]

    def outputs(self, promised: Outputs, host: Sandbox) -> Outputs:
        """The promise, for this server."""
        outputs = copy.deepcopy(dict(promised))
        outputs["container"] = self.name
        outputs["endpoint"] = self.url(host)
        outputs["expected"] |= {
            "service": self.name,
            "port": self.port,
            "model_volume": f"{self.name}-model",
            "arguments": self.arguments(promised),
        }
        return outputs

    def script(self, promised: Outputs, image: str) -> str:
        """Shell commands that start it."""
        fault, expected = self.fault, promised["expected"]
        options = {**self._promised_options(promised), **fault.options}
        words = [
            word
            for option, values in options.items()
            if values is not None
            for value in values or ("",)
            for word in (option.split()[0], value)
            if word
        ]
        settings = {
            "name": self.name,
            "port": self.port,
            "volume": f"{self.name}-model",
            "cache": f"{self.name}-cache",
            "folder": expected["model_folder"],
            "image": image,
            "memory": promised["plan"]["container_memory_mib"]["value"],
            "user": expected["user"],
        }
        return "\n".join(
            [
                "set -e",
                *(f"{key}={shlex.quote(str(value))}" for key, value in settings.items()),
                "docker volume create $volume",
                "docker volume create $cache",
                "place() { docker volume inspect --format '{{.Mountpoint}}' $1; }",
                f"cp -a $(place {expected['model_volume']})/. $(place $volume)",
                "chown $user $(place $cache)",
                fault.before,
                "docker run --detach " + " ".join(f'"{word}"' for word in words) + " $image \\",
                shlex.join([*self.arguments(promised), *fault.arguments]),
                fault.after,
            ]
        )

    def _promised_options(self, promised: Outputs) -> dict[str, tuple[str, ...]]:
        plan = {name: sized["value"] for name, sized in promised["plan"].items()}
        expected = promised["expected"]
        return {
            "--name": ("$name",),
            "--label": ("gpuhost.service=$name",),
            "--init": (),
            "--user": (expected["user"],),
            "--memory": (f"{plan['container_memory_mib']}m",),
            "--memory-swap": (f"{plan['container_memory_swap_mib']}m",),
            "--shm-size": (f"{plan['shm_mib']}m",),
            "--cpus": (str(plan["cpus"]),),
            "--pids-limit": (str(plan["pids_limit"]),),
            "--ipc": ("private",),
            "--read-only": (),
            "--cap-drop": ("ALL",),
            "--security-opt": ("no-new-privileges:true",),
            "--tmpfs": ("/tmp:rw,exec,nosuid,nodev,size=1g,mode=1777",),
            "--publish": (f"{expected['bind_address']}:$port:$port",),
            "--volume model": ("$volume:$folder:ro",),
            "--volume cache": (f"$cache:{expected['cache_folder']}",),
            **{f"--ulimit {name}": (f"{name}={soft}:{hard}",) for name, (soft, hard) in expected["ulimits"].items()},
            **{f"--env {key}": (f"{key}={value}",) for key, value in expected["environment"].items()},
        }


@contextmanager
def started(
    host: Sandbox, servers: Sequence[Server], promised: Outputs, tiny_image: Callable[[str], Path]
) -> Iterator[None]:
    """All of them, started four at a time, those that are to answer answering; gone again after the block."""
    images = {"": promised["expected"]["image"]}
    for behaviour in {server.fault.behaviour for server in servers} - {""}:
        images[behaviour] = _loaded(host, tiny_image(behaviour))
    folder = host.run("mktemp -d").stdout.strip()
    try:
        for server in servers:
            script = server.script(promised, images[server.fault.behaviour])
            host.run(f"cat > {folder}/{server.name}.sh", stdin=script)
        host.run(f"ls {folder}/*.sh | xargs -P 4 -n 1 sh", timeout_s=300)
        for server in servers:
            if "test_it_is_healthy" not in server.fault.reds:
                wait_until_healthy(server.url(host), 30)
        yield
    finally:
        names = " ".join(server.name for server in servers)
        host.run(
            f"rm -rf {folder}; docker ps --all --quiet --filter name=^{PREFIX} | xargs --no-run-if-empty docker rm -f;"
            f"for name in {names}; do docker volume rm -f $name-model $name-cache; done"
        )


def _loaded(host: Sandbox, archive: Path) -> str:
    """ID of the archive's image, which is on the host now."""
    with archive.open("rb") as stream:
        subprocess.run(host.ssh_command("docker load --quiet"), stdin=stream, check=True, capture_output=True)
    return str(json.loads(archive.with_suffix(".json").read_text())["image_id"])
