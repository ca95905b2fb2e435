"""When a sandbox is ready: systemd says `running`, SSH lets us in, and its Docker Engine answers."""

import subprocess
import time

from hosts.sandbox.engine import Report
from hosts.sandbox.errors import SandboxError

READY_WITHIN_S = 90
_SSH_FAILED = 255


def wait_until_ready(ssh: list[str], flavour: str, *, is_new: bool, report: Report) -> None:
    """Returns once the sandbox is ready. Raises SandboxError with what it waited for after 90 s.

    A new sandbox must boot without a failed unit. In one that was used, a failed unit is its user's business
    and is only reported.
    """
    started = time.monotonic()
    _await_login(ssh, started, report)
    state = _ask(ssh, "systemctl is-system-running --wait", started).strip()
    if state != "running":
        failed = _ask(ssh, "systemctl list-units --failed --no-legend --plain; systemctl list-jobs", started)
        problem = f"systemd inside says {state or 'nothing'}, not running:\n{failed}".rstrip()
        if is_new:
            raise SandboxError(problem)
        report(problem)
    if flavour == "docker" and not _ask(ssh, "docker version -f '{{.Server.Version}}'", started).strip():
        log = _ask(ssh, "journalctl -u docker -n 10 -o cat", started)
        problem = f"its Docker Engine does not answer:\n{log}"
        if is_new:
            raise SandboxError(problem)
        report(problem)


def _await_login(ssh: list[str], started: float, report: Report) -> None:
    said_at = started
    while True:
        done = _ssh([*ssh, "true"], READY_WITHIN_S)
        if done.returncode == 0:
            return
        now = time.monotonic()
        if "verification failed" in done.stderr or "Permission denied" in done.stderr:
            raise SandboxError(f"the sandbox has other keys than this checkout recorded: {done.stderr.strip()}")
        if now - started > READY_WITHIN_S:
            raise SandboxError(f"no SSH login within {READY_WITHIN_S} s: {done.stderr.strip()}")
        if now - said_at > 5:
            said_at = now
            report(f"waiting for SSH, {now - started:.0f} s")
        time.sleep(0.1)


def _ask(ssh: list[str], command: str, started: float) -> str:
    left = max(1.0, READY_WITHIN_S - (time.monotonic() - started))
    try:
        done = _ssh([*ssh, command], left)
    except subprocess.TimeoutExpired:
        raise SandboxError(f"not ready within {READY_WITHIN_S} s: still waiting for `{command}`") from None
    if done.returncode == _SSH_FAILED:
        raise SandboxError(f"SSH failed during `{command}`: {done.stderr.strip()}")
    return done.stdout


def _ssh(command: list[str], timeout_s: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=timeout_s, stdin=subprocess.DEVNULL
    )
