"""The few amounts that source code does not give: measured medians of start-up logs, by class of machine.

`fit` makes them from recorded starts; `data/calibration.json` holds the ones in use, written by
`python -m sizing.gpu_memory.cross_validate FILE --write`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

from sizing.gpu_memory.gpu import Gpu
from sizing.gpu_memory.releases import Engine

STORED = Path(__file__).parent / "data" / "calibration.json"
NOISE_GIB = 0.1  # identical flags on one machine differ by this much
WIDEST_GIB = 0.6  # a start further off shared its card
FEW = 3  # fewer starts than this do not bound a class


@dataclass(frozen=True, slots=True)
class Amount:
    """GiB: median, and the range of the recorded starts (never narrower than the noise)."""

    median: float
    low: float
    high: float
    starts: int


def amount(sources: Iterable[Iterable[float]]) -> Amount:
    """Median of the sources' medians, each counted up to three times: no campaign outvotes all others, and no
    single start stands against a campaign. The range is that of the sources."""
    groups = [sorted(source) for source in sources]
    middle = median(median(group) for group in groups for _ in range(min(len(group), FEW)))
    starts = sum(len(group) for group in groups)
    spread = NOISE_GIB if starts >= FEW else 2 * NOISE_GIB
    low = min(middle - spread, *(median(group) for group in groups), middle)
    high = max(middle + spread, *(median(group) for group in groups), middle)
    return Amount(round(middle, 3), round(low, 3), round(min(high, middle + WIDEST_GIB), 3), starts)


def machine_class(engine: Engine, gpu: Gpu, tensor_parallel: int) -> str:
    """What decides the memory outside PyTorch's allocator: card class, era of the accounting, communication.

    Up to 0.6 the first engine counted everything on the card; from 0.7 both count what this process added.
    """
    parallel = " parallel" if tensor_parallel > 1 else ""
    if engine.first_engine and engine.release < (0, 7):
        return "up to 0.6" + parallel
    if gpu.unified:
        return "unified memory"
    card = "hopper" if gpu.capability[0] in (9, 10) else "other"
    if engine.counts_consumed:
        era = "0.27+"
    elif card == "hopper":
        era = "0.18+" if engine.release >= (0, 18) else "0.7-0.17"
    else:
        era = "0.20+" if engine.release >= (0, 20) else "0.7-0.19"
    return f"{card} {era}{parallel}"


# Where a class has no recorded start, the nearest one that has.
NEAREST: dict[str, tuple[str, ...]] = {
    "hopper 0.27+": ("hopper 0.18+",),
    "hopper 0.18+": ("hopper 0.7-0.17",),
    "hopper 0.7-0.17": ("hopper 0.18+", "other 0.7-0.19"),
    "other 0.27+": ("other 0.20+", "hopper 0.18+"),
    "other 0.20+": ("other 0.27+", "hopper 0.18+", "other 0.7-0.19"),
    "other 0.7-0.19": ("hopper 0.7-0.17", "hopper 0.18+"),
    "hopper 0.27+ parallel": ("hopper 0.18+ parallel",),
    "hopper 0.18+ parallel": ("hopper 0.7-0.17 parallel",),
    "hopper 0.7-0.17 parallel": ("other 0.7-0.19 parallel", "hopper 0.18+ parallel"),
    "other 0.27+ parallel": ("other 0.20+ parallel", "other 0.7-0.19 parallel", "hopper 0.7-0.17 parallel"),
    "other 0.20+ parallel": ("other 0.7-0.19 parallel", "hopper 0.7-0.17 parallel"),
    "other 0.7-0.19 parallel": ("hopper 0.7-0.17 parallel",),
    "unified memory": ("other 0.20+", "hopper 0.18+"),
    "up to 0.6 parallel": ("hopper 0.7-0.17 parallel", "other 0.7-0.19 parallel"),
    "up to 0.6": ("other 0.7-0.19", "hopper 0.7-0.17"),
}
UNMEASURED = Amount(0.25, 0.0, 0.6, 0)


@dataclass(frozen=True, slots=True)
class Calibration:
    """`non_torch` by machine class; graphs in MiB for each layer and captured batch size, dense and mixture."""

    non_torch: dict[str, Amount]
    graph_estimate_mib: tuple[float, float]
    graph_capture_mib: tuple[float, float]

    def non_torch_of(self, name: str) -> Amount:
        for candidate in (name, *NEAREST.get(name, ())):
            found = self.non_torch.get(candidate)
            if found is not None:
                borrowed = candidate != name
                extra = NOISE_GIB if borrowed else 0.0
                return Amount(found.median, found.low - extra, found.high + extra, 0 if borrowed else found.starts)
        return UNMEASURED

    def to_json(self) -> str:
        body = {
            "about": "Medians of recorded starts in GiB (see calibration.py); graphs in MiB a layer and size.",
            "graph_estimate_mib": self.graph_estimate_mib,
            "graph_capture_mib": self.graph_capture_mib,
            "non_torch": {k: [a.median, a.low, a.high, a.starts] for k, a in sorted(self.non_torch.items())},
        }
        return json.dumps(body, indent=1) + "\n"


@cache
def stored() -> Calibration:
    """The calibration in use."""
    body = json.loads(STORED.read_text(encoding="utf-8"))
    return Calibration(
        {k: Amount(*v) for k, v in body["non_torch"].items()},
        tuple(body["graph_estimate_mib"]),
        tuple(body["graph_capture_mib"]),
    )
