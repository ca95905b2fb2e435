"""Check: inputs with their defaults, and the failures of a configuration."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from toolchain.plugins.docker.bridge.config import terraform_config
from toolchain.plugins.docker.bridge.defaults import Naming, apply_defaults
from toolchain.plugins.docker.bridge.outputs import pulumi_properties
from toolchain.plugins.docker.bridge.validate import validate
from toolchain.plugins.docker.bridge.values import DEFAULTS
from toolchain.plugins.docker.schema.attribute import Resource


def check(
    resource: Resource,
    olds: Mapping[str, Any],
    news: Mapping[str, Any],
    naming: Naming,
) -> tuple[dict[str, Any], list[str]]:
    """The checked inputs and the reasons of the failures."""
    config = terraform_config(resource.attributes, news)
    named = copy.deepcopy(config)
    apply_defaults(resource.attributes, named, olds, naming, schema_defaults=False)
    failures = validate(resource.attributes, _without_defaults_lists(named))
    apply_defaults(resource.attributes, config, olds, naming, schema_defaults=True)
    inputs = pulumi_properties(resource.attributes, config)
    return inputs, [failure.reason(naming.resource_name) for failure in failures]


def _without_defaults_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_defaults_lists(item) for key, item in value.items() if key != DEFAULTS}
    if isinstance(value, list):
        return [_without_defaults_lists(item) for item in value]
    return value
