"""Who can reach the server, and what keeps it running."""

from sizing.audit.finding import Case, Findings, fatal, harmful, redundant

_LOOPBACK = {"127.0.0.1", "[::1]", "localhost"}
OPEN_ROUTES = "/metrics, /docs, /tokenize and even POST /invocations, which runs inference"


def exposure_findings(case: Case) -> Findings:
    """Ports, keys, privileges and the restart policy."""
    yield from _ports(case)
    if "api_key" in case.report.spelled:
        yield harmful(
            "--api-key",
            f"stands in the process list and in `docker inspect`, and guards /v1 only: {OPEN_ROUTES}, need none",
            "a gateway with an allow-list of routes; the key as VLLM_API_KEY from a file",
        )
    if case.settings.privileged:
        yield harmful("--privileged", "gives the container the host; GPUs need no privilege", "drop it")
    if case.settings.removed_on_exit and case.settings.restart not in {None, "no"} and case.launch.kind == "docker":
        yield fatal("--rm", f"docker refuses it beside --restart {case.settings.restart}", "drop one of them")


def restart_findings(case: Case, *, fails: bool) -> Findings:
    """A restart policy turns a start that fails into an endless loop."""
    policy = case.settings.restart or ""
    endless = policy in {"always", "unless-stopped", "on-failure"}
    if fails and endless:
        yield harmful(
            f"--restart {policy}", "the start fails, so the container is restarted for ever", "--restart on-failure:5"
        )


def _ports(case: Case) -> Findings:
    settings = case.settings
    key = "api_key" in case.report.spelled or "VLLM_API_KEY" in settings.environment
    keyed = "a key guards /v1 only" if key else "without a key"
    correction = "-p 127.0.0.1:8000:8000, and a gateway in front"
    if settings.network == "host":
        for port in settings.ports:
            yield redundant(f"-p {port.text}", "with --network host published ports are discarded")
        host = str(case.report.values.get("host", "0.0.0.0"))  # noqa: S104 - vLLM's default
        if host not in _LOOPBACK:
            yield harmful(
                "--network host",
                f"vLLM listens on every interface of the host, {keyed}: {OPEN_ROUTES}, are open",
                "a published port on a loopback or private address",
            )
        return
    for port in settings.ports:
        if port.address in {"", "0.0.0.0", "[::]"}:  # noqa: S104 - what we warn of
            yield harmful(
                f"-p {port.text}",
                f"publishes on every interface of the host, past its firewall, {keyed}: {OPEN_ROUTES}, are open",
                correction,
            )
