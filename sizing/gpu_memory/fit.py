"""From recorded starts to the measured amounts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from sizing.gpu_memory.activation import activation_of, batch_of
from sizing.gpu_memory.calibration import Calibration, amount, machine_class
from sizing.gpu_memory.gpu import GIB
from sizing.gpu_memory.graphs import graph_bytes
from sizing.gpu_memory.releases import parse_release
from sizing.gpu_memory.replay import Start, read_starts
from sizing.gpu_memory.weights import weight_bytes

DEFAULT_ESTIMATE_MIB = (0.42, 0.67)
DEFAULT_CAPTURE_MIB = (0.53, 0.93)
GRAPHS_FROM = (0, 17)  # before, the logged figure is often negative
PLAUSIBLE_GIB = (-0.2, 3.0)  # outside, the start had another version, tenant or total than stated


def observed_kv_gib(row: Mapping[str, Any]) -> float | None:
    """The logged KV cache; from the logged tokens where only those are stated and all layers are alike."""
    seen = row["observed"]
    if seen["available_kv_cache_gib"] is not None:
        return float(seen["available_kv_cache_gib"])
    per_token = (row.get("checks") or {}).get("kv_bytes_per_token_per_gpu")
    sliding = (row.get("architecture") or {}).get("sliding_window")
    if seen["kv_cache_tokens"] is None or not per_token or sliding:
        return None
    return float(seen["kv_cache_tokens"]) * float(per_token) / GIB


def non_torch_gib(row: Mapping[str, Any], start: Start, graph_mib: tuple[float, float]) -> float | None:
    """What is left once everything computed is taken off the budget; the logged figure before that."""
    seen = row["observed"]
    if seen["non_torch_gib"] is not None:
        return float(seen["non_torch_gib"])
    kv = seen["available_kv_cache_gib"]
    if start.engine.charges_card:
        return None  # other processes are in it
    stated = row.get("gpu_memory_utilization") is not None and parse_release(str(row.get("vllm_version") or ""))
    if kv is None or row.get("uncertain_fields") or not stated:
        return None
    budget = start.gpu.total_bytes * float(row["gpu_memory_utilization"]) / GIB
    loaded = seen["model_weights_gib"]
    weights = (
        loaded
        if loaded is not None
        else weight_bytes(start.model, start.gpu, start.engine.release, start.options) / GIB
    )
    peak = seen["peak_activation_gib"]
    activation = (
        peak
        if peak is not None
        else activation_of(start.model, start.engine, start.gpu, start.options).peak_bytes / GIB
    )
    graphs = 0.0
    if start.engine.subtracts_graphs:
        logged = seen["cuda_graph_estimated_gib"]
        mixture = start.model.experts is not None
        batch = batch_of(start.engine, start.gpu, start.options)
        graphs = (
            logged
            if logged is not None
            else graph_bytes(start.model, start.options, batch.sequences, batch.tokens, graph_mib[mixture]) / GIB
        )
    left = budget - weights - activation - graphs - float(kv)
    return left if PLAUSIBLE_GIB[0] <= left <= PLAUSIBLE_GIB[1] else None


def graph_mib(
    rows: list[tuple[Mapping[str, Any], Start]], field: str, default: tuple[float, float]
) -> tuple[float, float]:
    """Median MiB a layer and captured size of the logged graph memory: dense models, mixtures."""
    found: tuple[list[float], list[float]] = ([], [])
    for row, start in rows:
        gib = row["observed"][field]
        if start.engine.release < GRAPHS_FROM:
            continue
        batch = batch_of(start.engine, start.gpu, start.options)
        unit = graph_bytes(start.model, start.options, batch.sequences, batch.tokens, 1.0) / GIB
        if gib is not None and gib > 0 and unit > 0 and not start.gpu.desktop:
            found[start.model.experts is not None].append(float(gib) / unit)
    dense, mixture = (round(median(f), 3) if f else d for f, d in zip(found, default, strict=True))
    return dense, mixture


def fit(rows: Iterable[Mapping[str, Any]]) -> Calibration:
    """Medians by machine class; the rows that cannot be read are left out."""
    starts: list[tuple[Mapping[str, Any], Start]] = []
    for row in rows:
        try:
            starts.append((row, read_starts(row)[0]))
        except ValueError:
            continue
    estimate = graph_mib(starts, "cuda_graph_estimated_gib", DEFAULT_ESTIMATE_MIB)
    capture = graph_mib(starts, "cuda_graph_gib", DEFAULT_CAPTURE_MIB)
    sources: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row, start in starts:
        left = non_torch_gib(row, start, estimate)
        if left is not None:
            name = machine_class(start.engine, start.gpu, start.options.tensor_parallel)
            sources[name, str(row["source_group"])].append(left)
    groups: dict[str, list[list[float]]] = defaultdict(list)
    for (name, _), values in sources.items():
        groups[name].append(values)
    amounts = {name: amount(values) for name, values in groups.items()}
    return Calibration(amounts, estimate, capture)
