"""Weights, activation peak and graphs against what logs print and against the arithmetic of the source."""

from typing import Any

import pytest

from sizing.gpu_memory.activation import SAMPLER_BYTES_PER_LOGIT, activation_of, batch_of
from sizing.gpu_memory.gpu import GIB, gpu_named
from sizing.gpu_memory.graphs import capture_sizes, graph_bytes
from sizing.gpu_memory.options import StartOptions
from sizing.gpu_memory.releases import engine_of
from sizing.gpu_memory.replay import Start, read_starts
from sizing.gpu_memory.shapes import ModelShapes
from sizing.gpu_memory.weights import allocated, lora_bytes, weight_bytes

MIB = 1 << 20
RTX = gpu_named("NVIDIA GeForce RTX 3090", round(23.56 * GIB))
H100 = gpu_named("NVIDIA H100 80GB HBM3", round(79.19 * GIB))


def readable(rows: list[dict[str, Any]]) -> list[tuple[dict[str, Any], Start]]:
    found = []
    for row in rows:
        try:
            found.append((row, read_starts(row)[0]))
        except ValueError:
            continue
    return found


def test_allocator_rounds_large_tensors_to_two_mebibytes_unless_a_mebibyte_is_left() -> None:
    assert allocated(100) == 512
    assert allocated(9 * MIB) == 9 * MIB
    assert allocated(129.5 * MIB) == 130 * MIB  # half a MiB over is kept
    assert allocated(24.5 * MIB) == 24.5 * MIB  # 1.5 MiB over is given back


def test_weights_are_what_vllm_logged(rows: list[dict[str, Any]]) -> None:
    off = {}
    for row, start in readable(rows):
        logged = row["observed"]["model_weights_gib"]
        if logged is None or start.options.cpu_offload_gib:
            continue
        size = weight_bytes(start.model, start.gpu, start.engine.release, start.options) / GIB
        off[row["id"]] = abs(size - logged)
    assert len(off) > 55
    assert sorted(off.values())[len(off) // 2] < 0.01
    assert sorted(off.values())[int(len(off) * 0.9)] < 0.07
    assert max(off.values()) < 0.12


def test_activation_peak_is_what_vllm_logged(rows: list[dict[str, Any]]) -> None:
    off = []
    for row, start in readable(rows):
        logged = row["observed"]["peak_activation_gib"]
        if logged is None or row["vllm_version"] is None or "Activation 2.12" in row["note"]:
            continue  # the last ran with FlashInfer, which its log alone says
        off.append(abs(activation_of(start.model, start.engine, start.gpu, start.options).peak_bytes / GIB - logged))
    assert len(off) > 30
    assert sorted(off)[len(off) // 2] < 0.01
    assert max(off) < 0.05


def test_sampler_peak_of_one_published_start() -> None:
    """Qwen3-14B, 1,024 sequences of 151,936 logits: 5.64 GiB with the sort, 2.23 with the Triton kernel."""
    logits = 1024 * 151936
    assert logits * SAMPLER_BYTES_PER_LOGIT["sort"] / GIB == pytest.approx(5.506, abs=0.001)
    assert logits * SAMPLER_BYTES_PER_LOGIT["triton"] / GIB == pytest.approx(2.029, abs=0.001)


def test_more_batched_tokens_and_sequences_never_need_less(mistral: ModelShapes) -> None:
    engine = engine_of((0, 17), mistral.architecture, quantized=False, mixture=False)
    peaks = [
        activation_of(mistral, engine, RTX, StartOptions(max_num_batched_tokens=t, max_num_seqs=s)).peak_bytes
        for t, s in ((2048, 8), (2048, 256), (8192, 256), (16384, 1024))
    ]
    assert peaks == sorted(peaks)
    assert peaks[-1] > 2 * peaks[0]


def test_a_cold_compile_needs_a_second_embedding_and_eager_none(mistral: ModelShapes) -> None:
    engine = engine_of((0, 24), mistral.architecture, quantized=False, mixture=False)
    cold = activation_of(mistral, engine, RTX, StartOptions())
    warm = activation_of(mistral, engine, RTX, StartOptions(compile_cache="warm"))
    eager = activation_of(mistral, engine, RTX, StartOptions(enforce_eager=True))
    assert cold.compile_bytes >= mistral.embedding_bytes
    assert warm.compile_bytes == eager.compile_bytes == 0


def test_batch_defaults_by_card(mistral: ModelShapes) -> None:
    engine = engine_of((0, 32), mistral.architecture, quantized=False, mixture=False)
    a100 = gpu_named("NVIDIA A100 80GB", round(79.25 * GIB))
    assert (batch_of(engine, H100, StartOptions()).tokens, batch_of(engine, H100, StartOptions()).sequences) == (
        8192,
        1024,
    )
    assert batch_of(engine, a100, StartOptions()).sequences == 256
    assert batch_of(engine, RTX, StartOptions(max_num_batched_tokens=64)).sequences == 64


def test_graphs_by_captured_sizes(mistral: ModelShapes) -> None:
    assert capture_sizes(8, 2048) == (1, 2, 4, 8, 16)
    assert len(capture_sizes(256, 2048)) == 51
    assert capture_sizes(1024, 8192)[-1] == 512
    assert graph_bytes(mistral, StartOptions(enforce_eager=True), 256, 2048, 0.4) == 0
    assert graph_bytes(mistral, StartOptions(), 256, 2048, 0.5) == 32 * 51 * MIB // 2
    assert graph_bytes(mistral, StartOptions(lora_slots=1), 256, 2048, 0.5) == 32 * 51 * MIB


def test_adapter_slots_offload_and_splitting(mistral: ModelShapes) -> None:
    release = (0, 19)
    whole = weight_bytes(mistral, RTX, release, StartOptions())
    slots = weight_bytes(mistral, RTX, release, StartOptions(lora_slots=2))
    assert slots - whole == lora_bytes(mistral, StartOptions(lora_slots=2)) == 2 * 16 * 81920 * 32 * 2
    assert weight_bytes(mistral, RTX, release, StartOptions(cpu_offload_gib=8)) == whole - 8 * GIB
    half = weight_bytes(mistral, RTX, release, StartOptions(tensor_parallel=2))
    assert half == pytest.approx(whole / 2, rel=0.002)
