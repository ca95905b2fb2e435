"""What single options of vLLM do on this release and GPU, where the parser alone does not tell."""

import re

from sizing.audit.finding import SECRETS, Case, Findings, fatal, fine, harmful, redundant
from sizing.flags.fitness import AWQ_UNIFIED, BLOCK_MULTIPLE, CHECKPOINT_METHODS, unfit
from sizing.flags.render import DECIDED_LATER, is_default

SMALL_GPU_GIB = 70
DEFAULT_UTILISATION = 0.92
_QUANTISED = re.compile(r"awq|gptq", re.IGNORECASE)
# Options judged by a rule of their own below.
_JUDGED = {"block_size", "disable_log_stats", "kv_cache_dtype", "quantization", "tokenizer_mode", "api_server_count"}


def option_findings(case: Case) -> Findings:
    """One rule after the other, in a fixed order."""
    yield from _redundant(case)
    yield from _unfit(case)
    yield from _ranges(case)
    yield from _quantisation(case)
    yield from _tokenizer(case)
    yield from _kv_dtype(case)
    yield from _batching(case)
    yield from _switches(case)


def _redundant(case: Case) -> Findings:
    decided = DECIDED_LATER[case.target.device]
    for dest, value in case.report.values.items():
        option = case.table.by_dest[dest]
        if dest in {"model", *SECRETS} or value is None or not is_default(option, value, decided):
            continue
        later = option.default is None
        yield redundant(
            case.spelled(dest),
            f"is what vLLM {case.version} {'decides by itself on ' + case.target.device if later else 'does anyway'}",
        )
    if case.report.values.get("enforce_eager") and case.report.values.get("disable_custom_all_reduce"):
        return
    if case.report.values.get("disable_custom_all_reduce") and (case.number("tensor_parallel_size") or 1) == 1:
        yield redundant("--disable-custom-all-reduce", "one GPU reduces nothing")


def _unfit(case: Case) -> Findings:
    for dest, value in case.report.values.items():
        if dest in {"disable_log_stats", "quantization", "tokenizer_mode", "kv_offloading_backend"} or value is None:
            continue
        if isinstance(value, str) and "$" in value:
            continue
        if dest == "api_server_count" and value != 0:
            continue
        reason = unfit(dest, case.report.values, case.target)
        if reason is None:
            continue
        if dest == "calculate_kv_scales":
            yield harmful(case.spelled(dest), reason, "drop it")
            continue
        correction = "drop it"
        if dest == "block_size":
            correction = f"drop it; at least a multiple of {BLOCK_MULTIPLE[case.target.device]}"
        yield fatal(case.spelled(dest), reason, correction)


def _ranges(case: Case) -> Findings:
    """Values that parse and are refused later."""
    utilisation = case.number("gpu_memory_utilization")
    if utilisation is not None and not 0 < utilisation <= 1:
        yield fatal(case.spelled("gpu_memory_utilization"), "must lie in (0, 1]", "drop it: 0.92 is the default")
    for dest in ("max_num_seqs", "max_num_batched_tokens", "tensor_parallel_size", "pipeline_parallel_size"):
        value = case.number(dest)
        if value is not None and value < 1:
            yield fatal(
                case.spelled(dest), "must be at least 1; the parser lets it pass, the start does not", "drop it"
            )
    seqs, tokens = case.number("max_num_seqs"), case.number("max_num_batched_tokens")
    if seqs is not None and tokens is not None and tokens < seqs:
        yield fatal(
            case.spelled("max_num_batched_tokens"),
            f"is below --max-num-seqs {seqs:g}: every running sequence needs one token a step",
            f"at least {seqs:g}",
        )
    for dest, known in case.table.known_values.items():
        word = case.report.values.get(dest)
        lenient = {"slow", "custom"} if dest == "tokenizer_mode" else set()
        if isinstance(word, str) and "$" not in word and word not in {*known, *lenient}:
            yield fatal(
                case.spelled(dest),
                f"vLLM {case.version} knows no such {dest}; the parser lets it pass, the start does not",
                f"one of {', '.join(known)}",
            )


def _quantisation(case: Case) -> Findings:
    method = case.report.values.get("quantization")
    if isinstance(method, str) and method in CHECKPOINT_METHODS:
        setting = case.spelled("quantization")
        if method == "awq" and case.target.version < AWQ_UNIFIED:
            yield harmful(
                setting,
                f"on vLLM {case.version} it forces the slow AWQ kernels; unset, Marlin is taken",
                "drop it: the method stands in the checkpoint's config.json",
            )
        elif method.endswith("_marlin") and case.target.device == "cpu":
            yield fatal(setting, "Marlin does not exist on CPU: 'does not match'", "drop it")
        else:
            yield redundant(setting, "vLLM reads the method from the checkpoint's config.json", "drop it")
    dtype = case.report.values.get("dtype")
    if dtype in {"float16", "half"} and (method in CHECKPOINT_METHODS or _QUANTISED.search(case.model)):
        yield redundant(case.spelled("dtype"), "a 4-bit checkpoint says so itself, and auto takes it")


def _tokenizer(case: Case) -> Findings:
    if case.report.values.get("tokenizer_mode") != "mistral":
        return
    if case.model.startswith("mistralai/") and not _QUANTISED.search(case.model):
        yield fine(case.spelled("tokenizer_mode"), "mistralai's own repositories carry the versioned tokenizer file")
        return
    yield harmful(
        case.spelled("tokenizer_mode"),
        "needs tekken.json or tokenizer.model.v* in the folder: without, the start fails ('No tokenizer file "
        "found'); with a bare tokenizer.model, version 1 prompts are written for a later model",
        "drop it: auto finds the right tokenizer",
    )


def _kv_dtype(case: Case) -> Findings:
    value = case.report.values.get("kv_cache_dtype")
    if (
        not isinstance(value, str)
        or not value.startswith("fp8")
        or unfit("kv_cache_dtype", case.report.values, case.target)
    ):
        return
    capability = case.target.capability
    cost = "scales are 1.0 unless the checkpoint has them"
    if capability is not None and capability < 90:
        cost += (
            f"; at compute capability {capability / 10} it takes FlashInfer instead of FlashAttention (394 MiB more)"
        )
    yield fine(case.spelled("kv_cache_dtype"), f"halves the KV cache exactly; {cost}")


def _batching(case: Case) -> Findings:
    small = case.host is None or case.host.gpu is None or case.host.gpu.memory_gib < SMALL_GPU_GIB
    tokens, seqs = case.number("max_num_batched_tokens"), case.number("max_num_seqs")
    if tokens is not None and tokens > 8192 and small and case.target.device == "cuda":
        yield harmful(
            case.spelled("max_num_batched_tokens"),
            f"the start profiles that many tokens in one step, so it takes KV memory (92 KiB a token for a 7B model: "
            f"{tokens * 92 / (1 << 20):.1f} GiB) and lengthens the wait between tokens; it admits no request more",
            "2048 to 8192 on GPUs below 70 GiB; unset is 2048",
        )
    if seqs is not None and case.target.device == "cuda":
        default = 256 if small else 1024
        if seqs == default:
            yield redundant(case.spelled("max_num_seqs"), "is the default on such a GPU")
        elif 1 <= seqs < default:
            yield fine(
                case.spelled("max_num_seqs"),
                f"lowers the default of {default}: bounds latency and shrinks the CUDA graphs; how many long requests "
                "run at once is decided by KV memory",
            )


def _switches(case: Case) -> Findings:
    values = case.report.values
    if values.get("disable_log_stats"):
        yield harmful("--disable-log-stats", "removes every vllm:* metric from /metrics", "drop it")
    if values.get("enforce_eager") and case.target.device == "cuda":
        yield harmful("--enforce-eager", "turns off torch.compile and CUDA graphs: slower tokens", "drop it")
    if values.get("trust_remote_code"):
        yield harmful(
            "--trust-remote-code",
            "runs Python code of the model's repository in the server",
            "drop it, or pin --code-revision",
        )
    if values.get("enable_chunked_prefill") is False:
        yield harmful(
            case.report.spelled["enable_chunked_prefill"],
            "raises the batch to the whole context and warns of crashes or wrong output",
            "drop it",
        )
    if values.get("enable_prefix_caching") is False:
        yield harmful(case.report.spelled["enable_prefix_caching"], "recomputes every shared prefix", "drop it")
    utilisation = case.number("gpu_memory_utilization")
    if utilisation is not None and DEFAULT_UTILISATION < utilisation <= 1 and case.target.device == "cuda":
        gpu = case.host.gpu if case.host else None
        left = f", here {gpu.memory_gib * (1 - utilisation):.2f} GiB," if gpu else ""
        yield harmful(
            case.spelled("gpu_memory_utilization"),
            f"the start is refused unless that share is free: only {1 - utilisation:.0%}{left} may be in use "
            "by anything else",
            "drop it (0.92), or set --kv-cache-memory-bytes from the plan",
        )
    count = case.number("api_server_count")
    if count is not None and count > 1:
        yield fine(
            case.spelled("api_server_count"),
            "shares tokenising and HTTP; about 0.5 to 1 GiB RAM each, and no gain where the GPU is the limit",
        )
        if case.launch.program.form == "module_in_command":
            yield harmful(
                case.spelled("api_server_count"), "is ignored by the api_server module", "start with `vllm serve`"
            )
    if "kv_offloading_backend" in values and "kv_offloading_size" not in values:
        yield redundant(case.spelled("kv_offloading_backend"), "has no effect without --kv-offloading-size")
