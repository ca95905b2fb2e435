"""Nulls in planned states: where they are refused, and where the SDK's walk loses them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolchain.plugins.docker.bridge.values import UNKNOWN
from toolchain.plugins.docker.errors import OperationError
from toolchain.plugins.docker.schema.attribute import Attribute, Block, Kind


def refuse_nulls(block: Block, proposed: Mapping[str, Any]) -> None:
    """Raise OperationError for a null element of a list or set."""
    errors = [path for name in block for path in _nulls(block[name], proposed[name], name)]
    if errors:
        listed = "".join(
            f"\t* [{path}] Null value found in list: Null values are not allowed for this attribute value.\n"
            for path in errors
        )
        count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
        raise OperationError(f"{count} occurred:\n{listed}\n")


def _nulls(attribute: Attribute, value: Any, path: str) -> list[str]:
    """The paths of null elements; those inside a set are reported at the set."""
    if not isinstance(value, list):
        return []
    found: list[str] = []
    for index, item in enumerate(value):
        at = path if attribute.kind is Kind.SET else f"{path}[{index}]"
        if item is None:
            found.append(at)
        elif attribute.block is not None and isinstance(item, dict):
            for name, inner in attribute.block.items():
                deeper = _nulls(inner, item.get(name), f"{at}.{name}")
                found += [path] * len(deeper) if attribute.kind is Kind.SET else deeper
    return found


def restore_nulls(attribute: Attribute, planned: Any, proposed: Any) -> Any:
    """Undo differences between null and empty that the walk cannot tell apart."""
    if proposed is UNKNOWN:
        return UNKNOWN if planned is None else planned
    if proposed is None or planned is UNKNOWN:
        return planned
    if attribute.kind is Kind.LIST:
        if planned is None:
            return proposed if all(item is UNKNOWN for item in proposed) else None
        if attribute.block is not None and len(planned) == len(proposed):
            block = attribute.block
            return [
                {name: restore_nulls(block[name], was[name], will[name]) for name in block}
                for was, will in zip(planned, proposed, strict=True)
            ]
    if attribute.kind is Kind.STRING and planned is None and proposed == "":
        return ""
    return planned
