"""One SSH round trip that runs every component's read-only check on a host.

A check is a script that prints one line for each thing that is not as it was wished, and nothing where all
is well. Beside it lies its stamp: the trigger of the last apply that succeeded on that host.
"""

import hashlib
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hosts.folders import STAMPS

_MARK = "@@gpuhost@@"
# Names this installation of the host: another machine, or the same one reset, gives another.
_INSTALLATION = 'printf \'%s-%s\\n\' "$(cut -c1-8 /etc/machine-id 2>/dev/null)" "$(stat -c %Y /proc/1)"'


@dataclass(frozen=True)
class Check:
    """`text` is a POSIX script that reads nothing from standard input; `wish` stands for what it wishes."""

    name: str
    text: str
    wish: str = "-"


@dataclass(frozen=True)
class Observed:
    """What one check found. `stamp` is None where nothing was applied yet; it begins with the wish applied."""

    findings: tuple[str, ...] = ()
    stamp: str | None = None
    wish: str = "-"

    @property
    def drifted(self) -> bool:
        """Whether what is found differs from the very wish that was applied: a new wish is no drift."""
        return bool(self.findings) and self.stamp is not None and self.stamp.split(" ")[0] == self.wish

    @property
    def news(self) -> tuple[str, ...]:
        """What is found because another wish than this one was applied before."""
        return () if self.stamp is None or self.drifted else self.findings


@dataclass(frozen=True)
class HostObservation:
    """A host's checks by name; `away` says why it could not be asked."""

    checks: Mapping[str, Observed] = field(default_factory=dict)
    installation: str = ""
    away: str | None = None

    def trigger(self, name: str) -> str:
        """What moves exactly when there is something to repair.

        In sync it is the stamp of the last apply, so nothing is planned. Where findings differ from the wish
        it is a new text that names them; the apply that repairs them leaves it as the next stamp.
        """
        seen = self.checks.get(name, Observed())
        if seen.stamp is None:
            # Nothing was applied here, or its stamp is lost: what is found tells the two apart.
            found = f", {_short(repr(seen.findings))}" if seen.findings else ""
            return f"{seen.wish} first on {self.installation}{found}" if self.installation else ""
        if seen.drifted:
            return f"{seen.wish} {_short(seen.stamp)}: {'; '.join(seen.findings)}"
        return seen.stamp if seen.stamp.split(" ")[0] == seen.wish else seen.wish

    @property
    def drift(self) -> Mapping[str, tuple[str, ...]]:
        """Findings by component, where the wish is the one that was applied: what an `up` puts right."""
        return {name: seen.findings for name, seen in self.checks.items() if seen.drifted}


def probe_script(checks: Sequence[Check]) -> str:
    """All checks as one script, each framed by marks."""
    parts = [f"echo '{_MARK} installation'", _INSTALLATION]
    for check in checks:
        parts += [
            f"echo '{_MARK} findings {check.name} {check.wish}'",
            f"(\n{check.text.rstrip()}\n) < /dev/null 2>&1",
            f"if [ -f '{STAMPS}/{check.name}' ]; then",
            f"echo '{_MARK} stamp {check.name}'",
            f"cat '{STAMPS}/{check.name}'",
            "fi",
        ]
    return "\n".join(["{", *parts, "} < /dev/null", ""])


def read_probe(output: str) -> HostObservation:
    """The probe's output, taken apart at its marks."""
    findings: dict[str, tuple[tuple[str, ...], str]] = {}
    stamps: dict[str, str] = {}
    installation = ""
    for section in output.split(f"{_MARK} ")[1:]:
        title, _, body = section.partition("\n")
        kind, name, wish = [*title.split(" "), "", ""][:3]
        if kind == "installation":
            installation = body.strip()
        elif kind == "findings":
            findings[name] = (tuple(line for line in body.splitlines() if line.strip()), wish)
        elif kind == "stamp":
            stamps[name] = body.rstrip("\n")
    return HostObservation(
        {name: Observed(lines, stamps.get(name), wish) for name, (lines, wish) in findings.items()}, installation
    )


def observe(
    ssh_command: Sequence[str], checks: Sequence[Check], *, sudo: str = "", timeout_s: float = 120
) -> HostObservation:
    """Runs the checks over `ssh_command` (ssh with its options and destination).

    A host that cannot be reached, or that cuts the answer short, is `away` with ssh's own words; nothing raises.
    """
    try:
        result = subprocess.run(
            [*ssh_command, f"{sudo}sh -s"],
            input=probe_script(checks),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return HostObservation(away=str(error))
    if result.returncode != 0:
        return HostObservation(away=result.stderr.strip() or f"ssh ended with {result.returncode}")
    seen = read_probe(result.stdout)
    missing = [check.name for check in checks if check.name not in seen.checks]
    return HostObservation(away=f"no answer to {', '.join(missing)}") if missing else seen


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
