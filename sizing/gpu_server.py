"""vLLM on one host's GPUs: how many of them, how much of each, and what the KV cache will hold."""

from collections.abc import Iterator

from sizing.choices import Choices
from sizing.container import decide_memory, environment
from sizing.flags import render_args
from sizing.flags.fitness import Attention
from sizing.geometry import ModelGeometry
from sizing.goal import card_named, outlook_on_gpu
from sizing.gpu_choice import Failure, choose
from sizing.gpu_memory.gpu import card_facts
from sizing.gpu_ram import decide_ram
from sizing.gpu_refusal import refusal
from sizing.gpu_situation import situation
from sizing.gpu_sizing import Sizing
from sizing.gpu_values import decide_start, read_asked
from sizing.kv.batch import default_limits
from sizing.kv_values import capacity_values, mean_request
from sizing.request import PlanRequest
from sizing.serving import InfeasibleError, ServingPlan
from sizing.settings import decide_limits
from sizing.sized import Sized
from sizing.times import decide_times

MODIFIED = 2.2  # some cards exist with twice the usual memory


def plan_on_gpu(request: PlanRequest, chosen: Choices) -> ServingPlan:
    """The plan of a host with GPUs. Raises InfeasibleError where nothing starts, naming what would."""
    host, model = request.host, request.model
    _refuse_gpu(request)
    asked = read_asked(request, chosen)
    sizing = choose(request, asked)
    if isinstance(sizing, Failure):
        raise InfeasibleError(refusal(request, asked, sizing))
    decide_start(request, chosen, asked, sizing)
    _record_cache(request, chosen, sizing)
    ram = decide_ram(request, chosen, sizing)
    decide_memory(chosen, ram, "cuda")
    decide_limits(chosen, host, "cuda")
    decide_times(chosen, host, "cuda", model.loaded_weight_bytes, len(sizing.kv.cudagraph_sizes))
    outlook = outlook_on_gpu(situation(request, sizing))
    return ServingPlan(
        host=host.name,
        model=request.served_name,
        device="cuda",
        vllm_version=request.vllm_version,
        profile=request.goal.profile.value,
        values=chosen.finished(),
        settable=chosen.settable,
        host_ram=ram.budget,
        gpu_memory=sizing.as_budget(),
        vllm_arguments=_arguments(request, chosen, sizing),
        environment=environment("cuda"),
        outlook=outlook,
        warnings=(*_warnings(request, sizing), *outlook.warnings()),
    )


def _refuse_gpu(request: PlanRequest) -> None:
    """Raises InfeasibleError for a card nobody published figures of, or of a size it never had."""
    gpu = request.gpu
    card_named(gpu.name)
    facts = card_facts(gpu.name)
    if facts is not None and facts.total_gib is not None and gpu.memory_gib > MODIFIED * facts.total_gib:
        raise InfeasibleError(
            f"gpu.memory_gib: {gpu.memory_gib:g} is more than any {gpu.name} has; the usual is {facts.total_gib:g}"
        )


def _record_cache(request: PlanRequest, chosen: Choices, sizing: Sizing) -> None:
    kv, context = sizing.kv, sizing.settings.max_model_len
    chosen.record(
        Sized(
            name="kv_block_tokens",
            value=kv.block_tokens,
            unit="tokens",
            reason=f"the block of {' and '.join(kv.backends)}",
            derived_from=("host.gpu",),
        ),
        Sized(
            name="kv_bytes_per_token",
            value=kv.kv_bytes_per_token,
            unit="bytes",
            reason="2 (K and V) x layers x KV heads x head size x bytes per element, on each GPU",
            derived_from=("model", "kv_cache_dtype"),
        ),
        *capacity_values(sizing.blocks(), kv.pool, context, mean_request(request.goal, context), ("kv_cache_bytes",)),
    )


def _arguments(request: PlanRequest, chosen: Choices, sizing: Sizing) -> tuple[str, ...]:
    settings = sizing.settings
    seqs, tokens = default_limits(request.device)
    flags = {
        "served_model_name": [request.served_name],
        "port": request.port,
        "max_model_len": settings.max_model_len,
        "max_num_seqs": settings.max_num_seqs,
        "max_num_batched_tokens": settings.max_num_batched_tokens,
        "gpu_memory_utilization": sizing.utilization,
        "kv_cache_memory_bytes": settings.kv_cache_bytes,
        "kv_cache_dtype": settings.kv_cache_dtype,
        "tensor_parallel_size": settings.tensor_parallel,
        "api_server_count": chosen.integer("api_server_count"),
        "kv_offloading_size": chosen.number("kv_offload_gib") or None,
        "mm_processor_cache_gb": chosen.number("mm_processor_cache_gib")
        if "mm_processor_cache_gib" in chosen.values
        else None,
    }
    return render_args(
        flags,
        request.vllm_version,
        request.gpu.compute_capability,
        "cuda",
        attention=_attention(request.model),
        defaults={"max_num_seqs": seqs, "max_num_batched_tokens": tokens},
    )


def _attention(model: ModelGeometry) -> Attention:
    if model.latent:
        return "mla"
    return "sinks" if model.attention_sinks else "standard"


def _warnings(request: PlanRequest, sizing: Sizing) -> Iterator[str]:
    gpu = request.gpu
    if not sizing.starts:
        failing = next((c.says for c in sizing.budget.conditions if c.verdict != "starts"), "memory is tight")
        yield (
            f"server.overrides.gpu_memory_utilization: the start at {sizing.utilization:g} is a coin toss, {failing}"
        )
    facts = card_facts(gpu.name)
    if facts is not None and facts.capability != gpu.capability:
        usual = ".".join(map(str, facts.capability))
        yield f"gpu.compute_capability: {gpu.compute_capability} is planned for, but a {gpu.name} has {usual}"
    idle = gpu.count - sizing.settings.tensor_parallel
    if idle:
        yield (
            f"gpu.count: {idle} of {gpu.count} GPUs stay idle; server.overrides.tensor_parallel_size or another "
            "profile would use more"
        )
