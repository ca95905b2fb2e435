"""Equality of states as the Terraform SDK means it: null and zero values are the same."""

from __future__ import annotations

from typing import Any

from toolchain.plugins.docker.bridge.values import UNKNOWN


def equivalent(left: Any, right: Any) -> bool:
    """Whether two typed values differ only between null and zero values."""
    if left is UNKNOWN or right is UNKNOWN:
        return left is right
    if _is_zero(left) or _is_zero(right):
        return _is_zero(left) and _is_zero(right)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equivalent(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        # Sets are sorted, so that they compare in order too.
        return len(left) == len(right) and all(map(equivalent, left, right))
    return bool(left == right)


def _is_zero(value: Any) -> bool:
    if isinstance(value, dict):
        return not value
    return value is None or value is False or value == "" or value == 0 or value == []
