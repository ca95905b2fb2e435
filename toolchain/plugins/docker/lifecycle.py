"""Create, read, update and delete of a resource, from properties to properties.

All of it blocks: the provider calls it in threads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolchain.plugins.docker.bridge.config import terraform_config
from toolchain.plugins.docker.bridge.diff import plan_change
from toolchain.plugins.docker.bridge.outputs import pulumi_properties
from toolchain.plugins.docker.bridge.refresh_inputs import refreshed_inputs, schema_inputs
from toolchain.plugins.docker.bridge.settle import applied_state, known_values, planned_creation, refreshed_state
from toolchain.plugins.docker.bridge.state import typed_object
from toolchain.plugins.docker.bridge.values import UNKNOWN
from toolchain.plugins.docker.errors import OperationError, PartialFailureError, PluginError, one_error
from toolchain.plugins.docker.resources import ResourceType, Target

Properties = Mapping[str, Any]


def preview_creation(kind: ResourceType, inputs: Properties) -> dict[str, Any]:
    """The properties that a new resource would have; what the daemon decides is unknown."""
    block = kind.schema.attributes
    planned = planned_creation(block, terraform_config(block, inputs))
    return {**pulumi_properties(block, planned), "id": UNKNOWN}


def create(kind: ResourceType, target: Target, urn: str, inputs: Properties) -> tuple[str, dict[str, Any]]:
    """Create the resource; returns its id and properties.

    Raises PluginError when there is nothing to record, PartialFailureError when
    there is: a container that does not start stays and is recorded.
    """
    block = kind.schema.attributes
    planned = planned_creation(block, terraform_config(block, inputs))
    values = known_values(block, planned)
    try:
        resource_id = kind.create(target, values)
    except OperationError as error:
        raise PluginError(one_error(str(error))) from error
    found: dict[str, Any] = {}
    failure: OperationError | None = None
    try:
        found = kind.finish(target, resource_id, values) if kind.finish is not None else {}
        found.update(_read_created(kind, target, resource_id, values))
    except OperationError as error:
        failure = error
    state = applied_state(block, planned, found)
    properties = _with_id(pulumi_properties(block, state), found.get("id", resource_id))
    if failure is not None:
        raise PartialFailureError(f"creating {urn}: {one_error(str(failure))}", resource_id, properties) from failure
    return properties["id"], properties


def _read_created(kind: ResourceType, target: Target, resource_id: str, values: Properties) -> dict[str, Any]:
    found = kind.read(target, resource_id, values)
    if found is None and values.get("rm"):
        return {}
    if found is None:
        raise OperationError(f"{resource_id} vanished while it was being created")
    return found


def read(
    kind: ResourceType, target: Target, urn: str, resource_id: str, properties: Properties, inputs: Properties
) -> tuple[str, dict[str, Any], dict[str, Any]] | None:
    """Refresh or, without properties, import the resource; None when it is gone.

    Returns its id, its properties and its inputs.
    """
    block = kind.schema.attributes
    importing = not properties
    state = terraform_config(block, properties)
    if importing and "image_id" in block:
        state["name"] = resource_id
    values = known_values(block, typed_object(block, state))
    try:
        found = kind.read(target, resource_id, values)
    except OperationError as error:
        raise PluginError(f"refreshing {urn}: {one_error(str(error))}") from error
    if found is None:
        return None
    refreshed = pulumi_properties(block, refreshed_state(block, state, found))
    new_id = found.get("id", resource_id)
    taken = schema_inputs(block, refreshed) if importing else refreshed_inputs(block, inputs, refreshed)
    return new_id, _with_id(refreshed, new_id), taken


def update(
    kind: ResourceType,
    target: Target | None,
    urn: str,
    resource_id: str,
    olds: Properties,
    news: Properties,
    ignore_changes: list[str],
) -> dict[str, Any]:
    """Change the resource in place; without a target only say what it would be."""
    block = kind.schema.attributes
    planned = plan_change(kind.schema, urn, olds, news, ignore_changes)
    if planned.requires_replacement:
        raise PluginError(
            "internal: expected diff to not require deletion or replacement during Update of "
            f"{urn}. Found delete=false, replace=true. This indicates a bug in provider."
        )
    if target is None or kind.update is None:
        return _with_id(pulumi_properties(block, planned.planned), resource_id)
    values = known_values(block, planned.planned)
    try:
        found = kind.update(target, resource_id, known_values(block, planned.prior), values)
    except OperationError as error:
        before = _with_id(pulumi_properties(block, planned.prior), resource_id)
        raise PartialFailureError(f"updating {urn}: {one_error(str(error))}", resource_id, before) from error
    state = applied_state(block, planned.planned, found)
    return _with_id(pulumi_properties(block, state), found.get("id", resource_id))


def delete(kind: ResourceType, target: Target, urn: str, resource_id: str, properties: Properties) -> None:
    """Remove the resource; one that is gone is fine."""
    block = kind.schema.attributes
    values = known_values(block, typed_object(block, terraform_config(block, properties)))
    try:
        kind.delete(target, resource_id, values)
    except OperationError as error:
        raise PluginError(f"deleting {urn}: {one_error(str(error))}") from error


def _with_id(properties: dict[str, Any], resource_id: str) -> dict[str, Any]:
    return {**properties, "id": resource_id}
