"""How many requests a KV cache holds at their mean length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosts.stack import Goal
from sizing.kv_values import MeanRequest, concurrency_of, mean_request
from tests.unit.sizing.hosts_and_models import model
from tests.unit.sizing.kv_pools import pool_of


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        ({"context_tokens": 32768}, (32512, 256, 0, False)),
        ({"context_tokens": 100}, (50, 50, 0, False)),
        ({"context_tokens": 8192, "prompt_tokens": 1000}, (1000, 256, 0, True)),
        ({"context_tokens": 8192, "prompt_tokens": 8100}, (8100, 92, 0, True)),
        ({"context_tokens": 8192, "output_tokens": 500}, (7692, 500, 0, True)),
        ({"context_tokens": 8192, "prompt_tokens": 900, "output_tokens": 50, "shared_prefix_tokens": 900}, None),
    ],
)
def test_what_is_not_stated_is_taken_at_its_longest(
    goal: dict[str, int], expected: tuple[int, int, int, bool] | None
) -> None:
    found = mean_request(Goal.model_validate(goal), goal["context_tokens"])
    wanted = MeanRequest(*expected) if expected else MeanRequest(900, 50, 899, stated=True)
    assert found == wanted
    assert found.tokens <= goal["context_tokens"]


def test_requests_that_share_a_prefix_keep_it_once() -> None:
    pool = pool_of(model("Mistral-7B-v0.3"))
    alone = MeanRequest(1024, 64, 0, stated=True)
    shared = MeanRequest(1024, 64, 1023, stated=True)
    assert concurrency_of(pool, 1 + 68 * 10, alone) == 10, "68 blocks each and the reserved one"
    assert concurrency_of(pool, 1 + 63 + 5 * 10, shared) == 10, "63 whole blocks once, 5 for each"


def test_a_window_shares_nothing() -> None:
    """Blocks before a window are freed, so only groups that keep every token share."""
    hybrid = pool_of(model("Gemma-2-9B"))
    full, window = hybrid.blocks_by_group(1088)
    shared = MeanRequest(1024, 64, 1023, stated=True)
    assert concurrency_of(hybrid, 1 + 63 + 10 * (full - 63 + window), shared) == pytest.approx(10)


@given(st.integers(2, 100_000), st.integers(1, 30_000), st.integers(1, 2000), st.integers(0, 30_000))
def test_the_requests_that_fit_do_fit(blocks: int, prompt: int, output: int, shared: int) -> None:
    pool = pool_of(model("Mistral-7B-v0.3"))
    request = MeanRequest(prompt, output, min(shared, prompt - 1), stated=True)
    many = int(concurrency_of(pool, blocks, request))
    once = request.shared_tokens // 16
    assert many >= 0
    if many:
        assert once + many * (pool.blocks(request.tokens) - once) + 1 <= blocks
