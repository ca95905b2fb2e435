"""The cgroup limits that bind a process, on hosts with version 1 and version 2."""

from functools import cached_property

from testinfra.host import Host

from facts.process import Process

_V1 = {
    "memory.max": ("memory", "memory.limit_in_bytes"),
    "memory.swap": ("memory", "memory.memsw.limit_in_bytes"),
    "pids.max": ("pids", "pids.max"),
    "cpu.quota": ("cpu", "cpu.cfs_quota_us"),
    "cpu.period": ("cpu", "cpu.cfs_period_us"),
}
_V2 = {"memory.max": "memory.max", "memory.swap": "memory.swap.max", "pids.max": "pids.max", "cpu.quota": "cpu.max"}


class Cgroup:
    """What the kernel enforces on a container.

    Example: `Cgroup(host, process).memory_bytes == 4 << 30`
    """

    def __init__(self, host: Host, process: Process) -> None:
        self._host = host
        self._process = process

    @cached_property
    def version(self) -> int:
        """1 or 2, by where the memory controller is."""
        return 1 if "memory" in self._process.cgroup_paths else 2

    def _read(self, name: str) -> str:
        if self.version == 1:
            controller, file = _V1[name]
            path = f"/sys/fs/cgroup/{controller}{self._process.cgroup_paths[controller]}/{file}"
        else:
            path = f"/sys/fs/cgroup{self._process.cgroup_paths['']}/{_V2[name]}"
        return str(self._host.check_output("cat %s", path)).strip()

    @property
    def memory_bytes(self) -> int | None:
        """The memory limit; None is unlimited."""
        return _bytes(self._read("memory.max"))

    @property
    def swap_bytes(self) -> int | None:
        """Swap on top of the memory limit; None is unlimited."""
        limit = _bytes(self._read("memory.swap"))
        if limit is None or self.version == 2:
            return limit
        return limit - (self.memory_bytes or 0)

    @property
    def pids(self) -> int | None:
        """The process limit; None is unlimited."""
        return _bytes(self._read("pids.max"))

    @property
    def cpus(self) -> float | None:
        """The CPU limit; None is unlimited."""
        if self.version == 2:
            quota, period = self._read("cpu.quota").split()
        else:
            quota, period = self._read("cpu.quota"), self._read("cpu.period")
        return None if quota in ("max", "-1") else int(quota) / int(period)


def _bytes(text: str) -> int | None:
    """A limit file's number; version 1 writes 'unlimited' as the largest page-aligned number."""
    return None if text == "max" or int(text) >= 1 << 62 else int(text)
