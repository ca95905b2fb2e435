"""The queues against exact results and a small simulation."""

import math
import random

import pytest

from sizing.goal.queueing import wait_for_many, wait_for_one


def simulated_wait(servers: int, rate: float, service_s: float, variation: float) -> float:
    """Mean wait of 40,000 customers who arrive at random at `servers` equal servers."""
    chance = random.Random(7)  # noqa: S311 - a simulation
    free = [0.0] * servers
    now = waited = 0.0
    many = 40_000
    for _ in range(many):
        now += chance.expovariate(rate)
        first = min(range(servers), key=free.__getitem__)
        start = max(now, free[first])
        waited += start - now
        free[first] = start + (service_s if variation == 0 else chance.expovariate(1 / service_s))
    return waited / many


def erlang_c_wait(servers: int, utilisation: float, service_s: float) -> float:
    """The exact mean wait of M/M/c."""
    load = servers * utilisation
    tail = load**servers / math.factorial(servers) / (1 - utilisation)
    waits = tail / (sum(load**n / math.factorial(n) for n in range(servers)) + tail)
    return waits * service_s / (servers * (1 - utilisation))


@pytest.mark.parametrize("utilisation", [0.2, 0.5, 0.8, 0.95])
@pytest.mark.parametrize("variation", [0.0, 1.0])
def test_one_server_is_the_special_case_of_many(utilisation: float, variation: float) -> None:
    one = wait_for_one(utilisation, 2.0, variation)
    assert wait_for_many(utilisation, 1, 2.0, variation) == pytest.approx(one)


@pytest.mark.parametrize("servers", [2, 4, 16])
@pytest.mark.parametrize("utilisation", [0.6, 0.8, 0.95])
def test_many_servers_wait_as_erlang_says(servers: int, utilisation: float) -> None:
    exact = erlang_c_wait(servers, utilisation, 1.0)
    assert wait_for_many(utilisation, servers, 1.0, 1.0) == pytest.approx(exact, rel=0.2, abs=0.02)


@pytest.mark.parametrize(("servers", "variation"), [(1, 0.0), (1, 1.0), (8, 0.0), (8, 1.0)])
def test_a_simulation_agrees(servers: int, variation: float) -> None:
    utilisation, service_s = 0.8, 0.5
    waited = simulated_wait(servers, utilisation * servers / service_s, service_s, variation)
    assert wait_for_many(utilisation, servers, service_s, variation) == pytest.approx(waited, rel=0.2, abs=0.01)


def test_a_full_queue_never_ends() -> None:
    assert wait_for_one(1.0, 1.0, 0.0) == math.inf
    assert wait_for_many(1.2, 8, 1.0, 0.0) == math.inf
    assert wait_for_many(0.0, 8, 1.0, 0.0) == 0.0
