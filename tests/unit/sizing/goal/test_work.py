"""Operations and bytes of a request, against figures computed by hand."""

import pytest

from sizing.goal.cards import card_named
from sizing.goal.speed import Speed
from sizing.goal.work import Work
from tests.unit.sizing.hosts_and_models import guide_model, model, models


def work(name: str | None = None, kv_bytes: int = 2, gpus: int = 1) -> Work:
    geometry = guide_model() if name is None else model(name)
    return Work(geometry, geometry.loaded_weight_bytes // gpus, kv_bytes, gpus)


def test_a_prompt_of_32k_costs_what_arithmetic_says() -> None:
    """2 x 6.98e9 x 32768 for the linear layers, 4 x 32 x 4096 x 32768^2 / 2 for causal attention."""
    linear = 2 * (7_248_023_552 - 2 * 32768 * 4096) * 32768
    attention = 4 * 32 * 4096 * 32768**2 / 2
    assert work().prefill_flop(32768) == pytest.approx(linear + attention, rel=1e-6)
    assert work().prefill_flop(32768) == pytest.approx(7.4e14, rel=0.01)


def test_a_shared_prefix_saves_its_own_tokens_but_is_still_attended_to() -> None:
    whole, rest = work().prefill_flop(8192), work().prefill_flop(8192, 6144)
    assert rest > whole / 4
    assert rest < whole / 2
    assert work().prefill_flop(8192, 8191) < whole / 1000


def test_a_window_saves_attention_of_long_prompts() -> None:
    windowed, full = work("Mistral-7B-v0.1"), work("Mistral-7B-v0.3")
    assert windowed.prefill_flop(32768) < 0.8 * full.prefill_flop(32768)
    assert windowed.kv_bytes(32768) == full.kv_bytes(4096)


def test_one_token_reads_the_weights_without_the_token_table() -> None:
    assert work().read_bytes(1) == pytest.approx(4_163_379_200 - 268_435_456, rel=0.001)
    assert work().kv_bytes(1000) == 131_072_000
    assert work(kv_bytes=1).kv_bytes(1000) == 65_536_000


def test_experts_are_read_as_they_are_picked() -> None:
    mixtral = work("Mixtral-8x7B")
    assert mixtral.linear_parameters == pytest.approx(12.6e9, rel=0.03)
    one, many = mixtral.read_bytes(1), mixtral.read_bytes(64)
    assert one == pytest.approx(2 * 12.8e9, rel=0.05)
    assert many == pytest.approx(mixtral.weight_bytes, rel=0.02)


def test_two_gpus_divide_weights_and_keys_but_not_a_latent() -> None:
    assert work(gpus=2).kv_bytes(100) == work().kv_bytes(100) / 2
    assert work("DeepSeek-V2-Lite", gpus=2).kv_bytes(100) == work("DeepSeek-V2-Lite").kv_bytes(100)


@pytest.mark.parametrize("name", sorted(models()))
def test_longer_never_costs_less(name: str) -> None:
    geometry = models()[name]
    if not geometry.kv_groups:
        return
    found = work(name)
    lengths = [64, 512, 4096, 32768]
    for figure in (found.prefill_flop, found.kv_bytes):
        costs = [figure(length) for length in lengths]
        assert costs == sorted(costs)
    assert all(cost > 0 for cost in (found.read_bytes(1), found.decode_flop(1, 64)))
    assert found.read_bytes(1) <= found.read_bytes(100) <= max(1, found.weight_bytes)


def test_a_step_is_bound_by_reading_and_a_prompt_by_computing() -> None:
    speed = Speed(work(), card_named("A10G"), 2048, "fast")
    assert speed.step_s(1, 100) == pytest.approx(3.895e9 / (600e9 * 0.92) + 0.0002, rel=0.01)
    assert speed.prefill_s(2048) == pytest.approx(work().prefill_flop(2048) / (70e12 * 0.75) + 0.0002, rel=0.001)
    assert speed.prefill_s(1) == pytest.approx(speed.step_s(1, 0), rel=0.01), "one token reads all weights too"
