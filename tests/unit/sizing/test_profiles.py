"""Profiles choose between plans that all fit; they never bypass the arithmetic."""

import pytest

from hosts.spec import HostSpec
from hosts.stack import Goal, Profile
from sizing.plan import plan
from sizing.serving import ServingPlan
from tests.unit.sizing.hosts_and_models import guide_model, host, model

GUIDE = host("guide-21g-8c-32g")
L4 = host("aws-g6-2xlarge")


def planned(where: HostSpec, profile: str, **goal: object) -> ServingPlan:
    stated = {"context_tokens": 32768, "parallel_requests": 12, "profile": profile} | goal
    return plan(where, guide_model(), Goal.model_validate(stated), "0.32.0", served_name="m")


def test_basic_changes_nothing_that_vllm_does_by_itself() -> None:
    arguments = planned(GUIDE, "basic").vllm_arguments
    assert arguments == ("--max-model-len", "32768", "--max-num-seqs", "12", "--served-model-name", "m")


def test_full_uses_cpus_and_ram() -> None:
    found = planned(GUIDE, "full")
    assert found["api_server_count"] == 2
    assert float(found["kv_offload_gib"]) >= 8
    assert found.host_ram["API servers"].size_bytes == 3 * 768 << 20, "two and the parent"
    assert found.integer("shm_mib") == 1024 + 1024 * int(float(found["kv_offload_gib"]))


def test_full_leaves_the_weights_their_page_cache() -> None:
    found = planned(GUIDE, "full")
    assert found.host_ram["weights in page cache"].size_bytes >= 0.9 * guide_model().loaded_weight_bytes


def test_a_small_host_gets_no_offload_and_one_api_server() -> None:
    small = host("guide-21g-8c-32g", memory_gib=9, cpus=2)
    found = planned(small, "full")
    assert (found["api_server_count"], found["kv_offload_gib"]) == (1, 0.0)


def test_fp8_is_taken_where_it_is_needed_and_native() -> None:
    assert planned(L4, "full")["kv_cache_dtype"] == "fp8"
    assert planned(L4, "throughput")["kv_cache_dtype"] == "fp8"
    assert planned(L4, "basic")["kv_cache_dtype"] == "auto", "basic never changes the type"
    assert planned(L4, "full", parallel_requests=2)["kv_cache_dtype"] == "auto", "not needed"
    assert planned(GUIDE, "full")["kv_cache_dtype"] == "auto", "an A10G does not compute in fp8"


def test_latency_shortens_the_steps_of_a_large_card() -> None:
    large = host("h100-80g")
    assert planned(large, "basic")["max_num_batched_tokens"] == 8192
    assert planned(large, "latency")["max_num_batched_tokens"] == 2048


def test_throughput_lengthens_steps_and_fills_the_batch_at_little_cost() -> None:
    basic = planned(GUIDE, "basic", prompt_tokens=1000, output_tokens=100)
    found = planned(GUIDE, "throughput", prompt_tokens=1000, output_tokens=100)
    assert found.integer("max_num_batched_tokens") > basic.integer("max_num_batched_tokens")
    assert found.integer("max_num_seqs") > 50
    assert found.integer("kv_blocks") > 0.89 * basic.integer("kv_blocks")
    assert (found.values["kv_concurrency_mean"].low or 0) >= 0.9 * found.integer("max_num_seqs")


def test_throughput_keeps_short_steps_where_long_ones_cost_too_much() -> None:
    """A sliding window holds tokens in flight: each longer step takes KV cache from every request."""
    gemma = model("Gemma-2-9B")
    goal = Goal(context_tokens=4096, profile=Profile.THROUGHPUT)
    for machine in (host("rtx-4090-workstation"), host("h100-80g")):
        found = plan(machine, gemma, goal, "0.32.0", served_name="m")
        base = plan(machine, gemma, goal.model_copy(update={"profile": Profile.BASIC}), "0.32.0", served_name="m")
        assert found.integer("kv_blocks") >= 0.89 * base.integer("kv_blocks")


@pytest.mark.parametrize("profile", ["full", "latency", "throughput"])
def test_more_gpus_are_taken_for_the_goals_requests(profile: str) -> None:
    four = host("a100-80g", gpu={"name": "A10G", "memory_gib": 22.06, "compute_capability": "8.6", "count": 4})
    found = planned(four, profile)
    assert found.integer("tensor_parallel_size") > 1
    assert (found.values["kv_concurrency"].low or 0) >= 12
    basic = planned(four, "basic")
    assert basic["tensor_parallel_size"] == 1
    assert any("3 of 4 GPUs stay idle" in warning for warning in basic.warnings)


@pytest.mark.parametrize("profile", list(Profile))
def test_every_profile_is_planned_on_the_cpu_too(profile: Profile) -> None:
    found = plan(
        host("sandbox", memory_gib=24),
        guide_model(),
        Goal(context_tokens=2048, profile=profile),
        "0.32.0",
        served_name="m",
    )
    assert found.device == "cpu"
