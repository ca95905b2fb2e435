"""Which engine, model runner and sampler a release takes, as its source says."""

from datetime import date

import pytest

from sizing.gpu_memory.releases import engine_of, newest_before, parse_release


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("0.32.0", (0, 32)),
        ("v0.8.5", (0, 8)),
        ("0.28.1rc1.dev50+gcac8a75a7", (0, 28)),
        ("0.2.x", (0, 2)),
        ("0.6.4 (main, Dec 2024)", (0, 6)),
        ("main, Aug 2026", None),
        ("", None),
    ],
)
def test_a_version_is_read_in_every_spelling_logs_use(text: str, release: tuple[int, int] | None) -> None:
    assert parse_release(text) == release


def test_a_start_ran_at_most_the_release_before_its_date() -> None:
    assert newest_before(date(2026, 4, 1)) == (0, 18)
    assert newest_before(date(2026, 4, 2)) == (0, 19)
    assert newest_before(date(2020, 1, 1)) == (0, 5)


@pytest.mark.parametrize(
    ("release", "architecture", "quantized", "mixture", "second"),
    [
        ((0, 21), "Qwen3ForCausalLM", False, False, False),
        ((0, 22), "Qwen3ForCausalLM", False, False, True),
        ((0, 22), "LlamaForCausalLM", False, False, False),
        ((0, 23), "LlamaForCausalLM", True, False, False),
        ((0, 24), "LlamaForCausalLM", True, False, True),
        ((0, 24), "Qwen2ForCausalLM", False, False, False),
        ((0, 25), "Qwen2ForCausalLM", True, False, True),
        ((0, 25), "MixtralForCausalLM", False, True, False),
        ((0, 28), "Qwen2MoeForCausalLM", False, True, True),
        ((0, 30), "MixtralForCausalLM", True, True, True),
    ],
)
def test_the_second_model_runner_takes_over_class_by_class(
    release: tuple[int, int], architecture: str, quantized: bool, mixture: bool, second: bool
) -> None:
    engine = engine_of(release, architecture, quantized=quantized, mixture=mixture)
    assert engine.second_runner is second


@pytest.mark.parametrize(
    ("release", "flashinfer", "sampler"),
    [
        ((0, 11), None, "sort"),
        ((0, 11), True, "flashinfer"),
        ((0, 10), None, "flashinfer"),
        ((0, 13), None, "sort"),
        ((0, 13), True, "flashinfer"),
        ((0, 17), None, "triton"),
        ((0, 20), None, "triton"),
        ((0, 21), None, "flashinfer"),
        ((0, 21), False, "triton"),
        ((0, 32), None, "gumbel"),
    ],
)
def test_the_sampler_follows_release_and_flashinfer(
    release: tuple[int, int], flashinfer: bool | None, sampler: str
) -> None:
    engine = engine_of(release, "Gemma2ForCausalLM", quantized=False, mixture=False, flashinfer=flashinfer)
    assert engine.sampler == sampler


def test_graphs_count_before_the_kv_cache_from_020_and_on_the_second_runner_from_029() -> None:
    def subtracts(release: tuple[int, int], architecture: str) -> bool:
        return engine_of(release, architecture, quantized=False, mixture=False).subtracts_graphs

    assert not subtracts((0, 19), "LlamaForCausalLM")
    assert subtracts((0, 20), "LlamaForCausalLM")
    assert not subtracts((0, 24), "LlamaForCausalLM")  # second runner
    assert subtracts((0, 24), "Gemma2ForCausalLM")
    assert subtracts((0, 30), "LlamaForCausalLM")
