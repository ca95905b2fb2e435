"""Diff: what changing the inputs of a resource would do to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pulumi.provider.experimental.provider import PropertyDiffKind

from toolchain.plugins.docker.bridge.config import terraform_config
from toolchain.plugins.docker.bridge.detailed_diff import Diff, detailed_diff
from toolchain.plugins.docker.bridge.names import find, pulumi_name
from toolchain.plugins.docker.bridge.outputs import pulumi_properties
from toolchain.plugins.docker.bridge.plan import Plan, plan
from toolchain.plugins.docker.bridge.values import DEFAULTS
from toolchain.plugins.docker.errors import OperationError, PluginError
from toolchain.plugins.docker.schema.attribute import Resource

_REPLACING = (
    PropertyDiffKind.ADD_REPLACE,
    PropertyDiffKind.DELETE_REPLACE,
    PropertyDiffKind.UPDATE_REPLACE,
)


@dataclass(frozen=True)
class ResourceDiff:
    """The answer to a diff, in the terms of the provider protocol."""

    changes: bool
    replaces: list[str]
    stables: list[str]
    diffs: list[str]
    delete_before_replace: bool
    detailed: Diff


def plan_change(
    resource: Resource,
    urn: str,
    state: Mapping[str, Any],
    news: Mapping[str, Any],
    ignore_changes: Sequence[str] = (),
) -> Plan:
    """Plan the step from recorded properties to new inputs."""
    block = resource.attributes
    ignored = frozenset(find(block, path)[0] for path in ignore_changes)
    try:
        return plan(block, terraform_config(block, state), terraform_config(block, news), ignored)
    except OperationError as error:
        raise PluginError(f"diffing {urn}: {error}") from error


def diff(
    resource: Resource,
    urn: str,
    state: Mapping[str, Any],
    news: Mapping[str, Any],
    ignore_changes: Sequence[str] = (),
) -> ResourceDiff:
    """Compare recorded properties with new inputs."""
    block = resource.attributes
    planned = plan_change(resource, urn, state, news, ignore_changes)
    detailed = (
        {}
        if not planned.changes
        else detailed_diff(
            block,
            pulumi_properties(block, planned.prior),
            pulumi_properties(block, planned.planned),
            news,
            replaces=planned.requires_replacement,
        )
    )
    replaces = sorted(_top(path) for path, kind in detailed.items() if kind in _REPLACING)
    return ResourceDiff(
        changes=planned.changes,
        replaces=replaces,
        stables=_stables(resource, replaces),
        diffs=sorted({_top(path) for path in detailed}),
        delete_before_replace=bool(replaces) and (resource.delete_before_replace or _named_by_hand(resource, news)),
        detailed=detailed,
    )


def _top(path: str) -> str:
    cut = min((position for position in (path.find("."), path.find("[")) if position >= 0), default=len(path))
    return path[:cut]


def _stables(resource: Resource, replaces: list[str]) -> list[str]:
    names = (
        pulumi_name(resource.attributes, name) for name, attribute in resource.attributes.items() if attribute.force_new
    )
    return sorted(name for name in names if name not in replaces)


def _named_by_hand(resource: Resource, news: Mapping[str, Any]) -> bool:
    """A name given by hand cannot be used twice, so the old resource has to go first."""
    defaults = news.get(DEFAULTS)
    if not isinstance(defaults, list):
        return False
    for key in news:
        attribute = find(resource.attributes, key)[1]
        if attribute is not None and attribute.autoname and key not in defaults:
            return True
    return False
