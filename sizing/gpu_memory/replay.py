"""Recorded starts as this predictor's input: only what was known before the start is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from sizing.gpu_memory.budget import Range, predict
from sizing.gpu_memory.calibration import Calibration
from sizing.gpu_memory.conditions import Verdict
from sizing.gpu_memory.families import UnknownModel
from sizing.gpu_memory.gpu import GIB, Gpu, card_facts, gpu_named
from sizing.gpu_memory.named import packing_in, shapes_by_name
from sizing.gpu_memory.options import StartOptions
from sizing.gpu_memory.releases import NEWEST, Engine, Release, engine_of, newest_before, parse_release
from sizing.gpu_memory.row_shapes import shapes_from_figures
from sizing.gpu_memory.shapes import ModelShapes

# Ages of the release in starts that state both date and version: a recent one, the median, an old one.
USUAL_AGES = (timedelta(days=35), timedelta(days=8), timedelta(days=110))
UNDATED: tuple[Release, ...] = ((0, 19), (0, 11), (0, 28))
FIRST_ENGINE_UNDATED: tuple[Release, ...] = ((0, 6), (0, 7), (0, 8))
DESKTOP_IN_USE_BYTES = round(0.9 * GIB)


class Unpredictable(ValueError):  # noqa: N818 - reads as what it says
    """The start leaves out something the prediction cannot do without; the message names it."""


@dataclass(frozen=True, slots=True)
class Start:
    """One start: the model, the card, the engine, its options and the memory free before it."""

    model: ModelShapes
    gpu: Gpu
    engine: Engine
    options: StartOptions
    free_bytes: int | None


def _number(row: Mapping[str, Any], key: str) -> float | None:
    value = row.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unpredictable(f"{key} is {value!r}; it should be a number or null")
    return float(value)


def _whole(row: Mapping[str, Any], key: str) -> int | None:
    value = _number(row, key)
    return None if value is None or value <= 0 else int(value)


def releases_of(row: Mapping[str, Any]) -> tuple[Release, ...]:
    """The release stated, or those likely on the date of the log, likeliest first."""
    stated = parse_release(str(row.get("vllm_version") or ""))
    if stated is not None:
        return (min(stated, NEWEST),)
    text = str(row.get("date") or "")
    text = f"{text}-28" if len(text) == len("2026-01") else text
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        return FIRST_ENGINE_UNDATED if row.get("engine") == "V0" else UNDATED
    return tuple(dict.fromkeys(newest_before(day - age) for age in USUAL_AGES))


def model_of(row: Mapping[str, Any]) -> ModelShapes:
    """By the sizes recorded beside the name, else by the name alone."""
    name = str(row.get("model") or "")
    quantization = str(row.get("quantization") or packing_in(name) or "") or None
    figures = row.get("architecture")
    if isinstance(figures, Mapping) and figures.get("hidden_size"):
        m = shapes_from_figures(name, figures, quantization)
    else:
        m = shapes_by_name(name, quantization)
    return replace(m, element_bytes=4) if row.get("dtype") == "float32" else m


def gpu_of(row: Mapping[str, Any], free_bytes: int | None) -> Gpu:
    """The card by name and total; the usual total of the card where none is stated."""
    name = str(row.get("gpu_name") or "")
    facts = card_facts(name)
    total = (
        _number(row, "total_gpu_memory_gib")
        or _number(row, "inferred_total_gpu_memory_gib")
        or (facts.total_gib if facts else None)
    )
    if total is None:
        raise Unpredictable(f"gpu_name is {row.get('gpu_name')!r} and no total memory is stated; either is needed")
    gpu = gpu_named(name, round(total * GIB))
    if free_bytes is not None and gpu.total_bytes - free_bytes > DESKTOP_IN_USE_BYTES and gpu.capability[0] != 9:
        return replace(gpu, desktop=True)
    return gpu


def options_of(row: Mapping[str, Any], m: ModelShapes) -> StartOptions:
    kv = str(row.get("kv_cache_dtype") or "auto")
    utilization = _number(row, "gpu_memory_utilization")
    if utilization is not None and not 0 < utilization <= 1:
        raise Unpredictable(f"gpu_memory_utilization is {utilization}; it should be above 0 and at most 1")
    return StartOptions(
        gpu_memory_utilization=utilization,
        max_model_len=_whole(row, "max_model_len"),
        max_num_batched_tokens=_whole(row, "max_num_batched_tokens"),
        max_num_seqs=_whole(row, "max_num_seqs"),
        tensor_parallel=_whole(row, "tensor_parallel") or 1,
        kv_element_bytes=1 if "fp8" in kv or "int8" in kv else m.element_bytes,
        enforce_eager=bool(row.get("enforce_eager")),
        cpu_offload_gib=_number(row, "cpu_offload_gib") or 0.0,
        lora_slots=_whole(row, "lora_slots") or 0,
        block_tokens=_whole(row, "block_size") or 16,
        first_engine={"V0": True, "V1": False}.get(str(row.get("engine"))),
        flashinfer=True if re.search(r"\+.*nv\d", str(row.get("vllm_version"))) else None,  # NVIDIA's images
    )


def read_starts(row: Mapping[str, Any]) -> tuple[Start, ...]:
    """One start for each release it may have run, likeliest first.

    Raises UnknownModel or Unpredictable, both ValueError, with one sentence.
    """
    m = model_of(row)
    options = options_of(row, m)
    observed = row.get("observed")
    free_gib = _number(observed, "free_at_start_gib") if isinstance(observed, Mapping) else None
    free = None if free_gib is None else round(free_gib * GIB)
    gpu = gpu_of(row, free)
    return tuple(
        Start(
            m,
            gpu,
            engine_of(
                release,
                m.architecture,
                quantized=m.quantized,
                mixture=m.experts is not None,
                first_engine=options.first_engine,
                flashinfer=options.flashinfer,
            ),
            options,
            free,
        )
        for release in releases_of(row)
    )


@dataclass(frozen=True, slots=True)
class Prediction:
    """KV cache of one GPU in bytes, and the verdict; over all releases the start may have run."""

    kv_cache: Range
    verdict: Verdict


def predict_row(row: Mapping[str, Any], calibration: Calibration | None = None) -> Prediction:
    """Raises UnknownModel or Unpredictable. Where the likely releases disagree, the verdict is a coin toss."""
    budgets = [
        predict(s.model, s.gpu, s.engine, s.options, free_bytes=s.free_bytes, calibration=calibration)
        for s in read_starts(row)
    ]
    verdicts = {budget.verdict for budget in budgets}
    points = sorted(budget.kv_cache.point for budget in budgets)
    kv = Range(min(b.kv_cache.low for b in budgets), points[len(points) // 2], max(b.kv_cache.high for b in budgets))
    return Prediction(kv, verdicts.pop() if len(verdicts) == 1 else "coin_toss")


def replay_log(row: Mapping[str, Any]) -> dict[str, object]:
    """`{"id", "predicted_kv_gib", "verdict"}`.

    A start that leaves out its card or model has null GiB, the verdict "coin_toss" and "refused" with the reason.
    """
    try:
        found = predict_row(row)
    except (UnknownModel, Unpredictable) as reason:
        return {"id": row.get("id"), "predicted_kv_gib": None, "verdict": "coin_toss", "refused": str(reason)}
    return {"id": row.get("id"), "predicted_kv_gib": round(found.kv_cache.point / GIB, 3), "verdict": found.verdict}
