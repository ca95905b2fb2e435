"""A process of the host as the kernel sees it."""

from dataclasses import dataclass
from functools import cached_property

from testinfra.host import Host

UNLIMITED = -1
_LIMIT_NAMES = {"memlock": "Max locked memory", "nofile": "Max open files", "stack": "Max stack size"}


@dataclass(frozen=True)
class MountedFolder:
    """One mount of the process's own namespace."""

    read_only: bool
    options: tuple[str, ...]

    @property
    def size_bytes(self) -> int | None:
        """Size of a tmpfs; None where the mount states none."""
        for option in self.options:
            if option.startswith("size="):
                text = option.removeprefix("size=")
                unit = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}.get(text[-1].lower())
                return int(text[:-1]) * unit if unit else int(text)
        return None


class Process:
    """Limits, identity, mounts and cgroup of one process.

    Example: `Process(host, 4711).limits["nofile"] == (65535, 65535)`
    """

    def __init__(self, host: Host, pid: int) -> None:
        self._host = host
        self.pid = pid

    def _read(self, name: str) -> str:
        return str(self._host.check_output("cat /proc/%s/%s", str(self.pid), name))

    @cached_property
    def limits(self) -> dict[str, tuple[int, int]]:
        """Soft and hard limit by ulimit name, in setrlimit's unit; -1 is unlimited."""
        found: dict[str, tuple[int, int]] = {}
        for line in self._read("limits").splitlines():
            for name, title in _LIMIT_NAMES.items():
                if line.startswith(title):
                    soft, hard = line.removeprefix(title).split()[:2]
                    found[name] = (_limit(soft), _limit(hard))
        return found

    @cached_property
    def status(self) -> dict[str, str]:
        """The fields of /proc/<pid>/status."""
        pairs = (line.split(":", 1) for line in self._read("status").splitlines() if ":" in line)
        return {key: value.strip() for key, value in pairs}

    @property
    def user(self) -> str:
        """Effective `uid:gid`."""
        return f"{self.status['Uid'].split()[1]}:{self.status['Gid'].split()[1]}"

    @property
    def capabilities(self) -> int:
        """Every capability the process has or could get, as a bit mask; 0 is none."""
        return int(self.status["CapEff"], 16) | int(self.status["CapPrm"], 16) | int(self.status["CapBnd"], 16)

    @property
    def can_gain_privileges(self) -> bool:
        """Whether a set-uid program would still raise its privileges."""
        return self.status["NoNewPrivs"] != "1"

    @cached_property
    def mounts(self) -> dict[str, MountedFolder]:
        """Mounts by folder, from the process's own mountinfo; a later mount hides an earlier one."""
        found: dict[str, MountedFolder] = {}
        for line in self._read("mountinfo").splitlines():
            before, after = line.split(" - ", 1)
            fields = before.split()
            options = tuple(after.split()[2].split(",")) if len(after.split()) > 2 else ()
            found[fields[4]] = MountedFolder("ro" in fields[5].split(","), options)
        return found

    @cached_property
    def cgroup_paths(self) -> dict[str, str]:
        """cgroup path by controller; the unified hierarchy is the empty name."""
        found: dict[str, str] = {}
        for line in self._read("cgroup").splitlines():
            _, controllers, path = line.split(":", 2)
            for controller in controllers.split(","):
                found[controller] = path
        return found

    @property
    def arguments(self) -> tuple[str, ...]:
        """The process's argument vector."""
        raw = self._host.check_output("tr '\\0' '\\n' < /proc/%s/cmdline", str(self.pid))
        return tuple(str(raw).split("\n"))


def _limit(text: str) -> int:
    return UNLIMITED if text == "unlimited" else int(text)
