"""The budget as the plan uses it: parts that add up, ranges, conditions, a safe utilisation."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sizing.geometry.read import read_config
from sizing.gpu_memory import GpuBudget, StartOptions, gpu_budget, safe_utilization
from sizing.gpu_memory.gpu import GIB
from sizing.gpu_memory.releases import BUILT

GUIDE = 21 * GIB
ORDER = ["weights", "non-torch", "activations", "CUDA graphs", "KV cache", "headroom"]


def guide(
    config: dict[str, object], *, free: int | None = None, version: str = "0.32.0", **settings: object
) -> GpuBudget:
    options = StartOptions.model_validate({"max_model_len": 32768, **settings})
    return gpu_budget(read_config(config), GUIDE, free, version, options, gpu_name="A10G", compute_capability=(8, 6))


def test_parts_are_ordered_named_explained_and_add_up(mistral_config: dict[str, object]) -> None:
    parts = guide(mistral_config).as_budget().parts
    assert [part.name for part in parts] == ORDER
    assert sum(part.size_bytes for part in parts) == GUIDE
    assert all(part.reason for part in parts)
    for part in parts[:-1]:
        assert part.low_bytes is not None
        assert part.high_bytes is not None
        assert part.low_bytes <= part.size_bytes <= part.high_bytes


def test_the_guides_model_leaves_its_24_gb_card_over_three_full_contexts(mistral_config: dict[str, object]) -> None:
    budget = guide(mistral_config, gpu_memory_utilization=0.9)
    assert budget.verdict == "starts"
    assert budget.weights.point == pytest.approx(4_163_379_200, rel=0.005)
    assert 3.2 * 4 * GIB < budget.kv_cache.point < 3.6 * 4 * GIB


def test_the_release_that_charges_the_card_takes_other_processes_off_the_cache(
    mistral_config: dict[str, object],
) -> None:
    alone = guide(mistral_config, version="0.8.5", free=round(20.7 * GIB), gpu_memory_utilization=0.9)
    shared = guide(mistral_config, version="0.8.5", free=round(15.7 * GIB), gpu_memory_utilization=0.9)
    assert alone.kv_cache.point - shared.kv_cache.point == pytest.approx(5 * GIB, abs=2)
    assert "free memory" not in [condition.name for condition in shared.conditions]


def test_free_memory_below_the_request_is_a_refusal(mistral_config: dict[str, object]) -> None:
    budget = guide(mistral_config, free=18 * GIB, gpu_memory_utilization=0.9)
    assert budget.verdict == "fails"
    assert budget.conditions[0].name == "free memory"
    assert budget.conditions[0].verdict == "fails"


def test_a_tenth_of_a_gibibyte_around_the_request_is_a_coin_toss(mistral_config: dict[str, object]) -> None:
    requested = round(0.9 * GUIDE)
    edge = guide(mistral_config, free=requested + GIB // 20, gpu_memory_utilization=0.9)
    assert edge.conditions[0].verdict == "coin_toss"


def test_a_context_that_does_not_fit_fails_and_the_exact_planner_can_say_so(
    mistral_config: dict[str, object],
) -> None:
    geometry = read_config(mistral_config)
    options = StartOptions(max_model_len=32768, gpu_memory_utilization=0.9)
    roomy = gpu_budget(geometry, GUIDE, None, "0.32.0", options, gpu_name="A10G")
    tight = gpu_budget(
        geometry, GUIDE, None, "0.32.0", options, gpu_name="A10G", needed_kv_bytes=roomy.kv_cache.high + GIB
    )
    assert roomy.verdict == "starts"
    assert tight.verdict == "fails"


def test_a_safe_utilisation_starts_and_the_next_one_does_not(mistral_config: dict[str, object]) -> None:
    geometry, options = read_config(mistral_config), StartOptions(max_model_len=32768)
    safe = safe_utilization(geometry, GUIDE, None, "0.32.0", options, gpu_name="A10G")
    assert safe is not None
    assert guide(mistral_config, gpu_memory_utilization=safe).verdict == "starts"
    assert guide(mistral_config, gpu_memory_utilization=round(safe + 0.01, 2)).verdict != "starts"


def test_no_utilisation_is_safe_on_a_card_below_the_weights(mistral_config: dict[str, object]) -> None:
    geometry, options = read_config(mistral_config), StartOptions(max_model_len=32768)
    assert safe_utilization(geometry, 4 * GIB, None, "0.32.0", options, gpu_name="A10G") is None


def test_a_version_that_is_none_is_named(mistral_config: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="'latest'; it should look like"):
        guide(mistral_config, version="latest")


@settings(deadline=None)  # a busy machine is not a failure
@given(
    utilization=st.integers(10, 99),
    release=st.sampled_from([r for r, _ in BUILT]),
    tokens=st.integers(256, 32768),
    sequences=st.integers(1, 2048),
    total=st.integers(8, 180),
    parallel=st.sampled_from([1, 2, 4]),
    eager=st.booleans(),
)
def test_any_start_keeps_its_order_and_more_utilisation_is_more_cache(
    mistral_config: dict[str, object],
    utilization: int,
    release: tuple[int, int],
    tokens: int,
    sequences: int,
    total: int,
    parallel: int,
    eager: bool,
) -> None:
    def at(hundredths: int) -> GpuBudget:
        options = StartOptions(
            gpu_memory_utilization=hundredths / 100,
            max_num_batched_tokens=tokens,
            max_num_seqs=sequences,
            tensor_parallel=parallel,
            enforce_eager=eager,
        )
        return gpu_budget(
            read_config(mistral_config), total * GIB, None, f"{release[0]}.{release[1]}.0", options, gpu_name="A10G"
        )

    budget = at(utilization)
    for part in (budget.weights, budget.activations, budget.graphs, budget.kv_cache, budget.non_torch):
        assert part.low <= part.point <= part.high
    assert at(min(100, utilization + 1)).kv_cache.point > budget.kv_cache.point
    assert budget.verdict != "starts" or budget.kv_cache.point > 0
    if budget.verdict == "starts":
        assert sum(p.size_bytes for p in budget.as_budget().parts) == total * GIB
