"""The verdict on each axis of a goal, with its arithmetic in words and the nearest feasible values."""

import math
from collections.abc import Iterator

from sizing.goal.situation import Situation
from sizing.kv_values import concurrency_of
from sizing.outlook import Axis, judged, rounded, shown, span

GIB = 1 << 30
MARGIN = 0.95  # what is named as feasible stays clear of the edge


def axes(s: Situation) -> Iterator[Axis]:
    """Every figure the goal states."""
    yield context_axis(s)
    yield parallel_axis(s)
    if s.goal.requests_per_second is not None:
        yield rate_axis(s, s.goal.requests_per_second)
    if s.goal.ttft_s is not None:
        yield ttft_axis(s, s.goal.ttft_s)
    if s.goal.latency_s is not None:
        yield latency_axis(s, s.goal.latency_s)


def context_axis(s: Situation) -> Axis:
    low, high = (s.pool.longest_context(b * s.pool.block_bytes, s.work.model.context_tokens) for b in s.blocks)
    need = s.pool.least_bytes(s.context_tokens)
    have = [blocks * s.pool.block_bytes / GIB for blocks in s.blocks]
    return Axis(
        field="goal.context_tokens",
        asked=s.goal.context_tokens,
        unit="tokens",
        low=low,
        high=high,
        verdict=judged(s.goal.context_tokens, low, high, less_is_better=False),
        arithmetic=f"one request of {s.context_tokens} tokens takes {need / GIB:.2f} GiB of the {span(*have)} GiB of "
        "KV cache; longer ones fit up to the model's own context",
    )


def parallel_axis(s: Situation) -> Axis:
    asked, request = s.goal.parallel_requests, s.request
    held = [concurrency_of(s.pool, blocks, request) for blocks in s.blocks]
    low, high = (min(float(s.max_num_seqs), found) for found in held)
    verdict = judged(asked, low, high, less_is_better=False)
    each = s.pool.request_bytes(request.tokens) / GIB
    nearest = ()
    if verdict != "meets":
        shorter = _longest_for(s, asked)
        nearest = (
            f"parallel_requests: {max(1, math.floor(low))}",
            *((f"requests of at most {shorter:,} tokens each",) if shorter else ()),
        )
    kept = f", {request.shared_tokens} tokens of it kept once for all" if request.shared_tokens else ""
    queue = "" if verdict == "meets" else "; further ones queue, they are not refused"
    limit = f", and max_num_seqs is {s.max_num_seqs}" if s.max_num_seqs < held[1] else ""
    return Axis(
        field="goal.parallel_requests",
        asked=asked,
        unit="at once",
        low=rounded(low),
        high=rounded(high),
        verdict=verdict,
        arithmetic=f"a request of {request.tokens} tokens takes {each:.2f} GiB of KV cache{kept}, "
        f"{span(*held)} fit{limit}{queue}",
        nearest=nearest,
    )


def _longest_for(s: Situation, parallel: int) -> int:
    """The longest request of which `parallel` fit at once, at the low end, without any sharing."""
    share = (s.blocks[0] - 1) // parallel * s.pool.block_bytes
    return s.pool.longest_context(share + s.pool.block_bytes, s.context_tokens)


def rate_axis(s: Situation, asked: float) -> Axis:
    low, high = s.both(lambda end: s.service(end).most_requests_per_s)
    verdict = judged(asked, low, high, less_is_better=False)
    prefill = s.both(lambda end: s.service(end).prefill_s)
    whole = s.both(lambda end: s.service(end).gpu_s(s.service(end).places))
    nearest: tuple[str, ...] = ()
    if verdict != "meets":
        prompt = s.longest_prompt(lambda service, _: MARGIN * service.most_requests_per_s >= asked)
        nearest = (
            f"requests_per_second: {shown(low)}",
            *((f"prompts of at most {prompt:,} tokens at {asked:g}/s",) if prompt else ()),
        )
    places = s.both(lambda end: s.service(end).places)
    return Axis(
        field="goal.requests_per_second",
        asked=asked,
        unit="requests/s",
        low=rounded(low),
        high=rounded(high),
        verdict=verdict,
        arithmetic=f"a request takes {span(*whole)} s of the GPU: {span(*prefill)} s for {_new_tokens(s)} of prompt "
        f"and its share of {s.request.output_tokens} steps with {span(*places)} running",
        nearest=nearest,
    )


def ttft_axis(s: Situation, asked: float) -> Axis:
    low, high = s.both(lambda end: s.operation(end).ttft_s)
    verdict = judged(asked, low, high, less_is_better=True)
    flop = s.work.prefill_flop(s.request.prompt_tokens, s.request.shared_tokens)
    alone = s.both(lambda end: s.service(end).prefill_s)
    nearest: tuple[str, ...] = ()
    if verdict != "meets":
        prompt = s.longest_prompt(lambda _, found: found.ttft_s <= MARGIN * asked)
        nearest = _nearest("ttft_s", high, s.service("slow").prefill_s, s, prompt)
    return Axis(
        field="goal.ttft_s",
        asked=asked,
        unit="s",
        low=rounded(low),
        high=rounded(high),
        verdict=verdict,
        arithmetic=f"{_new_tokens(s)} of prompt are {shown(flop / 1e12)} TFLOP, at 75 to 35 % of "
        f"{s.work.gpus} x {s.card.tflops:g} TFLOPS {span(*alone)} s alone; then waiting, {_load(s)}",
        nearest=nearest,
    )


def latency_axis(s: Situation, asked: float) -> Axis:
    low, high = s.both(lambda end: s.operation(end).latency_s)
    verdict = judged(asked, low, high, less_is_better=True)
    first = s.both(lambda end: s.operation(end).ttft_s)
    interval = s.both(lambda end: 1000 * s.operation(end).token_interval_s)
    nearest: tuple[str, ...] = ()
    if verdict != "meets":
        prompt = s.longest_prompt(lambda _, found: found.latency_s <= MARGIN * asked)
        service = s.service("slow")
        alone = service.prefill_s + s.request.output_tokens * service.speed.step_s(1, service.context_tokens)
        nearest = _nearest("latency_s", high, alone, s, prompt)
    return Axis(
        field="goal.latency_s",
        asked=asked,
        unit="s",
        low=rounded(low),
        high=rounded(high),
        verdict=verdict,
        arithmetic=_latency_words(s, first, interval),
        nearest=nearest,
    )


def _latency_words(s: Situation, first: tuple[float, float], interval: tuple[float, float]) -> str:
    if math.isinf(first[0]):
        return f"requests arrive faster than they are served, {_load(s)}"
    ends = 2 if math.isfinite(first[1]) else 1
    ttft, gap = span(first[0], first[ends - 1]), span(interval[0], interval[ends - 1])
    slow = "" if ends == 2 else "; at the slow end requests arrive faster than they are served"
    return f"{ttft} s to the first token and {s.request.output_tokens - 1} more at {gap} ms, {_load(s)}{slow}"


def _nearest(name: str, slow: float, alone_s: float, s: Situation, prompt: int) -> tuple[str, ...]:
    found = []
    if math.isfinite(slow):
        found.append(f"{name}: {shown(slow)}")
    else:
        rate = shown(s.service("slow").most_requests_per_s)
        found.append(f"requests_per_second: below {rate}, with {name}: {shown(alone_s)} and more as it is neared")
    if prompt:
        found.append(f"prompts of at most {prompt:,} tokens")
    return tuple(found)


def _new_tokens(s: Situation) -> str:
    new = s.request.prompt_tokens - s.request.shared_tokens
    return f"{new:,} new tokens" if s.request.shared_tokens else f"{new:,} tokens"


def _load(s: Situation) -> str:
    rate = s.goal.requests_per_second
    return f"with {s.goal.parallel_requests} in flight" if rate is None else f"at {rate:g} requests/s"
