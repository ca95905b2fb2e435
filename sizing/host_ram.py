"""Where a host's RAM goes: what stays with the system, what the container needs, what is left as page cache.

The figures per process are measured resident sizes of vLLM 0.32 (API server 0.57, engine 0.53, CPU worker
0.65 GiB), rounded up; a CUDA worker maps more. Shared memory: private IPC, sized for what vLLM maps there.
"""

from dataclasses import dataclass

from sizing.serving import Device, InfeasibleError
from sizing.sized import Budget, Part, filled

MIB = 1 << 20
GIB = 1 << 30

API_SERVER_BYTES = 768 * MIB
ENGINE_BYTES = {"cpu": 768 * MIB, "cuda": 1024 * MIB}
WORKER_BYTES = {"cpu": 1024 * MIB, "cuda": 2048 * MIB}
# Two message rings between engine and worker processes: 10 chunks of 16 MiB and of 24 MiB.
RINGS_BYTES = (160 + 240) * MIB
SHM_BASE_BYTES = GIB
# Reading weights needs a window of them in memory; the rest of the file is reclaimable page cache.
STAGING_BYTES = 2 * GIB
ROUND_BYTES = 64 * MIB


@dataclass(frozen=True)
class RamNeeds:
    """What the server asks of the host: KV cache in RAM (CPU backend only), offload region, processes."""

    device: Device
    weight_bytes: int
    kv_in_ram_bytes: int = 0
    offload_bytes: int = 0
    offload_overhead: float = 1.0
    api_servers: int = 1
    workers: int = 1


@dataclass(frozen=True)
class RamPlan:
    """The budget, the container's limit and its /dev/shm, in bytes."""

    budget: Budget
    container_bytes: int
    shm_bytes: int


def reserve_bytes(total_bytes: int) -> int:
    """What the system keeps: 2 GiB, a tenth of a large host, a quarter of a small one."""
    return max(min(2 * GIB, total_bytes // 4), total_bytes // 10)


def offload_region_bytes(needs: RamNeeds) -> int:
    """Bytes of /dev/shm the KV offload region takes, with what the release is known to take on top."""
    return int(needs.offload_bytes * needs.offload_overhead)


def plan_host_ram(total_bytes: int, needs: RamNeeds) -> RamPlan:
    """Divides the host's RAM. Raises InfeasibleError where the server does not fit beside the system."""
    parts = _container_parts(needs)
    container = -(-sum(part.size_bytes for part in parts) // ROUND_BYTES) * ROUND_BYTES
    reserve = reserve_bytes(total_bytes)
    if container + reserve > total_bytes:
        raise InfeasibleError(
            f"memory_gib: the server needs {container / GIB:.2f} GiB and the system keeps "
            f"{reserve / GIB:.2f} GiB, together more than the host's {total_bytes / GIB:.2f} GiB; "
            + _remedy(needs, container + reserve - total_bytes)
        )
    cache = min(needs.weight_bytes, total_bytes - reserve - container) // ROUND_BYTES * ROUND_BYTES
    slack = container - sum(part.size_bytes for part in parts)
    whole = [
        Part(name="system", size_bytes=reserve, reason="kernel, SSH, Docker: 2 GiB, or a tenth of a large host"),
        *parts,
        Part(name="rounding", size_bytes=slack, reason="the limit is a multiple of 64 MiB"),
        Part(name="weights in page cache", size_bytes=cache, reason="a restart reads the weights from RAM"),
    ]
    shm = SHM_BASE_BYTES + offload_region_bytes(needs)
    return RamPlan(
        budget=filled("host RAM", total_bytes, whole, "free", "not promised to anything"),
        container_bytes=container + cache,
        shm_bytes=shm,
    )


def _remedy(needs: RamNeeds, short_bytes: int) -> str:
    if needs.offload_bytes:
        fits = max(0, needs.offload_bytes - int(short_bytes / needs.offload_overhead))
        return f"an offload of {fits / GIB:.1f} GiB would fit"
    if needs.kv_in_ram_bytes:
        return f"{short_bytes / GIB:.2f} GiB less KV cache would fit: fewer parallel requests, shorter context"
    return f"a host with {short_bytes / GIB:.2f} GiB more would do"


def _container_parts(needs: RamNeeds) -> list[Part]:
    multiprocess = needs.device == "cpu" or needs.workers > 1
    servers = needs.api_servers + (1 if needs.api_servers > 1 else 0)
    resident = needs.device == "cpu"
    parts = [
        Part(
            name="API servers",
            size_bytes=servers * API_SERVER_BYTES,
            reason=f"{servers} processes of 0.75 GiB" + (", one of them the parent" if servers > 1 else ""),
        ),
        Part(name="engine", size_bytes=ENGINE_BYTES[needs.device], reason="scheduler and tokenizer"),
        Part(
            name="workers",
            size_bytes=needs.workers * WORKER_BYTES[needs.device],
            reason=f"{needs.workers} of {WORKER_BYTES[needs.device] / GIB:.0f} GiB, torch and its libraries",
        ),
        Part(
            name="weights",
            size_bytes=needs.weight_bytes if resident else min(needs.weight_bytes, STAGING_BYTES),
            reason="resident: the CPU computes with them" if resident else "window while they go to the GPU",
        ),
    ]
    if needs.kv_in_ram_bytes:
        parts.append(Part(name="KV cache", size_bytes=needs.kv_in_ram_bytes, reason="the CPU backend's pool"))
    if multiprocess:
        parts.append(Part(name="message rings", size_bytes=RINGS_BYTES, reason="160 + 240 MiB in /dev/shm"))
    if needs.offload_bytes:
        parts.append(
            Part(
                name="KV offload",
                size_bytes=offload_region_bytes(needs),
                reason=f"pinned in /dev/shm, {needs.offload_overhead:g} times the size asked for",
            )
        )
    return parts
