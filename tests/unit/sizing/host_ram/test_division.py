"""RAM divided: everything adds up, and each need is counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sizing.host_ram import GIB, MIB, RamNeeds, largest, plan_host_ram, reserve_bytes
from sizing.serving import InfeasibleError

CUDA = RamNeeds(device="cuda", weight_bytes=4 * GIB)
CPU = RamNeeds(device="cpu", weight_bytes=4 * GIB, kv_in_ram_bytes=GIB)


@pytest.mark.parametrize(
    ("total_gib", "reserve_gib"), [(4, 1), (8, 2), (16, 2), (20, 2), (32, 3.2), (256, 25.6), (2, 0.5)]
)
def test_the_system_keeps_its_share(total_gib: int, reserve_gib: float) -> None:
    assert reserve_bytes(total_gib * GIB) == pytest.approx(reserve_gib * GIB, abs=1)


def test_each_need_is_a_part() -> None:
    needs = RamNeeds(
        device="cuda",
        weight_bytes=20 * GIB,
        offload_bytes=8 * GIB,
        region_bytes=8 * GIB,
        multimodal_cache_bytes=4 * GIB,
        api_servers=4,
        workers=2,
    )
    parts = {part.name: part.size_bytes for part in plan_host_ram(128 * GIB, needs).budget.parts}
    assert parts["API servers"] == 5 * 768 * MIB, "four and their parent"
    assert parts["workers"] == 4 * GIB
    assert parts["weights"] == 2 * GIB, "a window, not all"
    assert parts["message rings"] == 400 * MIB
    assert parts["multimodal caches"] == 20 * GIB, "each API server and the engine"
    assert parts["KV offload"] == 8 * GIB
    assert parts["weights in page cache"] == 20 * GIB


def test_the_cpu_backend_keeps_weights_and_cache_resident() -> None:
    parts = {part.name: part.size_bytes for part in plan_host_ram(32 * GIB, CPU).budget.parts}
    assert (parts["weights"], parts["KV cache"]) == (4 * GIB, GIB)
    assert parts["message rings"] == 400 * MIB


def test_one_gpu_needs_no_rings() -> None:
    assert "message rings" not in {part.name for part in plan_host_ram(32 * GIB, CUDA).budget.parts}
    assert CUDA.least_shm_bytes == 64 * MIB
    assert CPU.least_shm_bytes == 464 * MIB


def test_the_page_cache_takes_what_is_left_and_no_more_than_the_weights() -> None:
    for total in (8, 9, 10, 12, 64):
        found = plan_host_ram(total * GIB, CUDA)
        assert found.budget["weights in page cache"].size_bytes <= 4 * GIB
        assert found.container_bytes <= total * GIB - reserve_bytes(total * GIB)


def test_a_host_too_small_is_refused_with_what_is_missing() -> None:
    with pytest.raises(InfeasibleError, match=r"memory_gib: the server needs 5.75 GiB .* with 2.75 GiB more would do"):
        plan_host_ram(4 * GIB, CUDA)
    plan_host_ram(round(7.76 * GIB), CUDA)


@pytest.mark.parametrize("limit_mib", [100, 5887, 29492, 40_000])
def test_a_container_limit_outside_need_and_host_is_refused(limit_mib: int) -> None:
    with pytest.raises(InfeasibleError, match=rf"container_memory_mib: '{limit_mib}' is too"):
        plan_host_ram(32 * GIB, CUDA, limit_mib)


@given(st.integers(2 * GIB, 1 << 41), st.integers(0, 1 << 38), st.integers(0, 1 << 36), st.integers(1, 8))
def test_it_always_adds_up(total: int, weights: int, region: int, workers: int) -> None:
    needs = RamNeeds(device="cuda", weight_bytes=weights, offload_bytes=region, region_bytes=region, workers=workers)
    try:
        found = plan_host_ram(total, needs)
    except InfeasibleError:
        return
    assert sum(part.size_bytes for part in found.budget.parts) == total
    assert found.container_bytes % (64 * MIB) == 0
    assert region <= found.least_shm_bytes <= found.shm_bytes <= found.container_bytes


def test_the_largest_that_fits_is_the_largest() -> None:
    def needs(mib: int) -> RamNeeds:
        return RamNeeds(device="cuda", weight_bytes=GIB, offload_bytes=mib * MIB, region_bytes=mib * MIB)

    found = largest(32 * GIB, needs, 32 * 1024)
    plan_host_ram(32 * GIB, needs(found))
    with pytest.raises(InfeasibleError):
        plan_host_ram(32 * GIB, needs(found + 64))
    assert largest(2 * GIB, needs, 100) == -1
