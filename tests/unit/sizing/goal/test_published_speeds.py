"""Public measurements lie between the ends of the predicted range; the guide's wishes do not."""

from dataclasses import dataclass, replace

import pytest

from sizing.geometry import ModelGeometry
from sizing.goal.cards import card_named
from sizing.goal.efficiency import ENDS, End
from sizing.goal.operation import Service
from sizing.goal.speed import Speed
from sizing.goal.work import Work
from sizing.kv_values import MeanRequest
from tests.unit.sizing.hosts_and_models import guide_model, model

FP16 = "Mistral-7B-v0.3"


@dataclass(frozen=True)
class Measured:
    """Output tokens a second of so many requests in flight."""

    card: str
    weights: str
    running: int
    prompt: int
    output: int
    tokens_per_s: float


# L4, vLLM 0.16 (a public bench of April 2026, decode of short prompts); RTX 4090, 256 tokens in and 128 out.
MEASURED = (
    Measured("L4", "AWQ", 1, 128, 128, 61.4),
    Measured("L4", "AWQ", 4, 128, 128, 234.9),
    Measured("L4", "AWQ", 8, 128, 128, 452.3),
    Measured("L4", FP16, 1, 128, 128, 17.9),
    Measured("L4", FP16, 8, 128, 128, 133.9),
    Measured("RTX 4090", FP16, 4, 256, 128, 210),
    Measured("RTX 4090", FP16, 16, 256, 128, 644),
    Measured("RTX 4090", FP16, 32, 256, 128, 975),
    Measured("RTX 4090", FP16, 48, 256, 128, 1190),
)


def service(card: str, geometry: ModelGeometry, end: End, request: MeanRequest, places: float) -> Service:
    work = Work(geometry, geometry.loaded_weight_bytes, 2)
    return Service(Speed(work, card_named(card), 2048, end), request, places)


@pytest.mark.parametrize("case", MEASURED, ids=str)
def test_a_measured_throughput_is_within_the_range(case: Measured) -> None:
    geometry = guide_model() if case.weights == "AWQ" else model(case.weights)
    request = MeanRequest(case.prompt, case.output, 0, stated=True)
    slow, fast = sorted(
        case.output / service(case.card, geometry, end, request, case.running).gpu_s(case.running) for end in ENDS
    )
    decode_only = case.card == "L4"  # that bench leaves the prompt out
    if decode_only:
        speeds = [service(case.card, geometry, end, request, case.running).decode_tokens_per_s for end in ENDS]
        slow, fast = min(speeds), max(speeds)
    assert slow < case.tokens_per_s < fast


def test_the_measured_gain_of_four_bit_weights_is_within_the_range() -> None:
    """3.35 times on an L4, one request at a time."""
    request = MeanRequest(128, 128, 0, stated=True)
    gains = [
        service("L4", guide_model(), end, request, 1).decode_tokens_per_s
        / service("L4", model(FP16), end, request, 1).decode_tokens_per_s
        for end in ENDS
    ]
    assert min(gains) < 3.43 < max(gains) * 1.05


def test_a_measured_load_on_an_l40_is_within_the_range() -> None:
    """Qwen3-8B AWQ at 10 requests/s of 512 + 128: 99 ms to the first token, 24.9 ms between tokens (published)."""
    eight = model("Qwen3-8B")
    packed = replace(Work(eight, 0, 2), weight_bytes=6_100_000_000)
    request = MeanRequest(512, 128, 0, stated=True)
    fast, slow = (
        Service(Speed(packed, card_named("L40"), 2048, end), request, 256).under_rate(10) for end in ("fast", "slow")
    )
    assert fast.ttft_s < 0.099 < slow.ttft_s
    assert fast.token_interval_s < 0.0249 < slow.token_interval_s


def test_the_range_is_not_so_wide_that_it_says_nothing() -> None:
    request = MeanRequest(1000, 100, 0, stated=True)
    slow, fast = sorted(service("A10G", guide_model(), end, request, 16).most_requests_per_s for end in ENDS)
    assert fast / slow < 2.5
