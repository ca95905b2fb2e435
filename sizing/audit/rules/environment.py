"""Environment variables: which the release reads, and what they do."""

import re

from sizing.audit.finding import Case, Findings, fatal, harmful, redundant

_DEVICES = re.compile(r"(\d+(,\s*\d+)*|(GPU|MIG)-[\w/.-]+(,.*)?|.*\$.*)")
_LITERAL_SECRET = re.compile(r"(TOKEN|API_KEY|SECRET|PASSWORD)$")
_PLACEHOLDER = re.compile(r"^$|[<>$\[\]{}]|^(your|my|xxx|change|token|hf_x+$|\.\.\.)", re.IGNORECASE)
# Names vLLM itself gives up, with what took their place.
SUCCESSORS = {
    "VLLM_ATTENTION_BACKEND": "--attention-backend",
    "VLLM_USE_V1": "drop it: there is one engine",
    "VLLM_TORCH_PROFILER_DIR": "--profiler-config",
}


def environment_findings(case: Case) -> Findings:
    """Every variable that is without effect, does harm or gives a secret away."""
    for name, value in sorted(case.settings.environment.items()):
        yield from _variable(case, name, value)


def _variable(case: Case, name: str, value: str) -> Findings:
    shown = f"{name}={value}" if not _LITERAL_SECRET.search(name) else name
    option = name.lower().removeprefix("vllm_")
    if name == "OMP_NUM_THREADS":
        yield harmful(
            shown,
            "vLLM serves with one thread a process by itself; set from outside, threads spin and throttle",
            "drop it",
        )
    elif name == "VLLM_MEDIA_LOADING_THREAD_COUNT":
        yield redundant(shown, "only the media fetcher reads it: no effect on a text model")
    elif name == "VLLM_SERVER_DEV_MODE" and value not in {"", "0"}:
        yield harmful(shown, "opens administrative routes (sleep, cache reset, RPC) to every client", "drop it")
    elif name == "VLLM_ALLOW_LONG_MAX_MODEL_LEN" and value not in {"", "0"}:
        yield harmful(shown, "lets the context exceed what the model was made for: wrong output", "drop it")
    elif name == "CUDA_VISIBLE_DEVICES" and case.target.device == "cuda" and not _DEVICES.fullmatch(value):
        yield fatal(shown, "names no GPU, so CUDA sees none", "drop it, or numbers such as 0,1")
    elif name.startswith("VLLM_") and name not in case.table.environment:
        yield redundant(
            shown,
            f"vLLM {case.version} reads no such variable and says so",
            SUCCESSORS.get(name, _flag_for(case, option)),
        )
    elif option in case.table.by_dest and name not in case.table.environment and not name.startswith(("HF_", "HOST")):
        yield harmful(shown, "the image reads no such variable: vLLM starts with its default", _flag_for(case, option))
    if _LITERAL_SECRET.search(name) and not _PLACEHOLDER.search(value):
        yield harmful(
            name, "the secret stands in the command line and in `docker inspect`", "--env-file readable by root alone"
        )


def _flag_for(case: Case, option: str) -> str:
    known = case.table.by_dest.get(option)
    return f"use {known.name}" if known else "drop it"
