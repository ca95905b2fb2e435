"""The provider's Check and Diff, called with plain values and answered in the form of the recordings."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from google.protobuf import struct_pb2
from google.protobuf.json_format import MessageToDict
from pulumi.provider.experimental import provider as protocol
from pulumi.provider.experimental.property_value import PropertyValue

from toolchain.plugins.docker.errors import PluginError
from toolchain.plugins.docker.provider import DockerProvider

CONTAINER = "docker:index/container:Container"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_DATA = Path(__file__).parent / "data"
_KINDS = {"ADD", "ADD_REPLACE", "DELETE", "DELETE_REPLACE", "UPDATE", "UPDATE_REPLACE"}

Values = dict[str, Any]


def official_rows(*operations: str) -> list[Values]:
    rows = json.loads((_DATA / "official_answers.json").read_text())["rows"]
    return [row for row in rows if row["op"] in operations]


def bridge_rows(operation: str) -> list[Values]:
    return [row for row in json.loads((_DATA / "bridge_answers.json").read_text()) if row["op"] == operation]


def created(token: str) -> Values:
    """The recorded creation that the recorded differences start from."""
    for row in official_rows("create"):
        if row["type"] == token and row["case"] in ("full container", "base"):
            return row
    raise LookupError(token)


def check(token: str, inputs: Mapping[str, Any], olds: Mapping[str, Any] | None = None) -> Values:
    """``inputs`` and ``failures``, or ``error``."""
    request = protocol.CheckRequest(_urn(token), properties(olds or {}), properties(inputs), b"seed")
    try:
        answer = asyncio.run(DockerProvider().check(request))
    except PluginError as error:
        return {"error": str(error)}
    failures = [{"property": failure.property, "reason": failure.reason} for failure in answer.failures or ()]
    return {"inputs": plain(answer.inputs or {}), "failures": failures}


def diff(token: str, state: Mapping[str, Any], inputs: Mapping[str, Any], ignored: Sequence[str] = ()) -> Values:
    request = protocol.DiffRequest(_urn(token), "id", properties(state), properties(inputs), list(ignored))
    answer = asyncio.run(DockerProvider().diff(request))
    detailed = {path: change.kind.name for path, change in (answer.detailed_diff or {}).items()}
    assert set(detailed.values()) <= _KINDS
    return {
        "changes": "DIFF_SOME" if answer.changes else "DIFF_NONE",
        "replaces": list(answer.replaces or ()),
        "diffs": list(answer.diffs or ()),
        "delete_before_replace": bool(answer.delete_before_replace),
        "detailed": detailed,
    }


def properties(values: Mapping[str, Any]) -> dict[str, PropertyValue]:
    message = struct_pb2.Struct()
    message.update(dict(values))
    return PropertyValue.unmarshal_map(message)


def plain(values: Mapping[str, PropertyValue]) -> Values:
    return dict(MessageToDict(PropertyValue.marshal_map(dict(values))))


def _urn(token: str) -> str:
    return f"urn:pulumi:t::t::{token}::r"
