"""The last stamps seen of each host, kept on the operator's machine for when a host is away."""

import json
from collections.abc import Mapping
from pathlib import Path


def remember(file: Path, triggers: Mapping[str, str]) -> None:
    """Keeps the triggers of a host that answered."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(dict(triggers), indent=1, sort_keys=True) + "\n", encoding="utf-8")


def recall(file: Path) -> dict[str, str]:
    """The triggers that were kept; empty where there are none or the file is damaged."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in kept.items()} if isinstance(kept, dict) else {}
