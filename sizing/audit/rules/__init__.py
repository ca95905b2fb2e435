"""The rules of the audit, one file a subject; each yields findings on a case."""

from sizing.audit.finding import Case, Finding, Severity
from sizing.audit.rules.environment import environment_findings
from sizing.audit.rules.exposure import exposure_findings, restart_findings
from sizing.audit.rules.image import image_findings
from sizing.audit.rules.memory import memory_findings
from sizing.audit.rules.options import option_findings
from sizing.audit.rules.parser import parser_findings

_RULES = (
    image_findings,
    parser_findings,
    option_findings,
    memory_findings,
    environment_findings,
    exposure_findings,
)
_ORDER = list(Severity)


def all_findings(case: Case) -> tuple[Finding, ...]:
    """Every finding, worst first, each once."""
    found = [finding for rule in _RULES for finding in rule(case)]
    fails = any(finding.severity is Severity.FATAL for finding in found)
    found += restart_findings(case, fails=fails)
    unique = dict.fromkeys(found)
    return tuple(sorted(unique, key=lambda finding: _ORDER.index(finding.severity)))
