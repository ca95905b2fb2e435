"""The host RAM of a GPU server: API servers, the KV offload, multimodal caches."""

from sizing.choices import Bounds, Choices
from sizing.gpu_sizing import Sizing
from sizing.host_ram import MIB, RamNeeds, RamPlan, largest, plan_host_ram
from sizing.host_ram.offload import region_bytes
from sizing.profiles import PREFERENCES, api_servers
from sizing.request import PlanRequest
from sizing.serving import InfeasibleError
from sizing.sized import Sized

MULTIMODAL_CACHE_GIB = 4  # vLLM's own, for every API server and the engine
MIB_PER_GIB = 1024


def decide_ram(request: PlanRequest, chosen: Choices, sizing: Sizing) -> RamPlan:
    """Decides what is a choice about RAM, in the order of need, and divides it.

    Raises InfeasibleError where the host cannot carry the server or an override.
    """
    _decide_api_servers(request, chosen, sizing)
    if request.model.vision is not None:
        _decide_multimodal(request, chosen, sizing)
    _decide_offload(request, chosen, sizing)
    limit_mib = chosen.asked_integer("container_memory_mib", "MiB")
    return plan_host_ram(request.host.memory_bytes, _needs(request, chosen, sizing), limit_mib)


def _needs(
    request: PlanRequest,
    chosen: Choices,
    sizing: Sizing,
    *,
    servers: int | None = None,
    cache_mib: int | None = None,
    offload_mib: int | None = None,
) -> RamNeeds:
    """The needs with what is decided so far; a keyword tries another value."""

    def decided_mib(name: str) -> int:
        return round(chosen.number(name) * MIB_PER_GIB) if name in chosen.values else 0

    offload = (decided_mib("kv_offload_gib") if offload_mib is None else offload_mib) * MIB
    return RamNeeds(
        device="cuda",
        weight_bytes=request.model.loaded_weight_bytes,
        offload_bytes=offload,
        region_bytes=region_bytes(offload, request.model, request.vllm_version, sizing.settings.tensor_parallel),
        multimodal_cache_bytes=(decided_mib("mm_processor_cache_gib") if cache_mib is None else cache_mib) * MIB,
        api_servers=chosen.integer("api_server_count") if servers is None else servers,
        workers=sizing.settings.tensor_parallel,
    )


def _decide_api_servers(request: PlanRequest, chosen: Choices, sizing: Sizing) -> None:
    total = request.host.memory_bytes
    plan_host_ram(total, _needs(request, chosen, sizing, servers=1))  # says what one server lacks
    fits = largest(total, lambda more: _needs(request, chosen, sizing, servers=1 + more), request.host.cpus) + 1
    preference = PREFERENCES[request.goal.profile]
    most = min(fits, request.host.cpus)
    chosen.decide(
        Sized(
            name="api_server_count",
            value=min(api_servers(preference, request.host.cpus), most),
            unit="processes",
            reason="one for each four CPUs, at most four: they share tokenizing; text alone gains little"
            if preference.several_api_servers
            else "one: tokenizing is no bottleneck, and each further one takes 0.75 GiB beside an idle parent",
            derived_from=("host.cpus", "goal.profile"),
        ),
        Bounds(1, most, "one is the least", "the host's CPUs and RAM carry no more"),
    )


def _decide_multimodal(request: PlanRequest, chosen: Choices, sizing: Sizing) -> None:
    most_mib = largest(
        request.host.memory_bytes,
        lambda mib: _needs(request, chosen, sizing, cache_mib=mib),
        MULTIMODAL_CACHE_GIB * MIB_PER_GIB * 8,
    )
    quarter_gib = most_mib // 256 / 4
    chosen.decide(
        Sized(
            name="mm_processor_cache_gib",
            value=min(float(MULTIMODAL_CACHE_GIB), quarter_gib),
            unit="GiB",
            reason="processed images are kept for their next use; each API server and the engine keep as much"
            + ("" if quarter_gib >= MULTIMODAL_CACHE_GIB else "; less than vLLM's own 4 GiB, the RAM leaves no more"),
            derived_from=("model", "host.memory_gib", "api_server_count"),
        ),
        Bounds(0, quarter_gib, "0 keeps none", "the host's RAM leaves no more"),
    )


def _decide_offload(request: PlanRequest, chosen: Choices, sizing: Sizing) -> None:
    total, weights = request.host.memory_bytes, request.model.loaded_weight_bytes
    most_mib = largest(
        total, lambda mib: _needs(request, chosen, sizing, offload_mib=mib), request.host.memory_bytes // MIB
    )
    if most_mib < 0:
        raise InfeasibleError("memory_gib: the host's RAM does not carry the server")
    size = 0
    if PREFERENCES[request.goal.profile].offload:
        beside_weights = most_mib - weights // MIB
        gpu_cache = sizing.kv_cache.low * sizing.settings.tensor_parallel // MIB
        size = max(0, min(beside_weights, gpu_cache) // MIB_PER_GIB)
    chosen.decide(
        Sized(
            name="kv_offload_gib",
            value=float(size),
            unit="GiB",
            reason="a second-level prefix cache in RAM: it never raises the number of running requests"
            + ("; as large as the GPU's own or as RAM leaves beside the weights in page cache" if size else ""),
            derived_from=("host.memory_gib", "goal.profile", "vllm_version"),
        ),
        Bounds(0, most_mib // 256 / 4, "0 turns it off", "the host's RAM leaves no more beside system and processes"),
    )
