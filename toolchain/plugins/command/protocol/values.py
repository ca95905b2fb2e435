"""Pulumi property values as Python values, and their form on the wire.

The SDK's own `PropertyValue` knows neither unknown values nor the hash of an asset, and takes a text asset of the
official plugins for a file asset, so the conversion is done here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from google.protobuf import struct_pb2

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a published marker, no secret
ASSET = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
# One marker for each type that an unknown value may turn out to have.
UNKNOWNS = frozenset(
    {
        UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)


@dataclass(frozen=True)
class Unknown:
    """A value that a preview does not know yet."""


@dataclass(frozen=True)
class Secret:
    """A value that state and output must encrypt."""

    value: Value


@dataclass(frozen=True)
class Asset:
    """One file's content: a text, a path or an URI; the others are empty."""

    text: str = ""
    path: str = ""
    uri: str = ""
    hash: str = ""

    @property
    def is_text(self) -> bool:
        """An empty text asset has neither path nor URI."""
        return not self.path and not self.uri


@dataclass(frozen=True)
class Archive:
    """Many files: a path, an URI or a mapping of assets and archives; the others are empty."""

    path: str = ""
    uri: str = ""
    assets: Mapping[str, Value] | None = None
    hash: str = ""


@dataclass(frozen=True)
class Reference:
    """A reference to another resource, kept as it came."""

    fields: Mapping[str, Value]


Value: TypeAlias = (
    bool | float | str | list["Value"] | dict[str, "Value"] | Unknown | Secret | Asset | Archive | Reference | None
)
Properties: TypeAlias = dict[str, Value]

NOT_KNOWN = Unknown()


def secret(value: Value) -> Secret:
    """The value as a secret, wrapped once."""
    return value if isinstance(value, Secret) else Secret(value)


def revealed(value: Value) -> Value:
    """The value without the secret around it; secrets inside stay."""
    return value.value if isinstance(value, Secret) else value


def decode_properties(struct: struct_pb2.Struct) -> Properties:
    """Null properties are the same as absent ones."""
    decoded = {key: decode(item) for key, item in struct.fields.items()}
    return {key: value for key, value in decoded.items() if value is not None}


def encode_properties(properties: Properties) -> struct_pb2.Struct:
    """The opposite of decode_properties."""
    return struct_pb2.Struct(fields={key: encode(value) for key, value in properties.items() if value is not None})


def decode(value: struct_pb2.Value) -> Value:
    """One value from the wire."""
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return NOT_KNOWN if value.string_value in UNKNOWNS else value.string_value
    if kind == "bool_value":
        return bool(value.bool_value)
    if kind == "number_value":
        return float(value.number_value)
    if kind == "list_value":
        return [decode(item) for item in value.list_value.values]
    if kind == "struct_value":
        return _decode_object(value.struct_value)
    return None


def _decode_object(struct: struct_pb2.Struct) -> Value:
    if SIGNATURE not in struct.fields:
        return decode_properties(struct)
    fields = {key: decode(item) for key, item in struct.fields.items()}
    signature = fields[SIGNATURE]
    if signature == SECRET:
        return secret(fields.get("value"))
    if signature == ASSET:
        return Asset(**{name: str(fields.get(name) or "") for name in ("text", "path", "uri", "hash")})
    if signature == ARCHIVE:
        assets = fields.get("assets")
        texts = {name: str(fields.get(name) or "") for name in ("path", "uri", "hash")}
        return Archive(assets=assets if isinstance(assets, dict) else None, **texts)
    if signature == OUTPUT:
        inner = fields.get("value") if "value" in fields else NOT_KNOWN
        return secret(inner) if fields.get("secret") is True else inner
    if signature == RESOURCE:
        return Reference(fields)
    raise ValueError(f"unknown kind of property value, signature {signature!r}")


def encode(value: Value) -> struct_pb2.Value:
    """One value for the wire."""
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, (int, float)):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, list):
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=[encode(item) for item in value]))
    if isinstance(value, Unknown):
        return struct_pb2.Value(string_value=UNKNOWN)
    return struct_pb2.Value(struct_value=encode_properties(_object_of(value)))


def _object_of(value: dict[str, Value] | Secret | Asset | Archive | Reference) -> Properties:
    if isinstance(value, Secret):
        return {SIGNATURE: SECRET, "value": value.value}
    if isinstance(value, Asset):
        return {SIGNATURE: ASSET, "hash": value.hash, "text": value.text, "path": value.path, "uri": value.uri}
    if isinstance(value, Archive):
        archive: Properties = {SIGNATURE: ARCHIVE, "hash": value.hash, "path": value.path, "uri": value.uri}
        return archive | ({"assets": dict(value.assets)} if value.assets is not None else {})
    return dict(value.fields) if isinstance(value, Reference) else value


def plain(value: Value) -> Any:
    """The value as a script gets it: secrets revealed, unknowns gone (None)."""
    if isinstance(value, Secret):
        return plain(value.value)
    if isinstance(value, Unknown):
        return None
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value
