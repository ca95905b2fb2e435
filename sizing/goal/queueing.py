"""Waiting times of two textbook queues. Times are seconds; `variation` is the squared coefficient of variation of
the service time (0: all alike, 1: exponential). Arrivals are Poisson."""

import math


def wait_for_one(utilisation: float, service_s: float, variation: float) -> float:
    """Mean wait for a single server, M/G/1: Pollaczek and Khinchine's formula; infinite from utilisation 1."""
    if utilisation >= 1:
        return math.inf
    return utilisation / (1 - utilisation) * (1 + variation) / 2 * service_s


def wait_for_many(utilisation: float, servers: float, service_s: float, variation: float) -> float:
    """Mean wait for one of several servers, M/G/c: Sakasegawa's approximation; infinite from utilisation 1."""
    if utilisation >= 1:
        return math.inf
    if utilisation <= 0:
        return 0.0
    places = max(1.0, servers)
    waiting: float = utilisation ** (math.sqrt(2 * (places + 1)) - 1) / (places * (1 - utilisation))
    return waiting * (1 + variation) / 2 * service_s
