"""Divides a host's RAM among the system, the container and what stays free."""

from collections.abc import Callable
from dataclasses import dataclass

from sizing.host_ram.needs import GIB, MIB, RamNeeds, container_parts
from sizing.serving import InfeasibleError
from sizing.sized import Budget, Part, filled

ROUND_BYTES = 64 * MIB


@dataclass(frozen=True)
class RamPlan:
    """The budget, the container's limit (the rule's and the one in force) and its /dev/shm, in bytes."""

    budget: Budget
    proposed_bytes: int
    container_bytes: int
    shm_bytes: int
    least_shm_bytes: int


def reserve_bytes(total_bytes: int) -> int:
    """What the system keeps: 2 GiB, a tenth of a large host, a quarter of a small one."""
    return max(min(2 * GIB, total_bytes // 4), total_bytes // 10)


def needed_bytes(needs: RamNeeds) -> int:
    """The least container limit, in whole steps of 64 MiB."""
    return -(-sum(part.size_bytes for part in container_parts(needs)) // ROUND_BYTES) * ROUND_BYTES


def spare_bytes(total_bytes: int, needs: RamNeeds) -> int:
    """What is left beside the system and the container; negative where they do not fit."""
    return total_bytes - reserve_bytes(total_bytes) - needed_bytes(needs)


def largest(total_bytes: int, needs_of: Callable[[int], RamNeeds], most: int) -> int:
    """The largest whole number up to `most` whose needs fit; -1 where not even 0 does."""
    if spare_bytes(total_bytes, needs_of(0)) < 0:
        return -1
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if spare_bytes(total_bytes, needs_of(middle)) >= 0 else (low, middle - 1)
    return low


def plan_host_ram(total_bytes: int, needs: RamNeeds, container_mib: int | None = None) -> RamPlan:
    """Divides the host's RAM; `container_mib` is a limit set by the user.

    Raises InfeasibleError where the server does not fit beside the system, or the user's limit is beyond either.
    """
    parts = tuple(container_parts(needs))
    least, reserve = needed_bytes(needs), reserve_bytes(total_bytes)
    spare = spare_bytes(total_bytes, needs)
    if spare < 0:
        raise InfeasibleError(
            f"memory_gib: the server needs {least / GIB:.2f} GiB and the system keeps {reserve / GIB:.2f} GiB, "
            f"together more than the host's {total_bytes / GIB:.2f} GiB; a host with {-spare / GIB:.2f} GiB more "
            "would do"
        )
    proposed = least + min(needs.weight_bytes, spare) // ROUND_BYTES * ROUND_BYTES
    container = proposed
    if container_mib is not None:
        container = container_mib * MIB
        _refuse_limit(container_mib, least, total_bytes - reserve)
    used = sum(part.size_bytes for part in parts)
    slack = least - used
    whole = [
        Part(name="system", size_bytes=reserve, reason="kernel, SSH, Docker: 2 GiB, or a tenth of a large host"),
        *parts,
        Part(name="rounding", size_bytes=slack, reason="the limit is a multiple of 64 MiB"),
        Part(
            name="weights in page cache",
            size_bytes=container - least,
            reason="a restart reads the weights from RAM",
        ),
    ]
    return RamPlan(
        budget=filled("host RAM", total_bytes, whole, "free", "not promised to anything"),
        proposed_bytes=proposed,
        container_bytes=container,
        shm_bytes=needs.shm_bytes,
        least_shm_bytes=needs.least_shm_bytes,
    )


def _refuse_limit(container_mib: int, least_bytes: int, most_bytes: int) -> None:
    field = f"server.overrides.container_memory_mib: '{container_mib}'"
    if container_mib * MIB < least_bytes:
        raise InfeasibleError(
            f"{field} is too little: the server's processes need {least_bytes / GIB:.2f} GiB; the nearest valid is "
            f"{least_bytes // MIB} MiB"
        )
    if container_mib * MIB > most_bytes:
        raise InfeasibleError(
            f"{field} is too much: the system keeps its reserve of the host's RAM; the nearest valid is "
            f"{most_bytes // MIB} MiB"
        )
