"""What a planned server will do, as ranges, whether or not the goal asks for it."""

from collections.abc import Callable, Iterator

from sizing.goal.efficiency import End
from sizing.goal.situation import Situation
from sizing.outlook import rounded
from sizing.sized import Sized


def predictions(s: Situation) -> Iterator[Sized]:
    """Means under the goal's load, in the goal's mean request; the value lies midway between the ends."""
    new = s.request.prompt_tokens - s.request.shared_tokens
    load = "goal.parallel_requests" if s.goal.requests_per_second is None else "goal.requests_per_second"
    request = ("goal.prompt_tokens", "goal.output_tokens", "goal.shared_prefix_tokens")
    rows: tuple[tuple[str, str, Callable[[End], float], str, tuple[str, ...]], ...] = (
        (
            "prefill_tokens_per_s",
            "tokens/s",
            lambda end: new / s.service(end).prefill_s,
            f"a prompt of {new} new tokens alone on the GPU",
            ("model", "host.gpu", *request),
        ),
        (
            "decode_tokens_per_s",
            "tokens/s",
            lambda end: s.service(end).decode_tokens_per_s,
            "all places of the batch answering, no prompt in between",
            ("model", "host.gpu", "kv_blocks", "max_num_seqs"),
        ),
        (
            "requests_per_s_most",
            "requests/s",
            lambda end: s.service(end).most_requests_per_s,
            "prompts and answers taking turns, all places taken; above it the queue grows without end",
            ("prefill_tokens_per_s", "decode_tokens_per_s", *request),
        ),
        (
            "ttft_predicted_s",
            "s",
            lambda end: s.operation(end).ttft_s,
            "waiting for a place, the prompt, one step",
            ("prefill_tokens_per_s", load),
        ),
        (
            "latency_predicted_s",
            "s",
            lambda end: s.operation(end).latency_s,
            "time to the first token and the intervals between the others",
            ("ttft_predicted_s", "decode_tokens_per_s", load),
        ),
    )
    for name, unit, figure, reason, sources in rows:
        low, high = s.both(figure)
        ends = (rounded(low), rounded(high))
        if ends[0] is None:
            continue  # without end at either end of the range: the axis says so
        middle = ends[0] if ends[1] is None else rounded((ends[0] * ends[1]) ** 0.5)
        yield Sized(
            name=name,
            value=middle or 0.0,
            unit=unit,
            reason=reason + ("" if ends[1] is not None else "; without end at the slow end"),
            derived_from=sources,
            low=ends[0],
            high=ends[1],
        )
