"""Docker Engine as it runs: its file, its socket, and what it says of itself."""

import json
from functools import cached_property
from typing import Any

from testinfra.host import Host

CONFIG = "/etc/docker/daemon.json"
SOCKET = "/run/docker.sock"


class DockerDaemon:
    """The running daemon.

    Example: `DockerDaemon(host).info["LiveRestoreEnabled"]`
    """

    def __init__(self, host: Host) -> None:
        self._host = host

    @cached_property
    def info(self) -> dict[str, Any]:
        """`docker info`: the settings in force."""
        found: dict[str, Any] = json.loads(self._host.check_output("docker info --format '{{json .}}'"))
        return found

    @property
    def version(self) -> str:
        """Of the engine."""
        return str(self.info["ServerVersion"])

    @cached_property
    def config(self) -> dict[str, Any]:
        """daemon.json; empty where there is none."""
        file = self._host.file(CONFIG)
        found: dict[str, Any] = json.loads(file.content_string) if file.exists else {}
        return found

    @cached_property
    def config_access(self) -> tuple[str, int]:
        """Owner `user:group` and permission bits of daemon.json."""
        file = self._host.file(CONFIG)
        return f"{file.user}:{file.group}", int(file.mode)

    @property
    def runs_with_its_file(self) -> bool:
        """Whether the daemon is younger than its file: an older one runs with something else."""
        since = self._host.check_output('date -d "$(systemctl show docker -P ActiveEnterTimestamp)" +%s')
        return int(since) >= int(self._host.check_output("stat -c %%Y %s", CONFIG))

    @cached_property
    def listens_on_tcp(self) -> bool:
        """Whether any address of the network reaches the daemon."""
        flags = self._host.check_output("tr '\\0' ' ' < /proc/$(systemctl show docker -P MainPID)/cmdline")
        return "tcp://" in flags or any(str(each).startswith("tcp:") for each in self.config.get("hosts", []))

    @cached_property
    def socket_access(self) -> tuple[str, int]:
        """Owner `user:group` and permission bits of the socket."""
        socket = self._host.file(SOCKET)
        return f"{socket.user}:{socket.group}", int(socket.mode)

    @property
    def cdi_folders(self) -> tuple[str, ...]:
        """Where it looks for CDI specifications; empty where CDI is off."""
        return tuple(self.info.get("CDISpecDirs") or ())
