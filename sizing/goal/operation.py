"""A server at work: time to first token, latency and throughput under a rate, or with so many requests in flight."""

import math
from dataclasses import dataclass
from functools import cached_property

from sizing.goal.queueing import wait_for_many, wait_for_one
from sizing.goal.speed import Speed
from sizing.kv_values import MeanRequest

ROUNDS = 60


@dataclass(frozen=True)
class Operation:
    """Means, in seconds and requests; infinite where the queue grows without end."""

    ttft_s: float
    latency_s: float
    token_interval_s: float
    running: float


@dataclass(frozen=True)
class Service:
    """One end of the range for one kind of request. `places` is how many fit into KV cache and batch at once."""

    speed: Speed
    request: MeanRequest
    places: float

    @cached_property
    def context_tokens(self) -> float:
        """Mean length of a running request while it answers."""
        return self.request.prompt_tokens + self.request.output_tokens / 2

    @cached_property
    def prefill_s(self) -> float:
        return self.speed.prefill_s(self.request.prompt_tokens, self.request.shared_tokens)

    def gpu_s(self, running: float) -> float:
        """GPU time one request takes when `running` share each step."""
        many = max(1.0, running)
        return self.prefill_s + self.request.output_tokens * self.speed.step_s(many, self.context_tokens) / many

    @cached_property
    def decode_tokens_per_s(self) -> float:
        """Tokens of all running requests together, with every place taken and no prompt in between."""
        return self.places / self.speed.step_s(self.places, self.context_tokens)

    @cached_property
    def most_requests_per_s(self) -> float:
        """The rate above which the queue grows without end."""
        return 1.0 / self.gpu_s(self.places)

    def under_rate(self, rate: float) -> Operation:
        """Requests arrive at random, `rate` a second."""
        prefill_s, output = self.prefill_s, self.request.output_tokens
        prefilling = rate * prefill_s
        if rate >= self.most_requests_per_s or prefilling >= 1:
            return Operation(math.inf, math.inf, math.inf, self.places)
        running = 0.0
        interval = residence = 0.0
        for _ in range(ROUNDS):
            interval = self.speed.step_s(running, self.context_tokens) / (1 - prefilling)
            residence = prefill_s + output * interval
            found = min(rate * residence, self.places)  # Little's law
            if abs(found - running) < 1e-3:
                break
            running = found
        variation = self.speed.efficiency.variation
        wait = wait_for_one(prefilling, prefill_s, variation)
        wait += wait_for_many(rate * residence / max(1.0, self.places), self.places, residence, variation)
        ttft = wait + prefill_s + variation * interval  # the step under way: at an end or to be waited for
        return Operation(ttft, ttft + (output - 1) * interval, interval, running)

    def in_flight(self, requests: int) -> Operation:
        """`requests` clients, each asking again as soon as it is answered."""
        running = max(1.0, min(float(requests), self.places))
        rate = 1.0 / self.gpu_s(running)
        cycle = requests / rate  # Little's law
        queued = max(0.0, requests - running) / rate
        variation = self.speed.efficiency.variation
        others = min((requests - 1) * self.prefill_s, wait_for_one(min(0.99, rate * self.prefill_s), self.prefill_s, 1))
        step = self.speed.step_s(running, self.context_tokens)
        ttft = queued + self.prefill_s + variation * (step + others)
        interval = max(step, (cycle - ttft) / self.request.output_tokens)
        return Operation(ttft, max(cycle, ttft + (self.request.output_tokens - 1) * step), interval, running)
