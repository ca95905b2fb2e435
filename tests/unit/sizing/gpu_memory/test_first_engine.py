"""The first engine from 0.7 on: its memory accounting and its chunk, on public logs that fitted no amount."""

from typing import Any

import pytest

from sizing.gpu_memory.calibration import machine_class
from sizing.gpu_memory.gpu import GIB, gpu_named
from sizing.gpu_memory.releases import engine_of
from sizing.gpu_memory.replay import predict_row, read_starts


def start(model: str, gpu: str, total_gib: float, version: str, utilization: float, **more: Any) -> dict[str, Any]:
    stated = {"vllm_version": version, "gpu_memory_utilization": utilization, "engine": "V0"}
    return {"model": model, "gpu_name": gpu, "total_gpu_memory_gib": total_gib, **stated, **more}


LOGGED = [
    (
        start(
            "unsloth/Llama-3.2-3B-Instruct",
            "Tesla T4",
            14.74,
            "0.8.2",
            0.8939,
            max_model_len=2048,
            max_num_seqs=192,
            max_num_batched_tokens=2048,
        ),
        6.22,
    ),
    (start("Qwen/Qwen2.5-Math-1.5B", "NVIDIA A10G", 22.06, "0.7.2", 0.9, max_model_len=4096), 15.52),
    (start("Qwen/Qwen2.5-7B-Instruct-AWQ", "NVIDIA RTX 4060", 8.0, "0.7.3", 0.7, max_model_len=4096), -1.05),
    (start("meta-llama/Llama-3.1-8B-Instruct", "NVIDIA A10G", 22.07, "0.7.1", 0.9, max_model_len=131072), 4.60),
]


@pytest.mark.parametrize(("row", "kv_gib"), LOGGED, ids=lambda value: value["model"] if isinstance(value, dict) else "")
def test_the_logged_kv_cache_is_met(row: dict[str, Any], kv_gib: float) -> None:
    assert predict_row(row).kv_cache.point / GIB == pytest.approx(kv_gib, abs=0.03)


def test_starts_that_failed_are_called_failures() -> None:
    assert [predict_row(row).verdict for row, _ in LOGGED[2:]] == ["fails", "fails"]


@pytest.mark.parametrize(("release", "counted"), [((0, 6), "up to 0.6"), ((0, 7), "other 0.7-0.19")])
def test_from_0_7_both_engines_count_what_the_process_added(release: tuple[int, int], counted: str) -> None:
    card = gpu_named("NVIDIA A10G", round(22.06 * GIB))
    engine = engine_of(release, "LlamaForCausalLM", quantized=False, mixture=False, first_engine=True)

    assert machine_class(engine, card, 1) == counted
    assert machine_class(engine, card, 2) == f"{counted} parallel"


def test_a_first_engine_without_date_ran_a_release_that_had_it() -> None:
    row = start("Qwen/Qwen2.5-7B", "NVIDIA A10G", 22.06, "", 0.9, max_model_len=4096)

    assert {s.engine.release for s in read_starts(row)} == {(0, 6), (0, 7), (0, 8)}
