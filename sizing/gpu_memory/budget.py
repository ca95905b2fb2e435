"""What a vLLM start does with one GPU's memory: the parts, the KV cache, and whether it starts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from sizing.geometry.model import ModelGeometry
from sizing.gpu_memory import activation as act
from sizing.gpu_memory.calibration import NOISE_GIB, Calibration, machine_class, stored
from sizing.gpu_memory.conditions import Condition, Verdict, idle_bytes, start_conditions, verdict_of
from sizing.gpu_memory.geometry_shapes import shapes_of
from sizing.gpu_memory.gpu import GIB, Gpu, gpu_named
from sizing.gpu_memory.graphs import graph_bytes
from sizing.gpu_memory.kv_need import needed_bytes
from sizing.gpu_memory.options import StartOptions
from sizing.gpu_memory.releases import NEWEST, Engine, engine_of, parse_release
from sizing.gpu_memory.shapes import ModelShapes
from sizing.gpu_memory.weights import weight_bytes
from sizing.sized import Budget, Part

PartName = Literal["weights", "non-torch", "activations", "CUDA graphs", "KV cache", "headroom"]
DESKTOP_NOISE_GIB = 0.4  # a window system takes and frees memory while vLLM measures


@dataclass(frozen=True, slots=True)
class Range:
    low: int
    point: int
    high: int


@dataclass(frozen=True, slots=True)
class GpuBudget:
    """One start on one GPU, in bytes. The parts add up to the card's total where the start is possible."""

    total_bytes: int
    utilization: float
    weights: Range
    non_torch: Range
    activations: Range
    graphs: Range
    graphs_subtracted: bool
    kv_cache: Range
    needed_kv_bytes: int
    conditions: tuple[Condition, ...]
    engine: Engine
    batch: act.Batch
    reasons: dict[str, str]

    @property
    def verdict(self) -> Verdict:
        return verdict_of(self.conditions)

    def as_budget(self) -> Budget:
        """The ordered parts that add up; ValueError where nothing is left for the KV cache or the rest."""
        graphs = self.graphs.point
        used = self.weights.point + self.non_torch.point + self.activations.point + graphs
        kv = self.kv_cache.point
        headroom = self.total_bytes - used - kv
        rows: tuple[tuple[PartName, int, Range | None], ...] = (
            ("weights", self.weights.point, self.weights),
            ("non-torch", self.non_torch.point, self.non_torch),
            ("activations", self.activations.point, self.activations),
            ("CUDA graphs", graphs, self.graphs),
            ("KV cache", kv, self.kv_cache),
            ("headroom", headroom, None),
        )
        parts = tuple(
            Part(
                name=name,
                size_bytes=size,
                reason=self.reasons[name],
                low_bytes=r.low if r else None,
                high_bytes=r.high if r else None,
            )
            for name, size, r in rows
        )
        return Budget(name="GPU memory", total_bytes=self.total_bytes, parts=parts)


def peaks(m: ModelShapes, engine: Engine, gpu: Gpu, options: StartOptions) -> tuple[int, int]:
    """Lowest and highest activation peak: with a warm compile cache, and with the sampler nobody stated."""
    warm = options.model_copy(update={"compile_cache": "warm"})
    found = [act.activation_of(m, engine, gpu, o).peak_bytes for o in (options, warm)]
    if options.flashinfer is None and not engine.first_engine and engine.release <= (0, 11):
        for sampler in ("sort", "flashinfer"):
            other = replace(engine, sampler=sampler)
            found.append(act.activation_of(m, other, gpu, options).peak_bytes)
    return min(found), max(found)


def predict(
    m: ModelShapes,
    gpu: Gpu,
    engine: Engine,
    options: StartOptions,
    *,
    free_bytes: int | None = None,
    needed_kv_bytes: int | None = None,
    calibration: Calibration | None = None,
) -> GpuBudget:
    """The budget of one start. `free_bytes`: free on the card just before it; None: an idle card's."""
    c = calibration or stored()
    utilization = options.gpu_memory_utilization or engine.default_utilization
    batch = act.batch_of(engine, gpu, options)
    weights = weight_bytes(m, gpu, engine.release, options)
    activation = act.activation_of(m, engine, gpu, options)
    other = c.non_torch_of(machine_class(engine, gpu, options.tensor_parallel))
    noise = (DESKTOP_NOISE_GIB if gpu.desktop or gpu.unified else 0.0) * GIB
    charged = 0
    if engine.charges_card:
        charged = idle_bytes(gpu) if free_bytes is None else gpu.total_bytes - free_bytes
    outside = Range(
        charged + round(other.low * GIB - noise),
        charged + round(other.median * GIB),
        charged + round(other.high * GIB + noise),
    )
    mixture = m.experts is not None
    estimate = graph_bytes(m, options, batch.sequences, batch.tokens, c.graph_estimate_mib[mixture])
    captured = graph_bytes(m, options, batch.sequences, batch.tokens, c.graph_capture_mib[mixture])
    subtracts = engine.subtracts_graphs
    graphs = Range(estimate // 2, estimate, 2 * estimate) if subtracts else Range(captured // 2, captured, 2 * captured)
    taken = graphs.point if subtracts else 0
    peak = activation.peak_bytes
    kv = round(gpu.total_bytes * utilization) - weights - outside.point - peak - taken
    lightest, heaviest = peaks(m, engine, gpu, options)
    spread_low = outside.high - outside.point + round(0.005 * weights) + heaviest - peak + taken // 4
    spread_high = outside.point - outside.low + round(0.005 * weights) + peak - lightest + taken // 4
    low, high = kv - spread_low, kv + spread_high
    need = needed_bytes(m, engine, options, batch.tokens) if needed_kv_bytes is None else needed_kv_bytes
    sampler = act.sampler_bytes(m, engine, gpu, batch)
    conditions = start_conditions(
        m=m,
        gpu=gpu,
        engine=engine,
        options=options,
        requested_bytes=round(gpu.total_bytes * utilization),
        free_bytes=free_bytes,
        kv=kv,
        tolerance=max(round(NOISE_GIB * GIB), spread_low),
        need=need,
        late_spare=peak - (0 if engine.first_engine else sampler) + taken - captured,
    )
    return GpuBudget(
        total_bytes=gpu.total_bytes,
        utilization=utilization,
        weights=Range(round(weights * 0.995), weights, round(weights * 1.005)),
        non_torch=outside,
        activations=Range(lightest, peak, heaviest),
        graphs=graphs,
        graphs_subtracted=subtracts,
        kv_cache=Range(low, kv, high),
        needed_kv_bytes=need,
        conditions=conditions,
        engine=engine,
        batch=batch,
        reasons=reasons(m, gpu, engine, options, batch, activation, other.starts, subtracts, utilization),
    )


def reasons(
    m: ModelShapes,
    gpu: Gpu,
    engine: Engine,
    options: StartOptions,
    batch: act.Batch,
    activation: act.Activation,
    starts: int,
    subtracts: bool,
    utilization: float,
) -> dict[str, str]:
    """One sentence a part."""
    release = f"{engine.release[0]}.{engine.release[1]}"
    known = (
        f"median of {starts} recorded start{'s'[: starts - 1]} of this class"
        if starts
        else "median of the nearest class with recorded starts"
    )
    shared = f", split over {options.tensor_parallel} GPUs" if options.tensor_parallel > 1 else ""
    return {
        "weights": f"{m.format.name} parameters of {m.name}{shared}, with the allocator's 2 MiB units and the "
        "rotary table",
        "non-torch": f"CUDA, cuBLAS and communication memory outside PyTorch's allocator; {known}",
        "activations": f"peak of the profile run over {batch.tokens} tokens and {batch.sequences} sequences, decided "
        f"by {activation.decided_by}",
        "CUDA graphs": "no graphs are captured"
        if options.enforce_eager
        else f"{m.layers} layers for each captured batch size; vLLM {release} "
        + (
            "subtracts its estimate before it sizes the KV cache"
            if subtracts
            else "captures them after the KV cache is sized, out of the headroom"
        ),
        "KV cache": f"what {utilization:.2f} of {gpu.total_bytes / GIB:.2f} GiB leaves",
        "headroom": "left unused by gpu_memory_utilization, for CUDA contexts, other processes and fragments",
    }


def gpu_budget(
    geometry: ModelGeometry,
    gpu_memory_bytes: int,
    free_bytes: int | None,
    version: str,
    options: StartOptions,
    *,
    gpu_name: str,
    compute_capability: tuple[int, int] | None = None,
    needed_kv_bytes: int | None = None,
) -> GpuBudget:
    """The budget of a model read from its config.json on a card that need not be in any log.

    `needed_kv_bytes`: the exact minimum pool from `sizing.kv`; without it this module's own rule. Raises
    ValueError for a version that is not one.
    """
    release = parse_release(version)
    if release is None:
        raise ValueError(f"vllm version is {version!r}; it should look like 0.32.0")
    gpu = gpu_named(gpu_name, gpu_memory_bytes, compute_capability)
    m = shapes_of(geometry, gpu.capability)
    engine = engine_of(
        min(release, NEWEST),
        m.architecture,
        quantized=m.quantized,
        mixture=m.experts is not None,
        first_engine=options.first_engine,
        flashinfer=options.flashinfer,
    )
    return predict(m, gpu, engine, options, free_bytes=free_bytes, needed_kv_bytes=needed_kv_bytes)


def safe_utilization(
    geometry: ModelGeometry,
    gpu_memory_bytes: int,
    free_bytes: int | None,
    version: str,
    options: StartOptions,
    *,
    gpu_name: str,
    compute_capability: tuple[int, int] | None = None,
    needed_kv_bytes: int | None = None,
) -> float | None:
    """Largest gpu_memory_utilization of two decimals whose start is no coin toss; None where there is none."""
    for hundredths in range(99, 0, -1):
        chosen = options.model_copy(update={"gpu_memory_utilization": hundredths / 100})
        budget = gpu_budget(
            geometry,
            gpu_memory_bytes,
            free_bytes,
            version,
            chosen,
            gpu_name=gpu_name,
            compute_capability=compute_capability,
            needed_kv_bytes=needed_kv_bytes,
        )
        if budget.verdict == "starts":
            return hundredths / 100
    return None
