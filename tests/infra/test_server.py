"""The server answers from here, and runs on the planned numbers."""

import pytest

from facts.deployed import Deployed


def test_it_is_healthy(deployed: Deployed) -> None:
    assert deployed.endpoint.is_healthy


def test_it_is_the_planned_release(deployed: Deployed) -> None:
    assert deployed.endpoint.version == deployed.outputs["vllm_version"]


def test_it_serves_the_model_with_the_planned_context(deployed: Deployed) -> None:
    served = {name: entry["max_model_len"] for name, entry in deployed.endpoint.models.items()}
    assert served == {deployed.outputs["model"]: deployed.planned("max_model_len")}


@pytest.mark.parametrize(
    ("label", "planned"),
    [
        ("block_size", "kv_block_tokens"),
        ("num_gpu_blocks", "kv_blocks"),
        ("kv_cache_size_tokens", "kv_tokens"),
        ("kv_cache_max_concurrency", "kv_concurrency"),
    ],
)
def test_the_kv_cache_is_the_planned_one(deployed: Deployed, label: str, planned: str) -> None:
    fact = float(deployed.endpoint.cache_config[label])
    assert deployed.promises(planned, fact), f"wish: {deployed.outputs['plan'][planned]}\nfact: {fact}"


def test_it_answers_with_text(deployed: Deployed) -> None:
    assert deployed.endpoint.complete("Say something.").strip()
