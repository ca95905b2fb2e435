"""What the release's parser holds against the arguments."""

import difflib
from collections.abc import Mapping

from sizing.audit.finding import SECRETS, Case, Finding, Findings, fatal, harmful, redundant
from sizing.flags import BadArgument, last_version_with

# What took an option's place. Without an entry the correction is to drop it.
SUCCESSORS: Mapping[str, str] = {
    "--calculate-kv-scales": "drop it: KV scales come from the checkpoint, else they are 1.0",
    "--cpu-only": "drop it and use a CPU image",
    "--device": "drop it: the device is found by itself; for CPU use a CPU image",
    "--disable-log-requests": "drop it: requests are not logged unless --enable-log-requests is given",
    "--enable-reasoning": "drop it: --reasoning-parser alone turns it on",
    "--guided-decoding-backend": "--structured-outputs-config.backend",
    "--max-seq-len-to-capture": "--max-cudagraph-capture-size counts sequences; most servers need neither",
    "--max-context-len-to-capture": "--max-cudagraph-capture-size counts sequences; most servers need neither",
    "--num-scheduler-steps": "drop it: scheduling is asynchronous by itself",
    "--num-speculative-tokens": "--spec-tokens, or num_speculative_tokens in --speculative-config",
    "--rope-scaling": "--hf-overrides with rope_parameters",
    "--rope-theta": "--hf-overrides with rope_parameters",
    "--speculative-model": "--spec-model, or model in --speculative-config",
    "--swap-space": "drop it: there is no swap of KV; --kv-offloading-size keeps prefixes in RAM",
    "--task": "--runner pooling, with --convert embed, classify or reward where needed",
    "--tool-parser": "--tool-call-parser",
    "--use-v2-block-manager": "drop it: there is one block manager",
    "--worker-use-ray": "--distributed-executor-backend ray, and only across hosts",
}
_BOOLEAN_WORDS = {"true", "false", "True", "False", "1", "0", "yes", "no", "on", "off"}


def parser_findings(case: Case) -> Findings:
    """Unknown options, refused values, surplus words, and what only just passes."""
    yield from _refused(case)
    yield from _barely_passing(case)
    yield from _after_parsing(case)


def _refused(case: Case) -> Findings:
    report = case.report
    if report.malformed:
        yield fatal("arguments", f"vLLM {case.version}: {report.malformed}", "give the model first: vllm serve MODEL …")
    for flag in report.unknown:
        yield _unknown(case, flag)
    for bad in report.bad_values:
        yield _bad_value(case, bad)
    if report.stray:
        yield _stray(case)
    if report.asks_for_help:
        yield fatal("--help", "prints the help text and exits", "drop it")


def _barely_passing(case: Case) -> Findings:
    report = case.report
    for given, full in sorted(report.abbreviated.items()):
        yield harmful(
            given,
            f"passes only as the beginning of {full}; a release with another option of that beginning refuses it",
            full,
        )
    for flag in report.repeated:
        yield harmful(flag, "is given more than once; the last one wins", "give it once, with all its values")
    for dest, spelling in report.spelled.items():
        if case.table.by_dest[dest].deprecated:
            yield harmful(spelling, f"is deprecated in vLLM {case.version} and will go", "drop it")
    if "model" in report.spelled or _model_by_flag(case):
        yield redundant(
            "--model", "is deprecated for `vllm serve`: the model is its first argument", "vllm serve MODEL"
        )


def _model_by_flag(case: Case) -> bool:
    return any(word == "--model" or word.startswith("--model=") for word in case.launch.program.arguments)


def _unknown(case: Case, flag: str) -> Finding:
    name = flag.partition(" ")[0]
    if " " in flag:
        return fatal(
            flag,
            f"option and value arrive as one word, which vLLM {case.version} does not know",
            f"two list items: {name} and {flag.partition(' ')[2]}",
        )
    if flag in case.report.ambiguous:
        matches = ", ".join(case.report.ambiguous[flag])
        evidence = f"vLLM {case.version} exits with 2: it could mean {matches}"
    else:
        last = last_version_with(flag)
        gone = f"; {last} still had it" if last else ""
        evidence = f"vLLM {case.version} has no such option and exits with 2{gone}"
    if flag in SUCCESSORS:
        return fatal(flag, evidence, SUCCESSORS[flag])
    close = difflib.get_close_matches(flag, case.table.by_spelling, n=1, cutoff=0.8)
    return fatal(flag, evidence, f"did you mean {close[0]}? Else drop it" if close else "drop it")


def _bad_value(case: Case, bad: BadArgument) -> Finding:
    option = case.table.accepted[bad.flag]
    correction = "give a value it takes, or drop it"
    if option.dest == "limit_mm_per_prompt":
        correction = """JSON: --limit-mm-per-prompt '{"image": 1}'"""
    elif bad.message.startswith("expected"):
        correction = "give the value, or drop the option; a variable that is empty leaves none"
    elif bad.message.startswith("takes no value"):
        correction = f"{bad.flag} alone turns it on"
    elif "GiB" in bad.message or "iB'" in bad.message:
        correction = "bytes, or a number with K, M or G: 8G"
    # A secret is never shown; a message about a value would show it.
    secret = option.dest in SECRETS and len(bad.given) > 1
    shown = bad.flag if secret else " ".join(bad.given)
    message = "the value is refused" if secret else bad.message
    return fatal(shown, f"vLLM {case.version} exits with 2: {message}", correction)


def _stray(case: Case) -> Finding:
    stray = case.report.stray
    shown = " ".join(word or "''" for word in stray)
    if set(stray) <= _BOOLEAN_WORDS:
        return fatal(
            shown,
            f"vLLM {case.version} exits with 2: switches take no value, so '{shown}' is a surplus word",
            "the switch alone, or its --no-… or --disable-… spelling to turn it off",
        )
    return fatal(
        shown,
        f"vLLM {case.version} exits with 2 on surplus words; the first word, '{case.model}', was taken for the model",
        "leave only options after the model",
    )


def _after_parsing(case: Case) -> Findings:
    values = case.report.values
    if values.get("enable_auto_tool_choice") and not values.get("tool_call_parser"):
        yield fatal("--enable-auto-tool-choice", "stops with a TypeError without --tool-call-parser", "name the parser")
    if values.get("enable_log_outputs") and not values.get("enable_log_requests"):
        yield fatal("--enable-log-outputs", "stops without --enable-log-requests", "give both or neither")
    if values.get("enable_per_request_metrics") and values.get("disable_log_stats"):
        yield fatal("--enable-per-request-metrics", "stops beside --disable-log-stats", "drop --disable-log-stats")
    if values.get("headless") and (case.number("api_server_count") or 0) > 0:
        yield fatal("--headless", "stops beside --api-server-count", "drop one of them")
