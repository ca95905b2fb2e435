"""`python -m sizing goals`: docs/guide-goals.md, every figure of the guide with its arithmetic."""

import argparse
import sys
from collections.abc import Iterator

from hosts.stack import Goal
from sizing.commands.guide import CONTEXT_TOKENS, READINGS, REQUESTS, VLLM_VERSION, Claim, claims, judged, plan_on
from sizing.goal.cards import card_named
from sizing.goal.efficiency import REASONS
from sizing.outlook import Axis

GIB = 1 << 30
READ_AS = {
    "full": "32K: {} + {} tokens".format(*REQUESTS["full"]),
    "test": "the guide's test: {} + {} tokens".format(*REQUESTS["test"]),
}


def goals_main(argv: list[str]) -> int:
    """Exit status 0."""
    argparse.ArgumentParser(prog="python -m sizing goals", description="Writes docs/guide-goals.md.").parse_args(argv)
    sys.stdout.write(page())
    return 0


def page() -> str:
    """The document's text."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# What the guide's machine can do"
    yield ""
    yield "Written by `python -m sizing goals`; a test keeps it equal to the code. Each figure of the optimization"
    yield f"guide for Mistral 7B AWQ is read as a goal and judged by the plan for vLLM {VLLM_VERSION} on the guide's"
    yield "host: 21 GiB of GPU memory, 8 vCPU, 32 GiB RAM. Two common machines have that, so both GPUs are judged."
    yield ""
    yield from _memory()
    yield "## Every claim"
    yield ""
    names = list(READINGS)
    yield "| # | the guide | requests | " + " | ".join(f"{name} predicted | {name}" for name in names) + " |"
    yield "|---|---|---|" + "---|---|" * len(names)
    rows = [(claim, {name: judged(claim, name) for name in names}) for claim in claims()]
    for number, (claim, axes) in enumerate(rows, 1):
        cells = " | ".join(f"{axes[name].predicted} | **{axes[name].verdict}**" for name in names)
        yield f"| {number} | {claim.claim} | {_requests(claim)} | {cells} |"
    yield ""
    yield "**meets**: the whole predicted range is on the good side; **cannot**: none of it; **coin toss**: a part."
    yield "API servers and the offload do not appear in the arithmetic of speed: tokenizing is no bottleneck for text,"
    yield "and the offload is a prefix cache that never raises the number of running requests."
    yield ""
    yield "## The arithmetic"
    yield ""
    for number, (_, axes) in enumerate(rows, 1):
        for name in names:
            bullet = f"{number}." if name == names[0] else " " * len(f"{number}.")
            yield f"{bullet} {name}: {_arithmetic(axes[name])}"
    yield ""
    yield "## What it rests on"
    yield ""
    for name in names:
        card = card_named(name)
        yield f"- {name}: {card.tflops:g} dense FP16 TFLOPS, {card.gb_s:g} GB/s. {card.source}."
    for reason in REASONS:
        yield f"- {reason[0].upper()}{reason[1:]}."


def _requests(claim: Claim) -> str:
    shared = f", {claim.shared} shared" if claim.shared else ""
    flight = f", {claim.parallel} in flight" if claim.parallel > 1 else ""
    fp8 = ", fp8 KV" if claim.overrides.get("kv_cache_dtype") == "fp8" else ""
    return READ_AS[claim.request] + shared + flight + fp8


def _arithmetic(axis: Axis) -> str:
    remedy = f" Feasible: {', or '.join(axis.nearest)}." if axis.nearest else ""
    return f"{axis.arithmetic[0].upper()}{axis.arithmetic[1:]}.{remedy}"


def _memory() -> Iterator[str]:
    goal = Goal(context_tokens=CONTEXT_TOKENS)
    plain = plan_on("A10G", goal, {})
    small = plan_on("A10G", goal, {"kv_cache_dtype": "fp8"})
    tokens = [planned.integer("kv_bytes_per_token") for planned in (plain, small)]
    request = [per_token * CONTEXT_TOKENS / GIB for per_token in tokens]
    weights = plain.gpu_memory["weights"].size_bytes / GIB if plain.gpu_memory else 0.0
    cache = [planned.integer("kv_cache_bytes") / GIB for planned in (plain, small)]
    yield "## Memory, exactly"
    yield ""
    yield "| | the guide | the plan |"
    yield "|---|---|---|"
    yield f"| weights | 4-5 GiB | {weights:.2f} GiB |"
    yield f"| KV cache of a token | 0.5 MB, 4 MB | {tokens[0]:,} bytes; fp8 {tokens[1]:,} |"
    yield f"| KV cache of 32K | 0.5 GiB, 16 GiB, 128 GB | {request[0]:.2f} GiB; fp8 {request[1]:.2f} GiB |"
    yield f"| room for it on 21 GiB | 16 GiB | {cache[0]:.2f} GiB; fp8 {cache[1]:.2f} GiB |"
    yield (
        f"| requests of 32K at once | 16-45 | {float(plain['kv_concurrency']):.2f}; "
        f"fp8 {float(small['kv_concurrency']):.2f} |"
    )
    yield ""
