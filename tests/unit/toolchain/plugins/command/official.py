"""The recorded answers of the official plugin, with this run's keys in place of the placeholders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from google.protobuf import struct_pb2

from toolchain.plugins.command.protocol.values import Properties, decode_properties

LOCAL = "command:local:Command"
REMOTE = "command:remote:Command"
COPY = "command:remote:CopyToRemote"

_FILE = Path(__file__).with_name("official_answers.json")


def rows(*operations: str) -> list[dict[str, Any]]:
    """Rows of these operations."""
    recorded = json.loads(_FILE.read_text())["rows"]
    return [row for row in recorded if row["op"] in operations]


def title(row: dict[str, Any]) -> str:
    """For the test's id."""
    return f"{row['type'].removeprefix('command:')} {row['op']}: {row['case']}"


def filled(value: Any, **placeholders: object) -> Any:
    """The value with `<private_key>` and the like replaced; names have `_` for a space."""
    if isinstance(value, dict):
        return {key: filled(item, **placeholders) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, **placeholders) for item in value]
    if isinstance(value, str) and value.startswith("<") and value.endswith(">"):
        return placeholders.get(value[1:-1].replace(" ", "_"), value)
    return value


def properties(plain: dict[str, Any]) -> Properties:
    """As the plugin receives them."""
    message = struct_pb2.Struct()
    message.update(plain)
    return decode_properties(message)
