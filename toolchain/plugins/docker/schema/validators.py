"""Validators of single values and their complaints, as the provider words them."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from toolchain.plugins.docker.schema.attribute import Validator
from toolchain.plugins.docker.schema.duration import DurationError, parse_duration


def at_least(threshold: int) -> Validator:
    def check(value: Any) -> str | None:
        return f"'{value}' cannot be lower than {threshold}" if value < threshold else None

    return check


def matches(pattern: str) -> Validator:
    # The provider's patterns are Go's: there $ means the very end of the text.
    compiled = re.compile(pattern.replace("$", r"\Z"), re.ASCII)

    def check(value: Any) -> str | None:
        return None if compiled.search(value) else f"'{value}' doesn't match the pattern '{pattern}'"

    return check


def duration(value: Any) -> str | None:
    try:
        nanoseconds = parse_duration(value)
    except DurationError:
        return f"'{value}' is not a valid duration"
    return f"'{value}' duration must not be negative" if nanoseconds < 0 else None


def base64_encoded(value: Any) -> str | None:
    # Go's decoder skips line breaks, Python's strict one does not.
    try:
        base64.b64decode(re.sub(r"[\r\n]", "", value), validate=True)
    except (binascii.Error, ValueError):
        return f"'{value}' is not base64 decodeable"
    return None


def absolute_path(value: Any) -> str | None:
    return None if re.match(r"[a-zA-Z]:[\\/]|/", value) else f"'{value}' must be an absolute path"


def one_of(*allowed: str) -> Validator:
    def check(value: Any) -> str | None:
        listed = " ".join(f'"{name}"' for name in allowed)
        return None if value in allowed else f"expected {{path}} to be one of [{listed}], got {value}"

    return check
