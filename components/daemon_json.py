"""Merges our keys into a daemon.json. First version: keeps values and order."""

from __future__ import annotations

import json
import sys


def merge(text: str, wishes: dict[str, object]) -> str:
    """The file with our keys."""
    data = json.loads(text or "{}")
    for key, value in wishes.items():
        if isinstance(value, dict) and isinstance(data.get(key), dict):
            data[key].update(value)
        else:
            data[key] = value
    return json.dumps(data, indent=2) + "\n"


if __name__ == "__main__":
    with open(sys.argv[2]) as stream:
        sys.stdout.write(merge(sys.stdin.read(), json.load(stream)))
