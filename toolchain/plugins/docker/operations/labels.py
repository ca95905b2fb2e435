"""Labels as the daemon has them, a map, and as the schema has them, a set of entries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def label_map(entries: Iterable[Mapping[str, Any]] | None) -> dict[str, str]:
    return {entry["label"]: entry["value"] for entry in entries or ()}


def label_entries(labels: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"label": label, "value": value} for label, value in labels.items()]
