"""Every limit and kernel setting of a serving host as one table: its value, where it takes effect, and why.

Each has one place. A container's limits are the container's own, so neither the daemon's defaults nor the
service manager's limits count for it; kernel settings live in one file of ours each.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from hosts.kernel import KernelEntry
from sizing.serving import ServingPlan

Place = Literal["container", "sysctl.d", "tmpfiles.d"]
Evidence = Literal["needed", "advice only"]

THP = "/sys/kernel/mm/transparent_hugepage/enabled"
ASKED = "asked for in gpuhost:kernel; no vLLM document asks for it and no gain is known"

# Planned value -> how the place calls it, where that is, and what the evidence is worth.
_PLANNED: tuple[tuple[str, str, Place, Evidence], ...] = (
    ("shm_mib", "/dev/shm", "container", "needed"),  # noqa: S108 - a name
    ("nofile", "ulimit nofile", "container", "needed"),
    ("memlock_bytes", "ulimit memlock", "container", "advice only"),
    ("stack_bytes", "ulimit stack", "container", "advice only"),
    ("container_memory_mib", "memory", "container", "needed"),
    ("container_memory_swap_mib", "memory and swap", "container", "needed"),
    ("pids_limit", "processes", "container", "needed"),
    ("somaxconn", "net.core.somaxconn", "sysctl.d", "needed"),
)


@dataclass(frozen=True)
class LimitSetting:
    """One setting under the name its place gives it."""

    key: str
    value: str
    unit: str
    place: Place
    evidence: Evidence
    reason: str

    @property
    def comment(self) -> str:
        """The reason as it stands in the file."""
        return f"{'Advice only: ' if self.evidence == 'advice only' else ''}{self.reason}"


def limit_settings(plan: ServingPlan, kernel: KernelEntry) -> tuple[LimitSetting, ...]:
    """The whole table of one host."""
    planned = [
        LimitSetting(key, str(plan[name]), plan.values[name].unit, place, evidence, plan.values[name].reason)
        for name, key, place, evidence in _PLANNED
    ]
    asked: Mapping[str, tuple[object, Place]] = {
        "vm.swappiness": (kernel.swappiness, "sysctl.d"),
        "vm.overcommit_memory": (kernel.overcommit_memory, "sysctl.d"),
        THP: (kernel.transparent_hugepage, "tmpfiles.d"),
    }
    return (
        *planned,
        *(
            LimitSetting(key, str(value), "", place, "advice only", ASKED)
            for key, (value, place) in asked.items()
            if value is not None
        ),
    )


def of_place(settings: tuple[LimitSetting, ...], place: Place) -> dict[str, str]:
    """Key and value of those that take effect there."""
    return {setting.key: setting.value for setting in settings if setting.place == place}
