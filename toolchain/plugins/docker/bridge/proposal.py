"""The state that Terraform proposes: the configuration, with what is computed kept from before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolchain.plugins.docker.bridge.state import is_block_type
from toolchain.plugins.docker.bridge.values import UNKNOWN
from toolchain.plugins.docker.schema.attribute import Attribute, Block, Kind


def proposed_state(block: Block, prior: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """Merge `prior` into `config`, both typed objects of the same block."""
    return {name: _attribute(attribute, prior.get(name), config[name]) for name, attribute in block.items()}


def _attribute(attribute: Attribute, prior: Any, config: Any) -> Any:
    if is_block_type(attribute):
        return _blocks(attribute, prior, config)
    if attribute.computed and config is None:
        return prior
    return config


def _blocks(attribute: Attribute, prior: Any, config: Any) -> Any:
    if config is UNKNOWN or not config or attribute.kind is not Kind.LIST:
        # Blocks in sets hold nothing computed here, so there is nothing to keep for them.
        return config
    block = attribute.block or {}
    before = prior if isinstance(prior, list) else []
    return [
        proposed_state(block, before[index], element) if index < len(before) and isinstance(element, dict) else element
        for index, element in enumerate(config)
    ]
