"""What the container is given: memory, swap, /dev/shm and its environment."""

from sizing.choices import Bounds, Choices
from sizing.host_ram import MIB, RamPlan
from sizing.serving import Device
from sizing.sized import Sized

# Where vLLM's images keep their caches: a fresh volume there takes over what an image brings along.
CACHE_FOLDER = "/home/vllm/.cache"


def decide_memory(chosen: Choices, ram: RamPlan, device: Device) -> None:
    """The memory limit (already settled with the RAM budget), swap, and /dev/shm below it."""
    memory_mib = ram.container_bytes // MIB
    chosen.decide(
        Sized(
            name="container_memory_mib",
            value=ram.proposed_bytes // MIB,
            unit="MiB",
            reason="what the processes need and the weights in page cache, beside the system's reserve",
            derived_from=("host_ram",),
        )
    )
    chosen.decide(
        Sized(
            name="container_memory_swap_mib",
            value=memory_mib,
            unit="MiB",
            reason="equal to the memory limit: no swap, a swapping server is worse than a stopped one",
            derived_from=("container_memory_mib",),
        ),
        Bounds(least=memory_mib, why_least="it counts memory and swap together"),
    )
    offload = ("kv_offload_gib",) if device == "cuda" else ()
    chosen.decide(
        Sized(
            name="shm_mib",
            value=ram.shm_bytes // MIB,
            unit="MiB",
            reason="1 GiB for message rings (vLLM aborts at Docker's 64 MiB), and the KV offload region"
            if device == "cpu"
            else "1 GiB, and the KV offload region, which lives in /dev/shm",
            derived_from=offload,
        ),
        Bounds(
            least=-(-ram.least_shm_bytes // MIB),
            most=memory_mib,
            why_least="vLLM maps its message rings and its KV offload region there and aborts where they do not fit",
            why_most="its pages count against container_memory_mib",
        ),
    )


def environment(device: Device) -> dict[str, str]:
    """Variables of the container: no network for models, no usage reports, caches on their volume."""
    shared = {
        "HF_HUB_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "HOME": "/tmp",  # noqa: S108 - the container's own tmpfs; its root is read-only
        "XDG_CACHE_HOME": CACHE_FOLDER,
        "VLLM_CACHE_ROOT": f"{CACHE_FOLDER}/vllm",
    }
    return shared | ({"TRITON_CACHE_DIR": f"{CACHE_FOLDER}/triton"} if device == "cuda" else {})
