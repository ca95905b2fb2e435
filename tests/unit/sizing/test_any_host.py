"""Whatever the host, the model and the goal: a plan stays within its host, and a refusal says what would do."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hosts.spec import HostSpec
from hosts.stack import Goal
from sizing.geometry import ModelGeometry
from sizing.host_ram import GIB, MIB, reserve_bytes
from sizing.plan import plan
from sizing.serving import InfeasibleError, ServingPlan
from tests.unit.sizing.hosts_and_models import goals, hosts, models

VERSIONS = ("0.20.2", "0.26.0", "0.28.0", "0.32.0", "0.33.0")
CASES = settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def requests(draw: st.DrawFn) -> tuple[HostSpec, ModelGeometry, Goal, str]:
    model = models()[draw(st.sampled_from(sorted(models())))]
    most = min(model.context_tokens, 131_072)
    return draw(hosts()), model, draw(goals(most)), draw(st.sampled_from(VERSIONS))


def planned(request: tuple[HostSpec, ModelGeometry, Goal, str]) -> ServingPlan | None:
    host, model, goal, version = request
    try:
        return plan(host, model, goal, version, served_name="model")
    except InfeasibleError as error:
        said = str(error)
    assert said.split(":")[0] in ("goal.context_tokens", "memory_gib", "model")
    assert "\n" not in said
    return None


def check_ram(host: HostSpec, found: ServingPlan) -> None:
    assert found.host_ram.total_bytes == host.memory_bytes
    assert all(part.size_bytes >= 0 for part in found.host_ram.parts)
    assert sum(part.size_bytes for part in found.host_ram.parts) == host.memory_bytes
    container = found.integer("container_memory_mib") * MIB
    reserve = reserve_bytes(host.memory_bytes)
    assert container <= host.memory_bytes - reserve
    outside = {"system", "free"}
    inside = sum(part.size_bytes for part in found.host_ram.parts if part.name not in outside)
    assert container == inside
    assert found.integer("shm_mib") * MIB <= container
    assert found.integer("container_memory_swap_mib") >= found.integer("container_memory_mib")
    pinned = sum(part.size_bytes for part in found.host_ram.parts if part.name in ("KV offload", "message rings"))
    assert pinned < found.integer("shm_mib") * MIB


def check_limits(host: HostSpec, found: ServingPlan) -> None:
    assert 1 <= found.integer("cpus") <= host.cpus
    limits = host.limits
    assert found.integer("nofile") <= (limits.nofile or 1 << 20)
    if limits.memlock_kib is not None:
        assert 0 <= found.integer("memlock_bytes") <= limits.memlock_kib * 1024
    if limits.stack_kib is not None:
        assert found.integer("stack_bytes") <= limits.stack_kib * 1024
    assert found.integer("health_deadline_s") >= found.integer("start_expected_s")


def check_gpu(host: HostSpec, model: ModelGeometry, found: ServingPlan) -> None:
    assert host.gpu is not None
    assert found.gpu_memory is not None
    width = found.integer("tensor_parallel_size")
    assert width <= host.gpu.count
    assert model.attention_heads % width == 0
    assert found.gpu_memory.total_bytes == host.gpu.memory_bytes
    assert all(part.size_bytes >= 0 for part in found.gpu_memory.parts)
    assert found.gpu_memory["KV cache"].size_bytes == found.integer("kv_cache_bytes")
    share = found.integer("kv_cache_bytes") + found.gpu_memory["weights"].size_bytes
    assert share <= host.gpu.memory_bytes * float(found["gpu_memory_utilization"])
    assert float(found["kv_concurrency"]) >= 1
    offload = float(found["kv_offload_gib"]) * GIB
    assert sum(part.size_bytes for part in found.host_ram.parts if part.name == "KV offload") >= offload


@CASES
@given(requests())
def test_no_plan_exceeds_its_host(request: tuple[HostSpec, ModelGeometry, Goal, str]) -> None:
    host, model, goal, _ = request
    found = planned(request)
    if found is None:
        return
    check_ram(host, found)
    check_limits(host, found)
    if host.gpu is not None:
        check_gpu(host, model, found)
    assert found["max_model_len"] == goal.context_tokens
    assert found.integer("max_num_batched_tokens") >= found.integer("max_num_seqs") >= 1
    assert len(found.outlook.axes) == 2 + sum(
        value is not None for value in (goal.requests_per_second, goal.ttft_s, goal.latency_s)
    )


@settings(CASES, max_examples=150)
@given(requests())
def test_the_same_input_gives_the_same_plan(request: tuple[HostSpec, ModelGeometry, Goal, str]) -> None:
    first, second = planned(request), planned(request)
    assert first == second
    if first is not None and second is not None:
        assert first.digest == second.digest


@settings(CASES, max_examples=200)
@given(requests())
def test_what_a_refusal_names_as_feasible_is(request: tuple[HostSpec, ModelGeometry, Goal, str]) -> None:
    host, model, goal, version = request
    try:
        plan(host, model, goal, version, served_name="model")
        return
    except InfeasibleError as error:
        named = re.search(r"a context of (\d+) tokens would fit", str(error))
    if named:
        tokens = int(named[1])
        shorter = Goal(context_tokens=tokens, parallel_requests=goal.parallel_requests, profile=goal.profile)
        assert plan(host, model, shorter, version, served_name="model")["max_model_len"] == tokens


def test_the_cases_reach_both_devices_and_refusals() -> None:
    """The strategies are no use if everything is refused."""
    counts = {"cuda": 0, "cpu": 0, "refused": 0}

    @settings(CASES, max_examples=200, database=None, derandomize=True)
    @given(requests())
    def count(request: tuple[HostSpec, ModelGeometry, Goal, str]) -> None:
        found = planned(request)
        counts["refused" if found is None else found.device] += 1

    count()
    assert min(counts.values()) > 15, counts


@pytest.mark.parametrize("name", sorted(models()))
def test_every_known_model_has_a_plan_or_a_reason(name: str) -> None:
    host = HostSpec.model_validate({"name": "host", "cpus": 64, "memory_gib": 2000, "gpu": None})
    found = planned((host, models()[name], Goal(context_tokens=1024), "0.32.0"))
    assert found is None or found.device == "cpu"
