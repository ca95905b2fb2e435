"""Checks property values against their types, with the official plugin's failure texts, and makes them canonical."""

from __future__ import annotations

from dataclasses import dataclass

from toolchain.plugins.command.protocol.values import (
    Archive,
    Asset,
    Properties,
    Reference,
    Secret,
    Unknown,
    Value,
    secret,
)
from toolchain.plugins.command.schema.types import (
    Anything,
    AssetOrArchive,
    ListOf,
    MapOf,
    ObjectOf,
    Scalar,
    Type,
)


@dataclass(frozen=True)
class Failure:
    """A property that does not fit, and why."""

    property: str
    reason: str


class _DoesNotFitError(Exception):
    """Carries a Failure up to where failures are collected."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(reason)
        self.failure = Failure(key, reason)


def summary(failures: list[Failure]) -> str:
    """Several failures as one text."""
    lines = "".join(f"\n\t{failure.property}: {failure.reason}" for failure in failures)
    return f"{len(failures)} failures decoding:{lines}"


def decode(properties: Properties, shape: ObjectOf) -> tuple[Properties, list[Failure]]:
    """The properties in canonical form (whole numbers where the type is int, no nulls) and all failures."""
    decoded: Properties = {}
    failures: list[Failure] = []
    for field in shape.fields:
        value = properties.get(field.name)
        if value is not None:
            try:
                decoded[field.name] = _value(value, field.type, shape, field.name)
            except _DoesNotFitError as misfit:
                failures.append(misfit.failure)
        elif field.required:
            failures.append(Failure(field.name, f"Missing required field '{field.name}' on '{shape.name}'"))
    known = {field.name for field in shape.fields}
    for name in sorted(set(properties) - known):
        failures.append(Failure(name, f"Unrecognized field '{name}' on '{shape.name}'"))
    return decoded, failures


def _value(value: Value, wanted: Type, owner: ObjectOf, key: str) -> Value:
    """One value; owner and key are what a message calls it."""
    if isinstance(value, Secret):
        return secret(_value(value.value, wanted, owner, key))
    if isinstance(value, Unknown) or isinstance(wanted, Anything):
        return value
    if isinstance(wanted, Scalar):
        return _scalar(value, wanted, owner, key)
    if isinstance(wanted, ListOf) and isinstance(value, list):
        return [_value(item, wanted.item, owner, f"{key}[{index}]") for index, item in enumerate(value)]
    if isinstance(wanted, MapOf) and isinstance(value, dict):
        items = value.items()
        return {name: _value(item, wanted.item, owner, f"{key}[{name}] value") for name, item in items}
    if isinstance(wanted, AssetOrArchive) and isinstance(value, (Asset, Archive)):
        return value
    if isinstance(wanted, (ObjectOf, AssetOrArchive)) and isinstance(value, dict):
        decoded, failures = decode(value, wanted if isinstance(wanted, ObjectOf) else ObjectOf(wanted.name, ()))
        if failures:
            raise _DoesNotFitError(key, _inside(owner, key, summary(failures)))
        return decoded
    raise _DoesNotFitError(key, _wrong_type(value, wanted, owner, key))


def _scalar(value: Value, wanted: Scalar, owner: ObjectOf, key: str) -> Value:
    if wanted.kind in (float, int) and isinstance(value, float) and not isinstance(value, bool):
        return float(int(value)) if wanted.kind is int else value
    if isinstance(value, wanted.kind) and isinstance(value, bool) == (wanted.kind is bool):
        return value
    raise _DoesNotFitError(key, _wrong_type(value, wanted, owner, key))


def _wrong_type(value: Value, wanted: Type, owner: ObjectOf, key: str) -> str:
    if isinstance(value, dict):
        text = f"Cannot decode Object{{}} to type {wanted.name}; it isn't a struct, and no custom decoder exists"
        return _inside(owner, key, text)
    return f"Field '{key}' on '{owner.name}' must be a '{wanted.name}'; got '{_type_name(value)}' instead"


def _inside(owner: ObjectOf, key: str, text: str) -> str:
    return f"An error occurred decoding '{owner.bare_name}.{key}': {text}"


def _type_name(value: Value) -> str:
    names: tuple[tuple[type, str], ...] = (
        (bool, "bool"),
        (float, "float64"),
        (str, "string"),
        (list, "[]interface {}"),
        (Asset, "asset.Asset"),
        (Archive, "archive.Archive"),
        (Reference, "resource.ResourceReference"),
    )
    return next((name for kind, name in names if isinstance(value, kind)), "interface {}")
