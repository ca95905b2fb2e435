"""What a model's name or class says beyond its sizes: engine class, rotary table, image tower, packing."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sizing.gpu_memory.shapes import FULL_PRECISION, ImageTower, WeightFormat


class UnknownModel(ValueError):  # noqa: N818 - reads as what it says
    """The start names no sizes and its model is not in the catalogue; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Family:
    architecture: str
    positions: int
    tower: ImageTower | None


@cache
def _table() -> dict[str, list[dict[str, object]]]:
    stored: dict[str, list[dict[str, object]]] = json.loads(
        (Path(__file__).parent / "data" / "families.json").read_text(encoding="utf-8")
    )
    return stored


def plain_name(model: str) -> str:
    """'Meta-Llama/Llama_3.1-8B (inferred)' -> 'meta-llama/llama-3.1-8b'."""
    return re.sub(r"[\s_]+", "-", re.sub(r"\(.*?\)", "", model).strip().lower())


def _family(row: dict[str, object]) -> Family:
    t = row.get("tower")
    tower = None
    if isinstance(t, dict):
        encoder = t.get("patches", 0) * t.get("elements_per_patch", 0) * 2
        tower = ImageTower(t["parameters"] * 2, t["tokens"], t["budget"], t["pixels"], encoder)
    return Family(str(row["architecture"]), int(str(row["positions"])), tower)


def family_of(model: str) -> Family | None:
    """The family a name belongs to; None for a name that fits none."""
    name = plain_name(model)
    return next((_family(row) for row in _table()["families"] if re.search(str(row["pattern"]), name)), None)


def family_of_architecture(architecture: str) -> Family | None:
    """The first family that runs as a class of vLLM."""
    return next((_family(row) for row in _table()["families"] if row["architecture"] == architecture), None)


def format_of(quantization: str | None, architecture: str) -> WeightFormat:
    """Bytes a weight of a quantisation named as in vLLM's log; raises UnknownModel for an unknown one."""
    if not quantization or quantization.lower() in ("none", "auto"):
        return FULL_PRECISION
    name = quantization.lower()
    for row in _table()["formats"]:
        if re.search(str(row["pattern"]), name):
            width, active = float(str(row["bytes_per_weight"])), float(str(row.get("activation_bytes", 0)))
            return WeightFormat(name, width, row.get("experts_only_for") == architecture, active)
    raise UnknownModel(f"quantization is {quantization!r}, whose bytes a weight are not known here")
