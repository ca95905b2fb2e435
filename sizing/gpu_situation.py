"""A sized start as the roofline sees it, and how many sequences a rate keeps in flight."""

import math
from dataclasses import replace

from sizing.goal import Situation, Work, card_named
from sizing.gpu_sizing import Sizing, kv_element_bytes
from sizing.kv_values import mean_request
from sizing.request import PlanRequest

SPREAD = 4  # standard deviations of a Poisson number in flight
LEAST = 8  # a few places cost nothing and keep arrivals from waiting for one


def situation(request: PlanRequest, sizing: Sizing) -> Situation:
    """Everything that decides how fast this start is."""
    settings = sizing.settings
    lowest, _, highest = sizing.blocks()
    work = Work(request.model, sizing.budget.weights.point, kv_element_bytes(sizing.kv), settings.tensor_parallel)
    return Situation(
        goal=request.goal,
        work=work,
        card=card_named(request.gpu.name),
        pool=sizing.kv.pool,
        blocks=(lowest, highest),
        max_num_seqs=settings.max_num_seqs,
        batched_tokens=settings.max_num_batched_tokens,
        context_tokens=settings.max_model_len,
        request=mean_request(request.goal, settings.max_model_len),
    )


def sequences_for_rate(request: PlanRequest, sizing: Sizing, most: int) -> int:
    """Sequences that the goal's rate keeps in flight at the slow end, by Little's law, with room for bursts.

    `most` where the rate is more than the GPU serves; 1 without a rate.
    """
    rate = request.goal.requests_per_second
    if rate is None:
        return 1
    service = replace(situation(request, sizing), max_num_seqs=most).service("slow")
    running = service.under_rate(rate).running
    return min(most, max(LEAST, math.ceil(running + SPREAD * math.sqrt(running))))
