"""Go's time.ParseDuration and Duration.String, in nanoseconds."""

from __future__ import annotations

import re
from fractions import Fraction

_UNITS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_TERM = re.compile(r"(\d*)(\.\d*)?(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_LONGEST = 2**63 - 1


class DurationError(ValueError):
    """The text is no Go duration."""


def parse_duration(text: str) -> int:
    """Parse e.g. ``1m0s`` or ``1.5h`` to nanoseconds; raise DurationError for anything else."""
    sign = -1 if text.startswith("-") else 1
    rest = text[1:] if text[:1] in ("-", "+") and text else text
    if rest == "0":
        return 0
    if not rest:
        raise DurationError(text)
    total = 0
    while rest:
        term = _TERM.match(rest)
        if term is None or not (term[1] or (term[2] or ".")[1:]):
            raise DurationError(text)
        amount = Fraction((term[1] or "0") + (term[2] or "").rstrip("."))
        total += int(amount * _UNITS[term[3]])
        if total > _LONGEST:
            raise DurationError(text)
        rest = rest[term.end() :]
    return sign * total


def format_duration(nanoseconds: int) -> str:
    """Write nanoseconds as Go does: ``0s``, ``1.5s``, ``1m0s``, ``2h0m0s``, ``100ms``."""
    if nanoseconds == 0:
        return "0s"
    sign = "-" if nanoseconds < 0 else ""
    value = abs(nanoseconds)
    if value < 10**9:
        for unit, size in (("ms", 10**6), ("µs", 10**3), ("ns", 1)):
            if value >= size:
                return sign + _decimal(value, size) + unit
    minutes, rest = divmod(value, 60 * 10**9)
    seconds = _decimal(rest, 10**9) + "s"
    if not minutes:
        return sign + seconds
    hours, minutes = divmod(minutes, 60)
    return sign + (f"{hours}h" if hours else "") + f"{minutes}m" + seconds


def _decimal(value: int, size: int) -> str:
    whole, rest = divmod(value, size)
    digits = len(str(size)) - 1
    fraction = f"{rest:0{digits}d}".rstrip("0") if digits else ""
    return f"{whole}.{fraction}" if fraction else str(whole)
