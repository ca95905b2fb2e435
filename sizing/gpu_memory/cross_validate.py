"""`python -m sizing.gpu_memory.cross_validate FILE [--write]`: how exact the predictor is, class by class.

Each `source_group` is predicted with amounts fitted on all the others; beside it, the same with amounts
fitted on everything. `--write` stores the latter as the calibration in use.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from sizing.gpu_memory.calibration import STORED, Calibration
from sizing.gpu_memory.fit import fit, observed_kv_gib
from sizing.gpu_memory.gpu import GIB
from sizing.gpu_memory.replay import predict_row, read_starts

Row = Mapping[str, Any]
SCORED_FROM_GIB = 2.0  # below this a relative error says little


@dataclass(frozen=True, slots=True)
class Outcome:
    row: Row
    predicted: float | None
    verdict: str
    inside: bool = False  # the observed KV cache lies in the predicted range

    @property
    def observed(self) -> float | None:
        return observed_kv_gib(self.row)

    @property
    def scored(self) -> bool:
        return self.predicted is not None and (self.observed or 0) >= SCORED_FROM_GIB and strict(self.row)

    @property
    def off_gib(self) -> float:
        return abs((self.predicted or 0) - (self.observed or 0))

    @property
    def error(self) -> float:
        """Relative to the observed KV cache; only of a scored start."""
        return self.off_gib / (self.observed or 1)


def strict(row: Row) -> bool:
    """Starts whose every input the source states, with the card to themselves and a budget that adds up."""
    checks = row.get("checks") or {}
    tenants = "tenant" in str(row.get("note") or "")
    stated = row.get("gpu_memory_utilization") is not None
    return stated and not (row.get("uncertain_fields") or row.get("lora_slots") or tenants or checks.get("flag"))


def predictions(rows: Iterable[Row], calibration: Calibration) -> list[Outcome]:
    found = []
    for row in rows:
        try:
            answer = predict_row(row, calibration)
        except ValueError:
            found.append(Outcome(row, None, "coin_toss"))
            continue
        kv, seen = answer.kv_cache, observed_kv_gib(row)
        inside = seen is not None and kv.low <= seen * GIB <= kv.high
        found.append(Outcome(row, round(kv.point / GIB, 3), answer.verdict, inside))
    return found


def cross_validated(rows: list[Row]) -> list[Outcome]:
    """Every source group by amounts fitted without it."""
    found: list[Outcome] = []
    for group in dict.fromkeys(str(row["source_group"]) for row in rows):
        rest = [row for row in rows if row["source_group"] != group]
        found += predictions((row for row in rows if row["source_group"] == group), fit(rest))
    return found


def _total(row: Row) -> float:
    try:
        return read_starts(row)[0].gpu.total_bytes / GIB
    except ValueError:
        return 0.0


def _release(row: Row) -> tuple[int, int]:
    try:
        return read_starts(row)[0].engine.release
    except ValueError:
        return (0, 0)


CLASSES: tuple[tuple[str, Callable[[Row], bool]], ...] = (
    ("all", lambda _: True),
    ("24 GB cards", lambda r: 20.5 <= _total(r) <= 24.2),
    ("below 20 GB", lambda r: 0 < _total(r) < 20.5),
    ("40 to 48 GB", lambda r: 38 <= _total(r) <= 50),
    ("80 GB and more", lambda r: _total(r) >= 70),
    ("not quantised", lambda r: not r.get("quantization")),
    ("quantised", lambda r: bool(r.get("quantization"))),
    ("more than one GPU", lambda r: (r.get("tensor_parallel") or 1) > 1),
    ("first engine (V0)", lambda r: r.get("engine") == "V0"),
    ("V1, up to 0.11", lambda r: r.get("engine") != "V0" and _release(r) <= (0, 11)),
    ("0.12 to 0.16", lambda r: r.get("engine") != "V0" and (0, 12) <= _release(r) <= (0, 16)),
    ("0.17 to 0.19", lambda r: (0, 17) <= _release(r) <= (0, 19)),
    ("0.20 and later", lambda r: _release(r) >= (0, 20)),
)


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def table(outcomes: list[Outcome]) -> list[str]:
    lines = ["| class | starts | median | p90 | within 5 % | in range | median GiB |", "|---|---|---|---|---|---|---|"]
    for name, belongs in CLASSES:
        scored = [o for o in outcomes if o.scored and belongs(o.row)]
        if not scored:
            continue
        errors = [o.error for o in scored]
        close = sum(e <= 0.05 for e in errors) / len(errors)
        ranged = sum(o.inside for o in scored) / len(scored)
        gib = median(o.off_gib for o in scored)
        lines.append(
            f"| {name} | {len(scored)} | {median(errors):.1%} | {percentile(errors, 0.9):.1%} | "
            f"{close:.0%} | {ranged:.0%} | {gib:.2f} |"
        )
    return lines


def verdicts(outcomes: list[Outcome]) -> list[str]:
    known = [o for o in outcomes if o.predicted is not None]
    started = [o for o in known if o.row["outcome"] == "started"]
    failed = [o for o in known if o.row["outcome"] != "started"]
    safe = [str(o.row["id"]) for o in failed if o.verdict == "starts"]

    def counted(group: list[Outcome]) -> str:
        return ", ".join(
            f"{sum(o.verdict == v for o in group)} {v.replace('_', ' ')}" for v in ("starts", "coin_toss", "fails")
        )

    return [
        f"{len(started)} that started: {counted(started)}",
        f"{len(failed)} that failed: {counted(failed)}",
        f"failures called safe: {', '.join(safe) if safe else 'none'}",
        f"{len(outcomes) - len(known)} refused: the card or the model is not stated",
    ]


def each(outcomes: list[Outcome]) -> list[str]:
    """One line a start: id, source, observed and predicted GiB, outcome, verdict, error."""
    return [
        f"{o.row['id']} {o.row['source_group'][:36]:36} {o.observed} {o.predicted} {o.row['outcome']} {o.verdict} "
        + (f"{o.error:.1%}" if o.scored else "")
        for o in outcomes
    ]


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m sizing.gpu_memory.cross_validate", description=__doc__)
    parser.add_argument("file", type=Path, help="recorded starts: {'cases': [...]}")
    parser.add_argument("--write", action="store_true", help="store the amounts fitted on the whole file")
    parser.add_argument("--rows", action="store_true", help="one line a start")
    args = parser.parse_args(argv)
    rows: list[Row] = json.loads(args.file.read_text(encoding="utf-8"))["cases"]
    whole = fit(rows)
    for title, outcomes in (
        ("cross-validated by source", cross_validated(rows)),
        ("fitted on all", predictions(rows, whole)),
    ):
        lines = [f"## {title}", "", *table(outcomes), "", *verdicts(outcomes), ""]
        sys.stdout.write("\n".join(lines + (each(outcomes) if args.rows else [])) + "\n")
    if args.write:
        STORED.write_text(whole.to_json(), encoding="utf-8")
        sys.stdout.write(f"stored in {STORED.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
