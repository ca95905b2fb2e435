"""What `up` hands out: a running sandbox, and what it can do."""

import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hosts.sandbox.container import restart
from hosts.sandbox.engine import connect, to_stderr
from hosts.sandbox.errors import SandboxError
from hosts.sandbox.readiness import wait_until_ready

# Prints hard limits of what starts containers inside, CAP_SYS_RESOURCE's bit of the bounding set, nr_open.
_READ_LIMITS = """
pid=$(pidof -s containerd || pidof -s dockerd || echo 1)
awk '/^Max open files/ {print "nofile", $5} /^Max locked memory/ {print "memlock", $5}' /proc/$pid/limits
awk '/^CapBnd/ {print "bounding", $2}' /proc/$pid/status
echo nr_open "$(cat /proc/sys/fs/nr_open)"
"""
_CAP_SYS_RESOURCE = 24


@dataclass(frozen=True)
class Limits:
    """The highest hard limits a container inside the sandbox can be given. None: unlimited works."""

    nofile: int
    memlock_kib: int | None


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox host, reachable over SSH like any other host, on this machine's loopback only."""

    name: str
    number: int
    flavour: str
    memory_gib: int
    cpus: float
    container: str
    address: str
    inner_address: str
    ssh_port: int
    user: str
    host_key: str
    host_key_file: Path
    private_key_file: Path
    known_hosts_file: Path
    ssh_config_file: Path

    def ssh_command(self, command: str = "") -> list[str]:
        """The argument list that runs a shell command inside, or a login shell where it is empty."""
        return ["ssh", "-F", str(self.ssh_config_file), self.name, *([command] if command else [])]

    def run(
        self, command: str | Sequence[str], *, check: bool = True, stdin: str = "", timeout_s: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Runs a shell command, or a list of arguments, inside over SSH.

        Raises SandboxError with the command's own words when it fails, unless check is False; a return code
        of 255 then says that SSH failed.
        """
        line = command if isinstance(command, str) else shlex.join(command)
        ssh = self.ssh_command(line)
        done = subprocess.run(ssh, input=stdin, capture_output=True, text=True, check=False, timeout=timeout_s)
        if check and done.returncode != 0:
            output = f"{done.stdout}{done.stderr}".rstrip()
            raise SandboxError(f"in sandbox {self.name}, status {done.returncode}: {line}\n{output}")
        return done

    @property
    def limits(self) -> Limits:
        """Read from the running sandbox."""
        facts = dict(line.split() for line in self.run(_READ_LIMITS).stdout.splitlines())
        return parse_limits(facts)

    def reboot(self) -> None:
        """Stops everything inside and starts it again, as a reboot does; returns when it is ready."""
        restart(connect(), self.container)
        wait_until_ready(self.ssh_command(), self.flavour, is_new=False, report=to_stderr)


def parse_limits(facts: dict[str, str]) -> Limits:
    """Who may raise hard limits (CAP_SYS_RESOURCE) is bound by the kernel's ceiling for open files alone."""
    if int(facts["bounding"], 16) >> _CAP_SYS_RESOURCE & 1:
        return Limits(nofile=int(facts["nr_open"]), memlock_kib=None)
    memlock = facts["memlock"]
    nofile = facts["nofile"]
    return Limits(
        nofile=int(facts["nr_open"] if nofile == "unlimited" else nofile),
        memlock_kib=None if memlock == "unlimited" else int(memlock) // 1024,
    )
