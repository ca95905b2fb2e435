"""What a server asks of the host's RAM, process by process.

The figures per process are measured resident sizes of vLLM 0.32 (API server 0.57, idle parent of several 0.55,
engine 0.53, CPU worker 0.65 GiB), rounded up; a CUDA worker maps more. Shared memory: private IPC, sized for
what vLLM maps there.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sizing.serving import Device
from sizing.sized import Part

MIB = 1 << 20
GIB = 1 << 30

API_SERVER_BYTES = 768 * MIB
ENGINE_BYTES = {"cpu": 768 * MIB, "cuda": 1024 * MIB}
WORKER_BYTES = {"cpu": 1024 * MIB, "cuda": 2048 * MIB}
# Two message rings between engine and worker processes: 10 chunks of 16 MiB and of 24 MiB.
RINGS_BYTES = (160 + 240) * MIB
SHM_BASE_BYTES = GIB
SHM_LEAST_BYTES = 64 * MIB  # semaphores and NCCL's small segments; what Docker gives unasked
# Reading weights needs a window of them in memory; the rest of the file is reclaimable page cache.
STAGING_BYTES = 2 * GIB


@dataclass(frozen=True)
class RamNeeds:
    """KV cache in RAM (CPU backend only), offload region, multimodal caches, processes.

    `region_bytes` is what the offload really takes, see `offload.py`. `multimodal_cache_bytes` is the size of
    one cache of processed images; every API server and the engine keep one.
    """

    device: Device
    weight_bytes: int
    kv_in_ram_bytes: int = 0
    offload_bytes: int = 0
    region_bytes: int = 0
    multimodal_cache_bytes: int = 0
    api_servers: int = 1
    workers: int = 1

    @property
    def multiprocess(self) -> bool:
        """Whether workers are processes of their own, which talk through rings in /dev/shm."""
        return self.device == "cpu" or self.workers > 1

    @property
    def shm_bytes(self) -> int:
        """Size of the container's /dev/shm, with room to spare."""
        return SHM_BASE_BYTES + self.region_bytes

    @property
    def least_shm_bytes(self) -> int:
        """Size of /dev/shm below which vLLM aborts."""
        return SHM_LEAST_BYTES + (RINGS_BYTES if self.multiprocess else 0) + self.region_bytes


def container_parts(needs: RamNeeds) -> Iterator[Part]:
    """What the container cannot do without, in bytes."""
    servers = needs.api_servers + (1 if needs.api_servers > 1 else 0)
    resident = needs.device == "cpu"
    yield Part(
        name="API servers",
        size_bytes=servers * API_SERVER_BYTES,
        reason=f"{servers} process{'es' if servers > 1 else ''} of 0.75 GiB"
        + (", one of them the parent" if servers > 1 else ""),
    )
    yield Part(name="engine", size_bytes=ENGINE_BYTES[needs.device], reason="scheduler and tokenizer")
    yield Part(
        name="workers",
        size_bytes=needs.workers * WORKER_BYTES[needs.device],
        reason=f"{needs.workers} of {WORKER_BYTES[needs.device] / GIB:.0f} GiB, torch and its libraries",
    )
    yield Part(
        name="weights",
        size_bytes=needs.weight_bytes if resident else min(needs.weight_bytes, STAGING_BYTES),
        reason="resident: the CPU computes with them" if resident else "window while they go to the GPU",
    )
    if needs.kv_in_ram_bytes:
        yield Part(name="KV cache", size_bytes=needs.kv_in_ram_bytes, reason="the CPU backend's pool")
    if needs.multiprocess:
        yield Part(name="message rings", size_bytes=RINGS_BYTES, reason="160 + 240 MiB in /dev/shm")
    if needs.multimodal_cache_bytes:
        caches = needs.api_servers + 1
        yield Part(
            name="multimodal caches",
            size_bytes=caches * needs.multimodal_cache_bytes,
            reason=f"{caches} of {needs.multimodal_cache_bytes / GIB:g} GiB: each API server and the engine keep one",
        )
    if needs.region_bytes:
        yield Part(
            name="KV offload",
            size_bytes=needs.region_bytes,
            reason=f"pinned, cannot be reclaimed; {needs.region_bytes / max(1, needs.offload_bytes):.2f} times the "
            "size asked for",
        )
