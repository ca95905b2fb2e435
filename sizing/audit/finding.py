"""What an audit says of one setting, and everything a rule may look at."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from hosts.catalogue import Shape
from sizing.audit.images import Image
from sizing.audit.launch import ContainerSettings, Launch
from sizing.flags import ArgumentReport, FlagTable
from sizing.flags.fitness import Target

GIB = 1 << 30
# What Docker and Podman give a container's /dev/shm when nothing is said.
DEFAULT_SHM_BYTES = 64 << 20


class Severity(StrEnum):
    """How much a setting matters, worst first."""

    FATAL = "fatal"  # the container does not start, or vLLM in it does not
    HARMFUL = "harmful"  # it starts, and is worse off
    REDUNDANT = "redundant"  # it changes nothing
    FINE = "fine"  # right as it is, with something worth knowing


@dataclass(frozen=True)
class Finding:
    """One setting, judged: what speaks for the verdict, and what would be right."""

    severity: Severity
    setting: str
    evidence: str
    correction: str


@dataclass(frozen=True)
class Case:
    """One launch on one release and, where named, one host."""

    launch: Launch
    image: Image
    report: ArgumentReport
    table: FlagTable
    target: Target
    host: Shape | None

    @property
    def settings(self) -> ContainerSettings:
        """What the container engine is asked for."""
        return self.launch.settings

    @property
    def version(self) -> str:
        """The release the launch is judged by."""
        return self.table.vllm_version

    @property
    def contained(self) -> bool:
        """Whether there is a container around the arguments at all."""
        return self.launch.kind != "arguments"

    @property
    def model(self) -> str:
        """The model as written, "" where none is."""
        return str(self.report.model or self.report.values.get("model") or "")

    def number(self, dest: str) -> float | None:
        """The value of a numeric option that was given and resolved."""
        value = self.report.values.get(dest)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def spelled(self, dest: str) -> str:
        """The option as written with its value, `--block-size 8`."""
        value = self.report.values.get(dest)
        name = self.report.spelled.get(dest, dest)
        shown = " ".join(str(item) for item in value) if isinstance(value, list) else str(value)
        return name if isinstance(value, bool) or dest in SECRETS else f"{name} {shown}"

    def shm_bytes(self) -> int | None:
        """What /dev/shm offers the container; None where that depends on an unknown host."""
        if self.settings.ipc == "host":
            # Linux gives /dev/shm half of the RAM it sees, which is less than what is built in.
            return None if self.host is None else int(self.host.memory_gib * GIB / 2 * 0.99)
        return self.settings.shm_bytes if self.settings.shm_bytes is not None else DEFAULT_SHM_BYTES


SECRETS = frozenset({"api_key", "hf_token"})
Findings = Iterator[Finding]


def fatal(setting: str, evidence: str, correction: str) -> Finding:
    """A finding that keeps the server from starting."""
    return Finding(Severity.FATAL, setting, evidence, correction)


def harmful(setting: str, evidence: str, correction: str) -> Finding:
    """A finding that makes the server worse."""
    return Finding(Severity.HARMFUL, setting, evidence, correction)


def redundant(setting: str, evidence: str, correction: str = "drop it") -> Finding:
    """A finding without effect."""
    return Finding(Severity.REDUNDANT, setting, evidence, correction)


def fine(setting: str, evidence: str, correction: str = "keep it") -> Finding:
    """A finding to keep."""
    return Finding(Severity.FINE, setting, evidence, correction)
