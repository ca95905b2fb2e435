"""Plans of known hosts, checked against figures found by hand or on a live server."""

import json
from pathlib import Path

import pytest

from hosts.load import load_stack
from hosts.spec import HostSpec
from hosts.stack import Goal
from sizing.geometry import read_config
from sizing.plan import plan
from sizing.serving import InfeasibleError, ServingPlan
from tests.unit.sizing.hosts_and_models import CARDS, PROJECT, guide_model, host, models

TINY = {
    "architectures": ["MistralForCausalLM"],
    "model_type": "mistral",
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "vocab_size": 1024,
    "max_position_embeddings": 32768,
    "sliding_window": None,
    "torch_dtype": "float16",
}


def on_sandbox(**changed: object) -> ServingPlan:
    goal = Goal(context_tokens=2048, parallel_requests=4)
    return plan(host("sandbox", **changed), read_config(TINY), goal, "0.32.0", served_name="tiny")


def test_the_sandbox_serves_as_a_live_one_did() -> None:
    """These figures were read back from a running server: blocks, tokens, concurrency, limits."""
    found = on_sandbox()
    assert found.vllm_arguments == (
        *("--enforce-eager", "--kv-cache-memory-bytes", str(5 << 20), "--max-model-len", "2048"),
        *("--max-num-batched-tokens", "2048", "--max-num-seqs", "4", "--served-model-name", "tiny"),
    )
    figures = ("kv_bytes_per_token", "kv_blocks", "kv_tokens", "kv_concurrency", "shm_mib", "nofile", "memlock_bytes")
    assert [found[name] for name in figures] == [512, 80, 10240, 5.0, 1024, 20_000, 8 << 20]
    assert found.verdict == "meets"
    assert found.warnings == ()


def test_a_cpu_host_too_small_for_all_requests_holds_some_and_warns() -> None:
    goal = Goal(context_tokens=32768, parallel_requests=64)
    found = plan(host("sandbox", memory_gib=24), guide_model(), goal, "0.32.0", served_name="m")
    assert found.verdict == "cannot"
    assert 1 <= float(found["kv_concurrency"]) < 64
    assert found.values["kv_cache_bytes"].reason == "what the host's RAM leaves"
    assert "parallel_requests" in found.warnings[0]


def test_speed_is_not_judged_where_nothing_is_published() -> None:
    goal = Goal(context_tokens=2048, ttft_s=1.0, requests_per_second=3.0)
    found = plan(host("sandbox"), read_config(TINY), goal, "0.32.0", served_name="m")
    assert [axis.verdict for axis in found.outlook.axes] == ["meets", "meets", "not judged", "not judged"]
    assert found.verdict == "meets"


def test_the_guides_host_holds_less_than_four_full_requests() -> None:
    goal = Goal(context_tokens=32768, parallel_requests=16)
    found = plan(host("guide-21g-8c-32g"), guide_model(), goal, "0.32.0", served_name="m")
    assert found["kv_bytes_per_token"] == 131_072
    assert 3.2 < float(found["kv_concurrency"]) < 3.8
    assert found.gpu_memory is not None
    assert abs(found.gpu_memory["weights"].size_bytes - 4_163_379_200) < 32 << 20


@pytest.mark.parametrize("file", ["Pulumi.a10g.yaml"])
def test_the_shipped_stack_plans(file: str) -> None:
    stack = load_stack(PROJECT / file)
    entry = stack.hosts[0]
    found = plan(entry.spec(), guide_model(), stack.goal, stack.server.vllm_version, served_name=stack.model.name)
    assert found.device == "cuda"
    json.loads(found.model_dump_json())


def test_an_unknown_gpu_is_refused_with_the_nearest_known() -> None:
    strange = host("guide-21g-8c-32g", gpu={"name": "RTX 4091", "memory_gib": 24, "compute_capability": "8.9"})
    with pytest.raises(InfeasibleError, match=r"gpu\.name: 'RTX 4091' is no GPU .* nearest is 'RTX 4090'"):
        plan(strange, guide_model(), Goal(context_tokens=2048), "0.32.0", served_name="m")


def test_a_card_of_ten_times_its_memory_is_a_slip() -> None:
    strange = host("guide-21g-8c-32g", gpu={"name": "A10G", "memory_gib": 210, "compute_capability": "8.6"})
    with pytest.raises(InfeasibleError, match=r"gpu\.memory_gib: 210 is more than any A10G has"):
        plan(strange, guide_model(), Goal(context_tokens=2048), "0.32.0", served_name="m")


def test_a_capability_that_is_not_the_cards_is_planned_with_a_warning() -> None:
    strange = host("guide-21g-8c-32g", gpu={"name": "A10G", "memory_gib": 21, "compute_capability": "8.9"})
    found = plan(strange, guide_model(), Goal(context_tokens=2048), "0.32.0", served_name="m")
    assert any(warning.startswith("gpu.compute_capability: 8.9") for warning in found.warnings)


def test_a_context_beyond_the_models_is_refused() -> None:
    with pytest.raises(InfeasibleError, match="40000 exceed the model's own 32768"):
        plan(host("h100-80g"), guide_model(), Goal(context_tokens=40_000), "0.32.0", served_name="m")


def test_a_context_that_does_not_fit_names_the_one_that_does() -> None:
    small = host("guide-21g-8c-32g", gpu={"name": "RTX 3060", "memory_gib": 8, "compute_capability": "8.6"})
    with pytest.raises(InfeasibleError, match=r"goal\.context_tokens: .* a context of \d+ tokens would fit, or the"):
        plan(small, guide_model(), Goal(context_tokens=32_768), "0.32.0", served_name="m")


def test_weights_beyond_the_gpu_are_named() -> None:
    with pytest.raises(InfeasibleError, match=r"the weights take .* no context fits beside these weights"):
        plan(host("aws-g5-2xlarge"), models()["Mixtral-8x7B"], Goal(context_tokens=64), "0.32.0", served_name="m")


def test_a_model_vllm_does_not_serve_is_refused_on_any_device() -> None:
    unserved = next(name for name, model in models().items() if model.architecture == "BaichuanForCausalLM")
    for machine in (host("h100-80g"), host("sandbox", memory_gib=100)):
        with pytest.raises(InfeasibleError, match=r"^model: vLLM 0\.32\.0 would refuse this start"):
            plan(machine, models()[unserved], Goal(context_tokens=64), "0.32.0", served_name="m")


def test_a_strict_plan_refuses_a_goal_that_is_too_fast() -> None:
    goal = Goal(context_tokens=32768, ttft_s=1.0)
    machine = host("guide-21g-8c-32g")
    assert plan(machine, guide_model(), goal, "0.32.0", served_name="m").verdict == "cannot"
    with pytest.raises(InfeasibleError, match=r"goal\.ttft_s: 1 s cannot be met: .* feasible: ttft_s:"):
        plan(machine, guide_model(), goal, "0.32.0", served_name="m", strict=True)


def test_a_multimodal_model_keeps_its_image_caches_in_ram() -> None:
    name = next(name for name, model in models().items() if model.architecture == "Qwen2VLForConditionalGeneration")
    large = host("h100-80g")
    found = plan(large, models()[name], Goal(context_tokens=4096, profile="full"), "0.32.0", served_name="m")  # type: ignore[arg-type]
    caches = found.integer("api_server_count") + 1
    assert found.host_ram["multimodal caches"].size_bytes == caches * 4 << 30
    tight = HostSpec.model_validate(large.model_dump() | {"memory_gib": 14})
    less = plan(tight, models()[name], Goal(context_tokens=4096), "0.32.0", served_name="m")
    assert float(less["mm_processor_cache_gib"]) < 4
    assert "--mm-processor-cache-gb" in less.vllm_arguments


@pytest.mark.parametrize(("name", "memory_gib", "capability"), CARDS)
def test_every_card_of_the_tests_serves_the_guides_model(name: str, memory_gib: float, capability: str) -> None:
    gpu = {"name": name, "memory_gib": memory_gib, "compute_capability": capability}
    found = plan(host("h100-80g", gpu=gpu), guide_model(), Goal(context_tokens=8192), "0.32.0", served_name="m")
    assert not any("compute_capability" in warning for warning in found.warnings)


def test_what_a_value_is_derived_from_exists(tmp_path: Path) -> None:
    from sizing.commands.explain import budgets_of
    from sizing.commands.inputs import inputs_of
    from sizing.commands.stacks import planned

    file = tmp_path / "Pulumi.all.yaml"
    text = (PROJECT / "Pulumi.a10g.yaml").read_text().replace("config: sizing", f"config: {PROJECT}/sizing")
    file.write_text(text.replace("parallel_requests: 16", "parallel_requests: 16\n    profile: full"))
    stack = planned(file)
    found = stack.plans["gpu-1"]
    known = {*found.values, *budgets_of(found), *inputs_of(stack, "gpu-1"), *(p.name for p in found.outlook.predicted)}
    for sized in (*found.values.values(), *found.outlook.predicted):
        assert set(sized.derived_from) <= known, sized.name
