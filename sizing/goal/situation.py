"""All that decides how fast a planned server is, at both ends of the range."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from hosts.stack import Goal
from sizing.goal.cards import Card
from sizing.goal.efficiency import ENDS, End
from sizing.goal.operation import Operation, Service
from sizing.goal.speed import Speed
from sizing.goal.work import Work
from sizing.kv.pages import Pool
from sizing.kv_values import MeanRequest, concurrency_of


@dataclass(frozen=True)
class Situation:
    """A model on a card with a KV pool of `blocks` (fewest, most), batch limits, and the goal's mean request."""

    goal: Goal
    work: Work
    card: Card
    pool: Pool
    blocks: tuple[int, int]
    max_num_seqs: int
    batched_tokens: int
    context_tokens: int
    request: MeanRequest

    def places(self, end: End, request: MeanRequest) -> float:
        """Requests that run at once: what the KV cache holds, at most max_num_seqs, at least one."""
        held = concurrency_of(self.pool, self.blocks[end == "fast"], request)
        return max(1.0, min(float(self.max_num_seqs), held))

    def service(self, end: End, request: MeanRequest | None = None) -> Service:
        """The server at one end of the range, for the goal's mean request or another."""
        return self._services[end] if request is None else self._service(end, request)

    def operation(self, end: End, request: MeanRequest | None = None) -> Operation:
        """Under the goal's rate; without one, with its parallel requests always in flight."""
        return self._operations[end] if request is None else self._operation(self._service(end, request))

    @cached_property
    def _services(self) -> dict[End, Service]:
        return {end: self._service(end, self.request) for end in ENDS}

    @cached_property
    def _operations(self) -> dict[End, Operation]:
        return {end: self._operation(service) for end, service in self._services.items()}

    def _service(self, end: End, request: MeanRequest) -> Service:
        speed = Speed(self.work, self.card, self.batched_tokens, end)
        return Service(speed, request, self.places(end, request))

    def _operation(self, service: Service) -> Operation:
        rate = self.goal.requests_per_second
        return service.in_flight(self.goal.parallel_requests) if rate is None else service.under_rate(rate)

    def both(self, figure: Callable[[End], float]) -> tuple[float, float]:
        """A figure at the fast and at the slow end, the smaller first."""
        found = [figure(end) for end in ENDS]
        return min(found), max(found)

    def longest_prompt(self, holds: Callable[[Service, Operation], bool]) -> int:
        """The longest prompt, other things equal, for which `holds` at the slow end; 0 where none does."""

        def feasible(tokens: int) -> bool:
            shared = min(self.request.shared_tokens, tokens - 1)
            service = self._service("slow", replace(self.request, prompt_tokens=tokens, shared_tokens=shared))
            return holds(service, self._operation(service))

        low, high = 0, max(0, self.request.prompt_tokens)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if feasible(middle) else (low, middle - 1)
        return _round_down(low)


def _round_down(tokens: int) -> int:
    """Two significant digits: a figure to plan with, not to the token."""
    if tokens < 100:
        return tokens
    unit: int = 10 ** (math.floor(math.log10(tokens)) - 1)
    return tokens // unit * unit
