"""Property values of the provider protocol as plain Python values and back.

Numbers are floats, unknown values are `UNKNOWN`.  Secrets lose their mark: the
plugin tells the engine that it does not accept secrets, so the engine marks
what was secret before, as it does for the official plugin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pulumi
from pulumi.provider.experimental.property_value import Computed, PropertyValue


class Unknown:
    """A value that is known only after another resource exists."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __copy__(self) -> Unknown:
        return self

    def __deepcopy__(self, _memo: object) -> Unknown:
        return self


UNKNOWN: Final = Unknown()

#: What stands for unknown values of any type on the wire (pulumi/sdk/go/common/resource/plugin).
_UNKNOWN_MARKS: Final = frozenset(
    (
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # string
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    )
)
_UNKNOWN_STRING: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

#: The list of properties that the plugin filled with defaults.
DEFAULTS: Final = "__defaults"

#: Properties that belong to Pulumi, not to the resource.
RESERVED: Final = frozenset((DEFAULTS, "__meta", "__pulumi_raw_state_delta", "__internal", "__id", "__provider"))


def plain(value: PropertyValue) -> Any:
    """One property value as a plain Python value."""
    inner = value.value
    if isinstance(inner, Computed) or (isinstance(inner, str) and inner in _UNKNOWN_MARKS):
        return UNKNOWN
    if isinstance(inner, Mapping):
        return {key: plain(item) for key, item in inner.items()}
    if isinstance(inner, Sequence) and not isinstance(inner, str):
        return [plain(item) for item in inner]
    if isinstance(inner, (pulumi.Asset, pulumi.Archive)):
        raise ValueError("assets and archives are not accepted by any Docker property")
    return inner


def plain_map(properties: Mapping[str, PropertyValue], *, skip_nulls: bool) -> dict[str, Any]:
    """A property map as a plain dict; `skip_nulls` drops nulls at any depth."""
    result = {key: plain(value) for key, value in properties.items()}
    return without_nulls(result) if skip_nulls else result


def without_nulls(value: Any) -> Any:
    """A copy without the null members of objects; list elements stay in place."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def contains_unknown(value: Any) -> bool:
    """Whether a value is unknown or has an unknown part."""
    if isinstance(value, dict):
        return any(contains_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(contains_unknown(item) for item in value)
    return value is UNKNOWN


def property_value(value: Any) -> PropertyValue:
    """A plain Python value as a property value."""
    if value is UNKNOWN:
        return PropertyValue(_UNKNOWN_STRING)
    if isinstance(value, dict):
        return PropertyValue({key: property_value(item) for key, item in value.items()})
    if isinstance(value, list):
        return PropertyValue([property_value(item) for item in value])
    if isinstance(value, int) and not isinstance(value, bool):
        return PropertyValue(float(value))
    return PropertyValue(value)


def property_map(values: Mapping[str, Any]) -> dict[str, PropertyValue]:
    """A plain dict as a property map."""
    return {key: property_value(value) for key, value in values.items()}
