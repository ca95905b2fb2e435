"""Sizes as container engines write them: `16g`, `10.24gb`, `512M`, plain bytes."""

import re

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgtp]?)i?b?\s*", re.IGNORECASE)
_POWER = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


def size_bytes(text: str) -> int | None:
    """Bytes, with powers of 1024; -1 for `-1` (no limit); None where the text is no size."""
    if text.strip() == "-1":
        return -1
    match = _SIZE.fullmatch(text)
    if match is None:
        return None
    return int(float(match[1]) * (1 << (10 * _POWER[match[2].lower()])))
