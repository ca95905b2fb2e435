"""The GPUs of a host: what the driver says, what CDI describes, and what a container really sees."""

import re
from dataclasses import dataclass
from functools import cached_property

from testinfra.host import Host

_UUID = re.compile(r"GPU-[0-9a-f-]{36}")


@dataclass(frozen=True)
class Gpu:
    """One device as nvidia-smi lists it; memory in MiB."""

    index: int
    uuid: str
    name: str
    memory_mib: int


class Gpus:
    """Driver, devices and CDI of a host.

    Example: `Gpus(host).uuids == Gpus(host).cdi_uuids`
    """

    def __init__(self, host: Host) -> None:
        self._host = host

    @cached_property
    def loaded_version(self) -> str:
        """Version of the module in the kernel. AssertionError where none is loaded."""
        result = self._host.run("cat /sys/module/nvidia/version")
        assert result.succeeded, "no NVIDIA module is loaded on this host"  # noqa: S101
        return str(result.stdout).strip()

    @cached_property
    def library_version(self) -> str:
        """Version of the libnvidia-ml that programs get."""
        path = self._host.check_output(
            "readlink -f \"$(ldconfig -p | awk '/libnvidia-ml[.]so[.]1 / {print $NF; exit}')\""
        )
        return str(path).rsplit(".so.", 1)[-1]

    @cached_property
    def devices(self) -> tuple[Gpu, ...]:
        """Every GPU. AssertionError with nvidia-smi's own words where it fails."""
        result = self._host.run("nvidia-smi --query-gpu=index,uuid,name,memory.total --format=csv,noheader,nounits")
        assert result.succeeded, f"nvidia-smi: {result.stdout.strip()}"  # noqa: S101
        rows = ([cell.strip() for cell in line.split(",")] for line in result.stdout.splitlines() if line.strip())
        return tuple(Gpu(int(row[0]), row[1], row[2], int(float(row[3]))) for row in rows)

    @property
    def uuids(self) -> frozenset[str]:
        """UUIDs of the devices."""
        return frozenset(gpu.uuid for gpu in self.devices)

    @cached_property
    def cdi_uuids(self) -> frozenset[str]:
        """UUIDs that CDI can inject."""
        return frozenset(_UUID.findall(self._host.check_output("nvidia-ctk --quiet cdi list 2>/dev/null")))

    @cached_property
    def kept_packages(self) -> tuple[str, ...]:
        """Installed packages of the driver."""
        listing = self._host.check_output("dpkg-query -W -f '${db:Status-Abbrev} ${Package}\\n'")
        names = (line.split()[-1] for line in listing.splitlines() if line.startswith(("ii", "hi")))
        return tuple(name for name in names if re.match(r"(lib)?nvidia-(?!container)|libcuda1$", name))

    def seen_by(self, container: str) -> frozenset[str]:
        """UUIDs that nvidia-smi lists inside a running container. AssertionError with its words where it fails."""
        result = self._host.run('docker exec %s "$(command -v nvidia-smi)" -L', container)
        assert result.succeeded, f"nvidia-smi in '{container}': {(result.stdout + result.stderr).strip()}"  # noqa: S101
        return frozenset(_UUID.findall(result.stdout))

    def unit_is(self, unit: str, state: str) -> bool:
        """Whether a systemd unit is `enabled` or `active`."""
        return bool(self._host.run("systemctl is-%s %s", state, unit).stdout.strip() == state)
