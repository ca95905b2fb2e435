"""Verdicts: what is asked against the range, and nearest values that really are feasible."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hosts.stack import Goal
from sizing.outlook import Axis, Outlook, judged, rounded
from sizing.plan import plan
from sizing.serving import ServingPlan
from tests.unit.sizing.hosts_and_models import guide_model, host

A10G = host("guide-21g-8c-32g")
L4 = host("aws-g6-2xlarge")
REQUEST = {"context_tokens": 32768, "prompt_tokens": 1005, "output_tokens": 100}


def planned(**goal: Any) -> ServingPlan:
    return plan(L4, guide_model(), Goal.model_validate(REQUEST | goal), "0.32.0", served_name="m")


def axis(found: ServingPlan, name: str) -> Axis:
    return next(axis for axis in found.outlook.axes if axis.field == f"goal.{name}")


@pytest.mark.parametrize(
    ("asked", "less", "verdict"),
    [(3, True, "meets"), (1.5, True, "coin toss"), (0.5, True, "cannot"), (0.5, False, "meets"), (3, False, "cannot")],
)
def test_a_verdict_compares_what_is_asked_with_the_range(asked: float, less: bool, verdict: str) -> None:
    assert judged(asked, 1.0, 2.0, less_is_better=less) == verdict


def test_the_worst_axis_decides() -> None:
    def one(verdict: Any) -> Axis:
        return Axis(field="f", asked=1, unit="s", low=1, high=1, verdict=verdict, arithmetic="")

    assert Outlook(axes=(one("meets"), one("coin toss"), one("cannot"))).verdict == "cannot"
    assert Outlook(axes=(one("meets"), one("coin toss"))).verdict == "coin toss"
    assert Outlook(axes=(one("not judged"), one("meets"))).verdict == "meets"
    assert Outlook(axes=(one("not judged"),)).verdict == "not judged"


def test_rounding_keeps_three_digits() -> None:
    assert [rounded(v) for v in (0.012345, 123456.0, 9.999, 0.0)] == [0.0123, 123000, 10.0, 0.0]
    assert rounded(float("inf")) is None


@pytest.mark.parametrize(
    ("goal", "verdict"),
    [
        ({"requests_per_second": 1.0}, "meets"),
        ({"requests_per_second": 2.5}, "coin toss"),
        ({"requests_per_second": 10.0}, "cannot"),
        ({"requests_per_second": 1.0, "ttft_s": 3.0}, "meets"),
        ({"requests_per_second": 1.0, "ttft_s": 0.3}, "coin toss"),
        ({"requests_per_second": 1.0, "ttft_s": 0.05}, "cannot"),
        ({"requests_per_second": 1.0, "latency_s": 10.0}, "meets"),
        ({"parallel_requests": 20, "latency_s": 2.0}, "cannot"),
        ({"parallel_requests": 100}, "meets"),
        ({"parallel_requests": 200}, "cannot"),
    ],
)
def test_known_goals(goal: dict[str, Any], verdict: str) -> None:
    found = planned(**goal)
    assert found.verdict == verdict
    assert bool(found.warnings) == (verdict != "meets")


@pytest.mark.parametrize(
    ("name", "goal"),
    [
        ("requests_per_second", {"requests_per_second": 10.0}),
        ("ttft_s", {"requests_per_second": 1.0, "ttft_s": 0.05}),
        ("latency_s", {"requests_per_second": 1.0, "latency_s": 0.5}),
        ("latency_s", {"parallel_requests": 40, "latency_s": 2.0}),
        ("parallel_requests", {"parallel_requests": 500}),
    ],
)
def test_the_nearest_value_is_met(name: str, goal: dict[str, Any]) -> None:
    found = axis(planned(**goal), name)
    assert found.verdict == "cannot"
    value = float(re.sub(r"[^0-9.]", "", found.nearest[0].split(": ")[1]))
    slack = 0.99 if name in ("requests_per_second", "parallel_requests") else 1.01  # the text has three digits
    changed: Any = int(value) if name == "parallel_requests" else value * slack
    assert axis(planned(**(goal | {name: changed})), name).verdict == "meets"


@pytest.mark.parametrize(
    ("name", "goal"),
    [
        ("ttft_s", {"requests_per_second": 1.0, "ttft_s": 0.2}),
        ("latency_s", {"parallel_requests": 20, "latency_s": 9.0}),
        ("requests_per_second", {"requests_per_second": 2.5}),
        ("parallel_requests", {"parallel_requests": 500}),
    ],
)
def test_the_shorter_request_that_is_named_is_met(name: str, goal: dict[str, Any]) -> None:
    found = axis(planned(**goal), name)
    tokens = int(re.sub(r"[^0-9]", "", re.findall(r"at most ([\d,]+) tokens", " ".join(found.nearest))[0]))
    shorter = {"prompt_tokens": tokens} if name != "parallel_requests" else {"prompt_tokens": tokens - 100}
    assert axis(planned(**(goal | shorter)), name).verdict == "meets"


def test_a_shared_prefix_helps_memory_and_time() -> None:
    plain = planned(parallel_requests=200, ttft_s=1.0)
    shared = planned(parallel_requests=200, ttft_s=1.0, shared_prefix_tokens=900)
    assert (axis(shared, "parallel_requests").low or 0) > 3 * (axis(plain, "parallel_requests").low or 0) / 2
    assert (axis(shared, "ttft_s").low or 0) < (axis(plain, "ttft_s").low or 0)


@settings(max_examples=100, deadline=None)
@given(st.floats(0.05, 20), st.floats(1.05, 3))
def test_more_load_is_never_faster(rate: float, factor: float) -> None:
    """Up to what the places for a higher rate save in waiting for one."""
    for name in ("ttft_s", "latency_s"):
        light = axis(planned(requests_per_second=rate, **{name: 1.0}), name)
        heavy = axis(planned(requests_per_second=rate * factor, **{name: 1.0}), name)
        for before, after in ((light.low, heavy.low), (light.high, heavy.high)):
            assert after is None or (before is not None and after >= 0.95 * before)


def test_the_sentence_names_field_value_range_and_what_is_feasible() -> None:
    (sentence,) = planned(requests_per_second=10.0).warnings
    assert sentence.startswith("goal.requests_per_second: 10 requests/s cannot be met: predicted 2.3")
    assert "s of the GPU" in sentence
    assert "feasible: requests_per_second: 2.3" in sentence


def test_without_stated_lengths_the_longest_is_taken_and_said() -> None:
    found = plan(A10G, guide_model(), Goal(context_tokens=32768, ttft_s=3.0), "0.32.0", served_name="m")
    assert any("32512 + 256 tokens, the longest" in sentence for sentence in found.outlook.assumptions)
    assert found.verdict == "cannot"


def test_a_rate_gets_the_sequences_it_keeps_in_flight() -> None:
    """Without parallel_requests a rate of many a second would otherwise be served one by one."""
    assert planned()["max_num_seqs"] == 1
    assert planned(requests_per_second=0.1)["max_num_seqs"] == 8
    busy = planned(requests_per_second=2.0)
    running = 2.0 * (axis(planned(requests_per_second=2.0, latency_s=60.0), "latency_s").high or 0)
    assert running < busy.integer("max_num_seqs") < 4 * running + 8
    assert planned(requests_per_second=2.0, parallel_requests=100)["max_num_seqs"] == 100
