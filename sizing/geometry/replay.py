"""The reader against recorded checkpoints: one row in, one answer out."""

from __future__ import annotations

from collections.abc import Mapping

from sizing.geometry.errors import UnsupportedModel
from sizing.geometry.read import read_config


def replay_config(row: Mapping[str, object]) -> dict[str, object]:
    """`{"id", "refused", "weight_bytes", "parameters"}`; refused is False or the reason."""
    config = row.get("config")
    try:
        geometry = read_config(config if isinstance(config, Mapping) else {})
    except UnsupportedModel as reason:
        return {"id": row.get("id"), "refused": str(reason), "weight_bytes": None, "parameters": None}
    return {
        "id": row.get("id"),
        "refused": False,
        "weight_bytes": geometry.weight_bytes,
        "parameters": geometry.parameters,
    }
