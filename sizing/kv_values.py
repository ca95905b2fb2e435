"""The KV cache as values of a plan: what it takes, what it holds, how many requests that is."""

from collections.abc import Iterator
from dataclasses import dataclass

from hosts.stack import Goal
from sizing.kv.pages import Pool
from sizing.sized import Sized


@dataclass(frozen=True)
class MeanRequest:
    """A request as the goal describes the average one; of full length where it does not."""

    prompt_tokens: int
    output_tokens: int
    shared_tokens: int
    stated: bool

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.output_tokens


USUAL_OUTPUT_TOKENS = 256


def mean_request(goal: Goal, context_tokens: int) -> MeanRequest:
    """What is not stated is taken at its longest: the prompt fills the context beside 256 tokens of answer."""
    output, prompt = goal.output_tokens, goal.prompt_tokens
    if output is None:
        room = context_tokens - (prompt or context_tokens // 2)
        output = max(1, min(USUAL_OUTPUT_TOKENS, room))
    if prompt is None:
        prompt = max(1, context_tokens - output)
    stated = goal.prompt_tokens is not None or goal.output_tokens is not None
    return MeanRequest(prompt, output, min(goal.shared_prefix_tokens, prompt - 1), stated)


def concurrency_of(pool: Pool, blocks: int, request: MeanRequest) -> float:
    """Mean requests that fit into `blocks` at once, the one vLLM reserves aside.

    Whole blocks of a shared prefix are kept once, in groups that keep every token.
    """
    shared = sum(
        request.shared_tokens // group.page.block_tokens
        for group in pool.groups
        if group.page.group.kind in ("full", "latent")
    )
    each = pool.blocks(request.tokens) - shared
    return max(0.0, (blocks - 1 - shared) / max(1, each))


def capacity_values(
    blocks: tuple[int, int, int] | tuple[int],
    pool: Pool,
    context_tokens: int,
    request: MeanRequest,
    exact_from: tuple[str, ...],
) -> Iterator[Sized]:
    """`blocks`: lowest, expected and highest number, or the exact one."""
    per_request = pool.blocks(context_tokens)
    expected = blocks[len(blocks) // 2]
    ends = (blocks[0], blocks[-1]) if len(blocks) > 1 else (None, None)

    def sized(name: str, unit: str, of: float, scale: float, reason: str, sources: tuple[str, ...]) -> Sized:
        low, high = (None if end is None else end * scale for end in ends)
        return Sized(name=name, value=of, unit=unit, reason=reason, derived_from=sources, low=low, high=high)

    yield sized(
        "kv_blocks", "blocks", expected, 1, "whole blocks in the KV cache, the reserved one included", exact_from
    )
    yield sized(
        "kv_tokens",
        "tokens",
        int(expected / per_request * context_tokens),
        context_tokens / per_request,
        "what vLLM will report as its KV cache size",
        ("kv_blocks", "max_model_len"),
    )
    yield sized(
        "kv_concurrency",
        "requests",
        round(expected / per_request, 4),
        1 / per_request,
        "requests of full length that run at once",
        ("kv_blocks", "max_model_len"),
    )
    if request.stated:
        yield Sized(
            name="kv_concurrency_mean",
            value=round(concurrency_of(pool, expected, request), 2),
            unit="requests",
            reason=f"requests of {request.tokens} tokens that run at once"
            + (f", {request.shared_tokens} of them kept once for all" if request.shared_tokens else ""),
            derived_from=("kv_blocks", "goal.prompt_tokens", "goal.output_tokens", "goal.shared_prefix_tokens"),
            low=None if ends[0] is None else concurrency_of(pool, ends[0], request),
            high=None if ends[1] is None else concurrency_of(pool, ends[1], request),
        )
