"""Check: types, defaults, secrets, and the source of a copy."""

from __future__ import annotations

from toolchain.plugins.command.protocol.values import (
    Archive,
    Asset,
    Properties,
    Secret,
    Value,
    revealed,
    secret,
)
from toolchain.plugins.command.rules.decode import Failure, decode
from toolchain.plugins.command.schema.resources import COPY_TO_REMOTE, INPUTS
from toolchain.plugins.command.schema.types import ObjectOf


def check(token: str, inputs: Properties) -> tuple[Properties, list[Failure]]:
    """The inputs as the resource is made from them, and what is wrong with them."""
    shape = INPUTS[token]
    decoded, failures = decode(inputs, shape)
    if token == COPY_TO_REMOTE:
        filled = decoded if failures else with_defaults(decoded, shape)
        return _with_secrets(filled, shape), failures + _source_failures(decoded.get("source"))
    if failures:
        return _with_secrets(inputs, shape), failures
    return _with_secrets(with_defaults(decoded, shape), shape), []


def with_defaults(properties: Properties, shape: ObjectOf) -> Properties:
    """Fills absent properties, in objects inside too where those are present."""
    filled: Properties = {}
    for field in shape.fields:
        value = properties.get(field.name)
        if value is None:
            value = field.default
        elif isinstance(field.type, ObjectOf):
            value = _object_with_defaults(value, field.type)
        if value is not None:
            filled[field.name] = value
    return filled


def _object_with_defaults(value: Value, shape: ObjectOf) -> Value:
    inner = revealed(value)
    if not isinstance(inner, dict):
        return value
    filled = with_defaults(inner, shape)
    return Secret(filled) if isinstance(value, Secret) else filled


def _with_secrets(properties: Properties, shape: ObjectOf) -> Properties:
    """Marks what must be secret, inside objects too."""
    marked = dict(properties)
    for field in shape.fields:
        if field.name not in marked:
            continue
        value = marked[field.name]
        inner = revealed(value)
        if isinstance(field.type, ObjectOf) and isinstance(inner, dict):
            content = _with_secrets(inner, field.type)
            value = Secret(content) if isinstance(value, Secret) else content
        marked[field.name] = secret(value) if field.secret else value
    return marked


def _source_failures(source: Value) -> list[Failure]:
    """The official 1.2.1 takes files, texts and path-based archives, and takes an unknown source for a missing one."""
    content = revealed(source)
    if isinstance(content, Asset):
        return [Failure("asset", "asset must be a path-based file asset or a text asset")] if content.uri else []
    if isinstance(content, Archive):
        if content.path:
            return []
        return [Failure("archive", "archive must be a path to a file or directory")]
    return [Failure("asset", "either asset or archive must be set")]
