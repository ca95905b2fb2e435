"""The serving container: what Docker records of it, and the process that really runs."""

import json
from functools import cached_property
from typing import Any

from testinfra.host import Host

from facts.cgroup import Cgroup
from facts.process import Process


class ServerContainer:
    """One container by name.

    Example: `ServerContainer(host, "vllm-1a2b3c4d").published == {"8000/tcp": [("127.0.0.1", 8000)]}`
    """

    def __init__(self, host: Host, name: str) -> None:
        self._host = host
        self.name = name

    @cached_property
    def inspect(self) -> dict[str, Any]:
        """Docker's record. AssertionError where the container does not exist."""
        result = self._host.run("docker container inspect %s", self.name)
        assert result.succeeded, f"there is no container '{self.name}' on this host: {result.stderr.strip()}"  # noqa: S101
        record: dict[str, Any] = json.loads(result.stdout)[0]
        return record

    @property
    def is_running(self) -> bool:
        """Whether it runs now."""
        return bool(self.inspect["State"]["Running"])

    @property
    def image(self) -> str:
        """ID of the image it was created from."""
        return str(self.inspect["Image"])

    @cached_property
    def image_digests(self) -> tuple[str, ...]:
        """`repository@sha256:…` names of its image, for one that was pulled."""
        text = self._host.check_output("docker image inspect --format '{{json .RepoDigests}}' %s", self.image)
        return tuple(json.loads(text) or ())

    @cached_property
    def process(self) -> Process:
        """Its first process, seen from the host."""
        assert self.is_running, f"container '{self.name}' is {self.inspect['State']['Status']}, not running"  # noqa: S101
        return Process(self._host, int(self.inspect["State"]["Pid"]))

    @cached_property
    def cgroup(self) -> Cgroup:
        """What the kernel enforces on it."""
        return Cgroup(self._host, self.process)

    @cached_property
    def command_lines(self) -> tuple[tuple[str, ...], ...]:
        """Argument vectors of all its processes."""
        pids = self._host.check_output("docker top %s -eo pid | tail -n +2", self.name).split()
        return tuple(Process(self._host, int(pid)).arguments for pid in pids)

    @property
    def published(self) -> dict[str, list[tuple[str, int]]]:
        """Host addresses and ports by container port, as Docker applied them; unpublished ports left out."""
        ports = self.inspect["NetworkSettings"]["Ports"] or {}
        return {
            port: [(entry["HostIp"], int(entry["HostPort"])) for entry in entries]
            for port, entries in ports.items()
            if entries
        }

    @property
    def shares_ipc_with_host(self) -> bool:
        """Whether it lives in the host's IPC namespace, where its own /dev/shm size means nothing."""
        own = self._host.check_output("readlink /proc/%s/ns/ipc", str(self.process.pid))
        return bool(own == self._host.check_output("readlink /proc/1/ns/ipc"))

    @property
    def environment(self) -> dict[str, str]:
        """Variables it was started with."""
        return dict(pair.split("=", 1) for pair in self.inspect["Config"]["Env"])

    def places_that_show(self, secret: str) -> list[str]:
        """Where the text stands that should stand nowhere: Docker's record, arguments, the log."""
        log = self._host.run("docker logs %s 2>&1", self.name).stdout
        places = {
            "docker inspect": json.dumps(self.inspect),
            "its processes' arguments": "\n".join(" ".join(line) for line in self.command_lines),
            "its log": log,
        }
        return [place for place, text in places.items() if secret in text]
