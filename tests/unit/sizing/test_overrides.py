"""What a user sets: refused with the nearest valid value where it cannot work, followed by the rest where it can."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hosts.spec import HostSpec
from hosts.stack import Goal
from sizing.host_ram import GIB, MIB
from sizing.plan import plan
from sizing.serving import InfeasibleError, ServingPlan
from sizing.sized import Value
from tests.unit.sizing.hosts_and_models import guide_model, host, model

GUIDE = host("guide-21g-8c-32g")
SANDBOX = host("sandbox", memory_gib=12)  # large enough for the guide's model
T4 = host("guide-21g-8c-32g", gpu={"name": "T4", "memory_gib": 14.56, "compute_capability": "7.5"})
FOUR = host(
    "guide-21g-8c-32g",
    memory_gib=120,
    gpu={"name": "L4", "memory_gib": 22.03, "compute_capability": "8.9", "count": 4},
)
NEAREST = re.compile(r"nearest (?:valid )?is '?([^' ]+)")


def planned(where: HostSpec, **overrides: Value) -> ServingPlan:
    return plan(where, guide_model(), Goal(context_tokens=8192), "0.32.0", served_name="m", overrides=overrides)


def refused(where: HostSpec, **overrides: Value) -> str:
    with pytest.raises(InfeasibleError) as caught:
        planned(where, **overrides)
    return str(caught.value)


REFUSED: list[tuple[HostSpec, str, Value]] = [
    (GUIDE, "container_memory_mib", 33_000),
    (GUIDE, "container_memory_mib", 512),
    (GUIDE, "container_memory_swap_mib", 64),
    (GUIDE, "shm_mib", 32),
    (GUIDE, "shm_mib", 500_000),
    (SANDBOX, "shm_mib", 200),
    (GUIDE, "kv_cache_dtype", "int8"),
    (T4, "kv_cache_dtype", "fp8"),
    (GUIDE, "gpu_memory_utilization", 0.0),
    (GUIDE, "gpu_memory_utilization", -1),
    (GUIDE, "gpu_memory_utilization", 1.01),
    (GUIDE, "gpu_memory_utilization", 0.1),
    (GUIDE, "kv_offload_gib", 30),
    (GUIDE, "kv_offload_gib", -2.0),
    (GUIDE, "max_num_seqs", 0),
    (GUIDE, "max_num_seqs", -3),
    (GUIDE, "max_num_seqs", 10_000_000),
    (GUIDE, "max_num_batched_tokens", 600_000),
    (GUIDE, "max_num_batched_tokens", 0),
    (GUIDE, "max_model_len", 4096),
    (GUIDE, "max_model_len", 40_000),
    (GUIDE, "tensor_parallel_size", 2),
    (FOUR, "tensor_parallel_size", 3),
    (GUIDE, "kv_cache_bytes", 20 * GIB),
    (GUIDE, "kv_cache_bytes", 1000),
    (SANDBOX, "kv_cache_bytes", 1000),
    (SANDBOX, "kv_cache_bytes", 64 * GIB),
    (GUIDE, "api_server_count", 0),
    (GUIDE, "api_server_count", 9),
    (GUIDE, "cpus", 9),
    (GUIDE, "cpus", 0),
    (SANDBOX, "nofile", 65_535),
    (SANDBOX, "memlock_bytes", 1 << 40),
    (GUIDE, "stack_bytes", 4),
    (GUIDE, "pids_limit", 3),
    (GUIDE, "somaxconn", 128),
    (GUIDE, "health_deadline_s", 5),
    (GUIDE, "stop_grace_s", -1),
    (GUIDE, "max_num_seqs", 8.5),
]


@pytest.mark.parametrize(("where", "name", "value"), REFUSED, ids=lambda part: str(getattr(part, "name", part)))
def test_what_cannot_work_is_refused_by_field_and_value_with_the_nearest_that_does(
    where: HostSpec, name: str, value: Value
) -> None:
    said = refused(where, **{name: value})
    assert said.startswith(f"server.overrides.{name}: '{value}' ")
    assert "\n" not in said
    found = NEAREST.search(said)
    assert found, said
    nearest: Value = found[1].rstrip(";,")
    if not isinstance(value, str):
        nearest = float(found[1]) if "." in found[1] else int(found[1])
    assert planned(where, **{name: nearest})[name] == nearest


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_num_seqs", "8"),
        ("max_num_seqs", True),
        ("kv_cache_dtype", 8),
        ("shm_mib", "1g"),
        ("kv_offload_gib", False),
        ("gpu_memory_utilization", "0.9"),
        ("container_memory_mib", True),
        ("kv_cache_bytes", "4G"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(name: str, value: Value) -> None:
    assert refused(GUIDE, **{name: value}).startswith(f"server.overrides.{name}: '{value}' must be")


@pytest.mark.parametrize(
    ("name", "meant"), [("shmmib", "shm_mib"), ("max_model_length", "max_model_len"), ("gpu_utilization", None)]
)
def test_an_unknown_name_is_refused_with_the_one_that_was_meant(name: str, meant: str | None) -> None:
    said = refused(GUIDE, **{name: 1})
    assert said.startswith(f"server.overrides.{name}: the plan has no such value")
    assert (f"did you mean '{meant}'?" if meant else "did you mean") in said


@pytest.mark.parametrize("name", ["kv_tokens", "kv_blocks", "kv_concurrency", "kv_bytes_per_token", "kv_block_tokens"])
def test_what_follows_from_others_cannot_be_set(name: str) -> None:
    assert "cannot be set, it follows from" in refused(GUIDE, **{name: 1})


def test_every_settable_value_takes_its_own_value_back() -> None:
    for where in (GUIDE, FOUR, SANDBOX):
        base = planned(where)
        for name in base.settable:
            again = planned(where, **{name: base[name]})
            assert again[name] == base[name]
            assert again.values[name].set_by == "you"
            assert again.values[name].reason.startswith("set by you; the rule gives")
            assert again.host_ram.total_bytes == base.host_ram.total_bytes


def test_what_you_set_reaches_the_command_line() -> None:
    arguments = planned(
        GUIDE,
        max_num_seqs=5,
        max_num_batched_tokens=4096,
        kv_cache_dtype="fp8",
        kv_offload_gib=4,
        api_server_count=2,
        gpu_memory_utilization=0.85,
    ).vllm_arguments
    pairs = dict(zip(arguments[::2], arguments[1::2], strict=True))
    assert pairs["--max-num-seqs"] == "5"
    assert pairs["--max-num-batched-tokens"] == "4096"
    assert pairs["--kv-cache-dtype"] == "fp8"
    assert float(pairs["--kv-offloading-size"]) == 4
    assert pairs["--api-server-count"] == "2"
    assert pairs["--gpu-memory-utilization"] == "0.85"


def test_an_exact_kv_cache_is_given_to_vllm_and_has_no_range() -> None:
    found = planned(GUIDE, kv_cache_bytes=8 * GIB)
    assert "--kv-cache-memory-bytes" in found.vllm_arguments
    assert found.integer("kv_blocks") == 8 * GIB // (2 * MIB)
    assert found.values["kv_blocks"].low == found.values["kv_blocks"].high == found["kv_blocks"]
    assert found.gpu_memory is not None
    assert found.gpu_memory["KV cache"].size_bytes == 8 * GIB


def test_derived_values_follow_an_override() -> None:
    base = planned(GUIDE)
    eight = planned(GUIDE, kv_cache_dtype="fp8")
    assert eight.integer("kv_bytes_per_token") * 2 == base.integer("kv_bytes_per_token")
    assert eight.integer("kv_tokens") > 1.9 * base.integer("kv_tokens")
    offload = planned(GUIDE, kv_offload_gib=8)
    assert offload.integer("shm_mib") == base.integer("shm_mib") + 8 * 1024
    assert offload.integer("container_memory_mib") == base.integer("container_memory_mib") + 8 * 1024
    assert offload["kv_tokens"] == base["kv_tokens"], "an offload never adds running requests"
    longer = planned(GUIDE, start_expected_s=1000)
    assert longer["health_deadline_s"] == longer["health_start_period_s"] == 3000
    less = planned(GUIDE, container_memory_mib=8192)
    assert less["container_memory_swap_mib"] == 8192
    assert planned(SANDBOX, max_num_seqs=2).integer("kv_cache_bytes") > planned(SANDBOX).integer("kv_cache_bytes")


def test_a_utilization_on_the_edge_is_a_coin_toss_and_says_so() -> None:
    found = planned(GUIDE, gpu_memory_utilization=0.99)
    assert any("coin toss" in warning and "0.99" in warning for warning in found.warnings)


def test_the_guides_offload_fits_in_ram_only_with_a_shared_memory_of_its_size() -> None:
    found = planned(GUIDE, kv_offload_gib=16)
    assert found.integer("shm_mib") == 17 * 1024
    assert "the nearest valid is" in refused(GUIDE, kv_offload_gib=16, shm_mib=8192)


def test_a_hybrid_model_pays_nearly_twice_for_its_offload() -> None:
    gemma = model("Gemma-2-9B")
    where = host("rtx-4090-workstation", gpu={"name": "L40S", "memory_gib": 44.42, "compute_capability": "8.9"})
    found = plan(where, gemma, Goal(context_tokens=4096), "0.32.0", served_name="m", overrides={"kv_offload_gib": 10})
    assert found.host_ram["KV offload"].size_bytes == int(19.2 * GIB)


ANY_VALUE: st.SearchStrategy[Value] = st.one_of(
    st.integers(-10, 1 << 36),
    st.integers(1, 5000),
    st.floats(0, 64, allow_nan=False),
    st.sampled_from(["auto", "fp8", "x"]),
    st.booleans(),
)


@pytest.mark.parametrize("where", [GUIDE, FOUR, T4, SANDBOX], ids=["guide", "four", "t4", "sandbox"])
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_overrides_give_a_plan_within_the_host_or_a_refusal_naming_one(
    where: HostSpec, data: st.DataObject
) -> None:
    names = st.sampled_from(planned(where).settable)
    overrides: dict[str, Value] = data.draw(st.dictionaries(names, ANY_VALUE, max_size=3))
    try:
        found = planned(where, **overrides)
    except InfeasibleError as error:
        said = str(error)
    else:
        check_overridden(where, found, overrides)
        return
    assert said.startswith("server.overrides."), said


def check_overridden(where: HostSpec, found: ServingPlan, overrides: dict[str, Value]) -> None:
    """The plan stays within its host, and has what was set."""
    assert sum(part.size_bytes for part in found.host_ram.parts) == where.memory_bytes
    assert found.integer("shm_mib") <= found.integer("container_memory_mib") < where.memory_bytes // MIB
    if found.gpu_memory is not None:
        assert all(part.size_bytes >= 0 for part in found.gpu_memory.parts)
    for name, value in overrides.items():
        assert found[name] == value


def test_two_impossible_values_are_still_one_sentence() -> None:
    found = refused(FOUR, max_model_len=0, tensor_parallel_size=0)
    assert found.startswith("server.overrides.max_model_len: '0' cannot be")
