"""What has to hold for a start, in the order vLLM meets it, each with its margin."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sizing.gpu_memory.gpu import GIB, Gpu
from sizing.gpu_memory.options import StartOptions
from sizing.gpu_memory.releases import Engine
from sizing.gpu_memory.shapes import ModelShapes

Verdict = Literal["starts", "fails", "coin_toss"]
EDGE_BYTES = round(0.1 * GIB)
UNMEASURED_BYTES = round(0.3 * GIB)  # what an idle card's own use is uncertain by
FLASHINFER_WORKSPACE_BYTES = 394 << 20  # allocated with the KV cache where attention runs on FlashInfer
FIRST_ENGINE_BYTES = 1 * GIB
IDLE_GIB = 0.3  # CUDA contexts of an idle headless card; 0.51 on an H100, 1.1 to 1.5 under a desktop
IDLE_HOPPER_GIB = 0.51
IDLE_DESKTOP_GIB = 1.3
# The first runner samples once more after KV cache and graphs exist. Starts with less than this left over
# have both succeeded and run out of memory (fragments of the segments held by then).
LATE_FRAGMENTS_GIB = 1.3
LATE_FAILS_GIB = -0.3
MXFP4_FRAGMENTS_GIB = 1.0
FIRST_KNOWN = (0, 5)  # the engine before this profiled in ways these rules do not cover


@dataclass(frozen=True, slots=True)
class Condition:
    """`margin_bytes` is spare where positive; within `tolerance_bytes` of 0 nobody can tell."""

    name: str
    margin_bytes: int
    tolerance_bytes: int
    says: str
    fails_below: int | None = None  # where it differs from -tolerance

    @property
    def verdict(self) -> Verdict:
        if self.margin_bytes >= self.tolerance_bytes:
            return "starts"
        floor = -self.tolerance_bytes if self.fails_below is None else self.fails_below
        return "fails" if self.margin_bytes <= floor else "coin_toss"


def verdict_of(conditions: Iterable[Condition]) -> Verdict:
    found = [condition.verdict for condition in conditions]
    if "fails" in found:
        return "fails"
    return "coin_toss" if "coin_toss" in found else "starts"


def idle_bytes(gpu: Gpu) -> int:
    """Memory in use on the card before the start, where it was not measured."""
    if gpu.desktop:
        return round(IDLE_DESKTOP_GIB * GIB)
    return round((IDLE_HOPPER_GIB if gpu.capability[0] == 9 else IDLE_GIB) * GIB)


def runs_flashinfer(gpu: Gpu, engine: Engine, options: StartOptions) -> bool:
    """FlashInfer computes attention on Blackwell, and with an fp8 KV cache before Hopper (0.20 and later)."""
    if engine.release < (0, 20):
        return False
    return gpu.capability[0] == 10 or (options.kv_element_bytes == 1 and gpu.capability[0] == 8)


def start_conditions(
    *,
    m: ModelShapes,
    gpu: Gpu,
    engine: Engine,
    options: StartOptions,
    requested_bytes: int,
    free_bytes: int | None,
    kv: int,
    tolerance: int,
    need: int,
    late_spare: int,
) -> tuple[Condition, ...]:
    """Free memory, a positive KV cache, one request of the longest length, and the last warm-up."""
    free = gpu.total_bytes - idle_bytes(gpu) if free_bytes is None else free_bytes
    unrequested = free - requested_bytes
    if runs_flashinfer(gpu, engine, options):
        late_spare -= FLASHINFER_WORKSPACE_BYTES
    if engine.first_engine:  # it charged everything on the card to itself, other processes too
        tolerance = max(tolerance, FIRST_ENGINE_BYTES)
    limit = options.max_model_len
    found = [Condition("KV cache", kv, tolerance, f"{kv / GIB:.2f} GiB left for the KV cache")]
    if not engine.charges_card:  # that release subtracts what is in use instead of refusing
        edge = UNMEASURED_BYTES if free_bytes is None else EDGE_BYTES
        says = f"{free / GIB:.2f} GiB free, {requested_bytes / GIB:.2f} GiB requested"
        found.insert(0, Condition("free memory", unrequested, edge, says))
    if need:
        found.append(
            Condition(
                "longest request",
                kv - need,
                tolerance,
                f"{limit} tokens need {need / GIB:.2f} GiB, {kv / GIB:.2f} GiB available",
            )
        )
    if engine.first_engine:
        spare = unrequested + late_spare
        found.append(
            Condition("graph capture", spare, EDGE_BYTES, f"{spare / GIB:.2f} GiB spare once the graphs are captured")
        )
    else:
        packed_experts = m.format.experts_only and not engine.second_runner
        fragments = MXFP4_FRAGMENTS_GIB * GIB if packed_experts else 0.0
        wanted = EDGE_BYTES if engine.second_runner else round(LATE_FRAGMENTS_GIB * GIB)
        spare = unrequested + late_spare - round(fragments)
        found.append(
            Condition(
                "last warm-up",
                spare,
                wanted,
                f"{spare / GIB:.2f} GiB spare once the graphs are captured and the sampler runs again",
                fails_below=round(LATE_FAILS_GIB * GIB),
            )
        )
    if engine.release < FIRST_KNOWN:
        found.append(Condition("known engine", 0, EDGE_BYTES, "releases before 0.5 are not covered by these rules"))
    return tuple(found)
