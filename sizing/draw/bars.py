"""What is drawn, whatever it is drawn with: bars of coloured slices that fill exactly their length."""

from collections.abc import Iterator
from dataclasses import dataclass

from sizing.serving import ServingPlan
from sizing.sized import Budget, Part

GIB = 1 << 30
MIB = 1 << 20
KIB = 1 << 10

# Told apart with any colour vision (Okabe and Ito's set and shades of it); what is left over is pale.
COLOURS = {
    "weights": "#0072b2",
    "KV cache": "#009e73",
    "activations": "#e69f00",
    "CUDA graphs": "#cc79a7",
    "non-torch": "#56b4e9",
    "headroom": "#d9d9d9",
    "system": "#6c6c6c",
    "API servers": "#cc79a7",
    "engine": "#e69f00",
    "workers": "#d55e00",
    "message rings": "#f0e442",
    "multimodal caches": "#b38600",
    "KV offload": "#009e73",
    "rounding": "#a6a6a6",
    "weights in page cache": "#9ecae1",
    "free": "#ececec",
}
OTHER_COLOUR = "#999999"


@dataclass(frozen=True)
class Slice:
    """One part of a bar."""

    name: str
    size_bytes: int
    share: float
    colour: str
    size: str
    range: str
    reason: str


@dataclass(frozen=True)
class Bar:
    """One budget."""

    title: str
    total: str
    slices: tuple[Slice, ...]

    def cells(self, length: int) -> tuple[int, ...]:
        """Whole cells for each slice that add up to `length`; a slice that is there gets one at least."""
        exact = [piece.share * length for piece in self.slices]
        cells = [max(1, int(size)) if piece.size_bytes else 0 for size, piece in zip(exact, self.slices, strict=True)]
        while sum(cells) != length:
            step = 1 if sum(cells) < length else -1
            behind = [step * (size - cell) for size, cell in zip(exact, cells, strict=True)]
            order = sorted(range(len(cells)), key=behind.__getitem__, reverse=True)
            best = next((i for i in order if step > 0 or cells[i] > 1), order[0])
            cells[best] += step
        return tuple(cells)


def bars_of(plan: ServingPlan) -> Iterator[Bar]:
    """GPU memory, where there is a GPU, and host RAM."""
    gpus = plan.values.get("tensor_parallel_size")
    many = f", each of {gpus.value} GPUs" if gpus is not None and gpus.value != 1 else ""
    if plan.gpu_memory is not None:
        yield bar_of(plan.gpu_memory, f"GPU memory{many}")
    yield bar_of(plan.host_ram, "Host RAM")


def bar_of(budget: Budget, title: str) -> Bar:
    """The parts in order; empty ones are left out."""
    slices = tuple(_slice(part, budget.total_bytes) for part in budget.parts if part.size_bytes > 0)
    return Bar(title, readable(budget.total_bytes), slices)


def _slice(part: Part, total_bytes: int) -> Slice:
    ends = (part.low_bytes, part.high_bytes)
    spread = "" if None in ends or ends[0] == ends[1] else f"{readable(ends[0])} to {readable(ends[1])}"
    return Slice(
        name=part.name,
        size_bytes=part.size_bytes,
        share=part.size_bytes / total_bytes,
        colour=COLOURS.get(part.name, OTHER_COLOUR),
        size=readable(part.size_bytes),
        range=spread,
        reason=part.reason,
    )


def readable(size_bytes: int | None) -> str:
    """A size as people read it."""
    size = size_bytes or 0
    if abs(size) >= 100 * MIB:
        return f"{size / GIB:.2f} GiB"
    if abs(size) >= MIB:
        return f"{size / MIB:.1f} MiB"
    return f"{size / KIB:.1f} KiB" if abs(size) >= KIB else f"{size} B"
