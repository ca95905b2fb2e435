"""`python -m sizing audit`: reads a launch on standard input and says what it does on a release and a host."""

import argparse
import json
import sys
import textwrap
from pathlib import Path

from hosts.catalogue import shape_named
from sizing.audit.finding import Severity
from sizing.audit.judge import Verdict, judge
from sizing.audit.launch import UnreadableError
from sizing.audit.read import MAX_TEXT_BYTES, read_launch
from sizing.audit.stack_file import corrected_stack
from sizing.flags import UnknownVersionError, available_versions

EXIT_FATAL = 1
EXIT_UNREADABLE = 2
_WIDTH = 110


def audit_main(argv: list[str]) -> int:
    """Exit status: 0, 1 where something is fatal, 2 where the text or an option cannot be understood."""
    options = _options(argv)
    try:
        host = None if options.host is None else shape_named(options.host)
    except ValueError as error:
        return _refused(f"--host {options.host}: {error}")
    text = sys.stdin.buffer.read(MAX_TEXT_BYTES + 1).decode("utf-8", errors="replace")
    try:
        verdict = judge(read_launch(text, options.service), options.vllm, host)
    except (UnreadableError, UnknownVersionError) as error:
        return _refused(str(error))
    try:
        stack = None if host is None or options.json else corrected_stack(verdict, host, options.config)
    except ValueError as error:
        stack = f"# No corrected stack: {error}\n"
    if options.json:
        sys.stdout.write(json.dumps(verdict.as_json()) + "\n")
    elif options.stack:
        sys.stdout.write(stack or "")
    else:
        sys.stdout.write(_table(verdict, options.host) + (f"\nCorrected stack file:\n\n{stack}" if stack else ""))
    fatal = any(finding.severity is Severity.FATAL for finding in verdict.findings)
    return EXIT_FATAL if fatal else 0


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sizing audit",
        description="Audits a docker run or podman run line, a compose file or vLLM options on standard input.",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--vllm", metavar="VERSION", help=f"the release to judge by: {', '.join(available_versions())}")
    parser.add_argument("--host", metavar="NAME", help="a shape from hosts/catalogue, for example guide-21g-8c-32g")
    parser.add_argument("--service", metavar="NAME", help="the service of a compose file, if it has several")
    parser.add_argument("--stack", action="store_true", help="print the corrected stack file alone (needs --host)")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="the model's config.json, so that the corrected goal fits the host"
    )
    options = parser.parse_args(argv)
    if options.stack and options.host is None:
        parser.error("--stack needs --host")
    return options


def _refused(message: str) -> int:
    sys.stderr.write(f"audit: {message}\n")
    return EXIT_UNREADABLE


def _table(verdict: Verdict, host: str | None) -> str:
    launch = verdict.launch
    where = f" on {host}" if host else ""
    starts = {True: "starts", False: "does not start", None: "cannot be judged from this text"}[verdict.starts]
    name = launch.image or "vllm serve"
    lines = [f"{name} with vLLM {verdict.version}{where}: {starts}", ""]
    for finding in verdict.findings:
        lines.append(f"{finding.severity.value:<10} {finding.setting}")
        for text in (finding.evidence, "-> " + finding.correction):
            lines += textwrap.wrap(text, _WIDTH, initial_indent=" " * 11, subsequent_indent=" " * 14)
    counts = [
        f"{count} {severity.value}"
        for severity in Severity
        if (count := sum(finding.severity is severity for finding in verdict.findings))
    ]
    return "\n".join([*lines, "", ", ".join(counts) or "nothing to find fault with"]) + "\n"
