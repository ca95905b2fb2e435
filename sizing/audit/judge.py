"""Judges one launch: what reaches vLLM, whether the release takes it, and what is wrong with it."""

import re
from dataclasses import dataclass

from hosts.catalogue import Shape
from sizing.audit.finding import Case, Finding, Severity
from sizing.audit.images import image_of
from sizing.audit.launch import Launch
from sizing.audit.rules import all_findings
from sizing.audit.shell import compose_words
from sizing.flags import ArgumentReport, available_versions, check_arguments, flag_table, nearest_version
from sizing.flags.fitness import Device, target_for

# Where neither a host nor the text says which GPU: what most rented 24 GB cards have.
ASSUMED_CAPABILITY = "8.6"


@dataclass(frozen=True)
class Verdict:
    """The outcome of an audit. `parses` and `starts` are None where the arguments are not in the text."""

    launch: Launch
    version: str
    report: ArgumentReport
    findings: tuple[Finding, ...]
    parses: bool | None
    starts: bool | None

    def as_json(self) -> dict[str, object]:
        """The answer of `audit --json`."""
        return {
            "image": self.launch.image,
            "vllm_args": list(self.launch.program.arguments),
            "parses": self.parses,
            "unknown": list(self.report.unknown),
            "findings": [
                {
                    "severity": finding.severity.value,
                    "setting": finding.setting,
                    "evidence": finding.evidence,
                    "correction": finding.correction,
                }
                for finding in self.findings
            ],
            "starts": self.starts,
        }


def judge(launch: Launch, version: str | None = None, host: Shape | None = None) -> Verdict:
    """`version` is a release with a flag table; unset, it is the image's or the nearest one to it.

    Raises UnknownVersionError.
    """
    image = image_of(launch.image)
    if version is None:
        version = nearest_version(image.vllm_version) if image.vllm_version else available_versions()[-1]
    table = flag_table(version)
    report = check_arguments(_resolved(launch), table)
    capability = host.gpu.compute_capability if host and host.gpu else ASSUMED_CAPABILITY
    device = _device(image.accelerator, host)
    case = Case(
        launch=launch,
        image=image,
        report=report,
        table=table,
        target=target_for(table.vllm_version, capability if device == "cuda" else None, device),
        host=host,
    )
    findings = all_findings(case)
    known = launch.program.known
    fails = any(finding.severity is Severity.FATAL for finding in findings)
    return Verdict(
        launch=launch,
        version=table.vllm_version,
        report=report,
        findings=findings,
        parses=report.parses if known else None,
        starts=not fails if known or fails else None,
    )


def _device(accelerator: str, host: Shape | None) -> Device:
    if accelerator == "cpu" or (accelerator == "unknown" and host is not None and host.gpu is None):
        return "cpu"
    return "cuda"


def _resolved(launch: Launch) -> list[str]:
    """The arguments with what the same script sets put in; parameters of the script are none."""
    words: list[str] = []
    for word in launch.program.arguments:
        whole = re.fullmatch(r"\$(\w+)", word)
        if word in {"$@", "$*"}:
            continue
        if whole and whole.group(1) in launch.assignments:
            words += compose_words(launch.assignments[whole.group(1)])[0]
        else:
            words.append(re.sub(r"\$(\w+)", lambda match: launch.assignments.get(match.group(1), match.group()), word))
    # The variable held the whole command.
    return words[2:] if words[:2] == ["vllm", "serve"] and launch.program.arguments[0] != "vllm" else words
