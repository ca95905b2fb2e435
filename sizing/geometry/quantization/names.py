"""Which modules a packing leaves alone, by the lists the tools write."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from sizing.geometry.errors import UnsupportedModel

LONGEST_PATTERN = 300  # published patterns are far shorter; a longer one is no module name


@lru_cache(maxsize=4096)
def pattern(text: str) -> re.Pattern[str]:
    """A `re:` entry of an ignore list, or a name with `*`, as a compiled pattern."""
    body = text.removeprefix("re:") if text.startswith("re:") else re.escape(text).replace(r"\*", r".*")
    # Nested repetition is what makes a pattern run for ever, and no module name needs it.
    if len(body) > LONGEST_PATTERN or re.search(r"[+*}]\)?[+*{]", body):
        raise UnsupportedModel(
            f"config.json: quantization_config names modules by {text[:80]!r}, too complex to follow"
        )
    try:
        return re.compile(body)
    except re.error as error:
        raise UnsupportedModel(f"config.json: quantization_config holds {text[:80]!r}, no pattern: {error}") from None


def exact_names(entries: Sequence[str]) -> Callable[[str], bool]:
    """compressed-tensors: an entry is a full module name or, after `re:`, a pattern from its start."""
    plain = {entry for entry in entries if not entry.startswith("re:")}
    patterns = [pattern(entry) for entry in entries if entry.startswith("re:")]
    return lambda name: name in plain or any(p.match(name) for p in patterns)


def name_parts(entries: Sequence[str]) -> Callable[[str], bool]:
    """transformers: an entry is a pattern from the start, a dotted part of the name, or its end."""
    plain = {entry for entry in entries if "*" not in entry and not entry.startswith("re:")}
    starred = [pattern(entry) for entry in entries if "*" in entry or entry.startswith("re:")]

    def skipped(name: str) -> bool:
        parts = name.split(".")
        runs = (".".join(parts[i:j]) for i in range(len(parts)) for j in range(i + 1, len(parts) + 1))
        return any(run in plain for run in runs) or any(p.match(name) for p in starred)

    return skipped


def contains(entries: Sequence[str]) -> Callable[[str], bool]:
    """AutoAWQ: an entry anywhere in the name."""
    return lambda name: any(entry in name for entry in entries)
