"""Defaults of properties: those of the schema and generated names.

A default that is the zero value of its type is not written into the inputs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolchain.plugins.docker.bridge.config import terraform_value
from toolchain.plugins.docker.bridge.names import pulumi_name
from toolchain.plugins.docker.bridge.values import DEFAULTS
from toolchain.plugins.docker.schema.attribute import Attribute, Block

_RANDOM_DIGITS = 7
_LONGEST_NAME = 255


@dataclass(frozen=True)
class Naming:
    """What a generated name is made of."""

    resource_name: str
    random_seed: bytes

    def generate(self) -> str:
        digits = hashlib.sha256(self.random_seed).hexdigest()[:_RANDOM_DIGITS]
        name = f"{self.resource_name}-{digits}"
        return name[-_LONGEST_NAME:] if len(name) > _LONGEST_NAME else name


def apply_defaults(
    block: Block,
    config: dict[str, Any],
    olds: Mapping[str, Any],
    naming: Naming | None,
    *,
    schema_defaults: bool,
) -> None:
    """Fill missing attributes of a configuration, at any depth, and list which in ``__defaults``.

    A property that was filled before keeps the value it got then.
    """
    for name, value in config.items():
        attribute = block.get(name)
        if attribute is not None and attribute.block is not None and isinstance(value, list):
            _nested(attribute.block, value, olds.get(pulumi_name(block, name)), schema_defaults=schema_defaults)
    filled: list[str] = []
    for name, attribute in block.items():
        if name in config or _conflicts(block, config, name):
            continue
        key = pulumi_name(block, name)
        default = _default(attribute, naming, schema_defaults=schema_defaults)
        if default is None:
            continue
        if key in olds and _usable(olds, key):
            default = terraform_value(name, olds[key], attribute)
        if default is None or default is False or default in (0, ""):
            continue
        config[name] = default
        filled.append(key)
    config[DEFAULTS] = sorted(filled)


def _nested(block: Block, values: list[Any], old: Any, *, schema_defaults: bool) -> None:
    olds = old if isinstance(old, list) else [old]
    for index, element in enumerate(values):
        if isinstance(element, dict):
            before = olds[index] if index < len(olds) and isinstance(olds[index], dict) else {}
            apply_defaults(block, element, before, None, schema_defaults=schema_defaults)


def _default(attribute: Attribute, naming: Naming | None, *, schema_defaults: bool) -> Any:
    if attribute.autoname and naming is not None:
        return naming.generate()
    return attribute.default if schema_defaults else None


def _usable(olds: Mapping[str, Any], key: str) -> bool:
    listed = olds.get(DEFAULTS)
    return not isinstance(listed, list) or key in listed


def _conflicts(block: Block, config: Mapping[str, Any], name: str) -> bool:
    return any(other in config for other in block[name].conflicts_with)
