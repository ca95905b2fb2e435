"""The checks of a Terraform configuration and the texts of their failures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolchain.plugins.docker.bridge.names import pulumi_name
from toolchain.plugins.docker.bridge.values import UNKNOWN, contains_unknown
from toolchain.plugins.docker.schema.attribute import Attribute, Block, Kind

_IDENTIFIER = re.compile(r"[_a-zA-Z][-_a-zA-Z0-9]*", re.ASCII)
_TRUE_FALSE = re.compile(r"1|t|T|TRUE|true|True|0|f|F|FALSE|false|False|", re.ASCII)


@dataclass(frozen=True)
class Place:
    """Where in a configuration a value is: as Terraform and as Pulumi write it."""

    key: str
    shown: str

    def attribute(self, block: Block, name: str) -> Place:
        shown = pulumi_name(block, name)
        if self.shown:
            shown = f"{self.shown}.{shown}" if _IDENTIFIER.fullmatch(shown) else f'{self.shown}["{shown}"]'
        return Place(f"{self.key}.{name}" if self.key else name, shown)

    def element(self, index: int, attribute: Attribute) -> Place:
        shown = self.shown if attribute.is_flattened else f"{self.shown}[{index}]"
        return Place(f"{self.key}.{index}", shown)


@dataclass(frozen=True)
class Failure:
    """A failed check: the place and the text."""

    shown: str
    text: str

    def reason(self, resource_name: str) -> str:
        return f"{self.text}. Examine values at '{resource_name}.{self.shown}'."


def validate(block: Block, config: Mapping[str, Any], place: Place | None = None) -> list[Failure]:
    """Every failure of a configuration, in the order of the attribute names."""
    root = place or Place("", "")
    failures: list[Failure] = []
    for name in sorted(set(block) | set(config)):
        at = root.attribute(block, name)
        if name not in block:
            failures.append(Failure(at.shown, "Invalid or unknown key"))
        else:
            failures += _attribute(block[name], config, name, at)
    return failures


def _attribute(attribute: Attribute, config: Mapping[str, Any], name: str, at: Place) -> list[Failure]:
    value = config.get(name)
    if value is None:
        if not attribute.required:
            return []
        return [
            Failure(
                at.shown,
                f'Missing required argument. The argument "{at.key}" is required, but no definition was found.',
            )
        ]
    if not attribute.is_input:
        return [
            Failure(
                at.shown,
                f'Value for unconfigurable attribute. Can\'t configure a value for "{at.key}": its value will be '
                "decided automatically based on the result of applying this configuration.",
            )
        ]
    if contains_unknown(value):
        return []
    for other in attribute.conflicts_with:
        if config.get(other) is not None and config[other] is not UNKNOWN:
            return [Failure(at.shown, f'Conflicting configuration arguments. "{at.key}": conflicts with {other}')]
    return _typed(attribute, value, at)


def _typed(attribute: Attribute, value: Any, at: Place) -> list[Failure]:
    if attribute.kind is Kind.SET:
        # A failure inside a set is reported at the set: its elements have no place.
        return [Failure(at.shown, failure.text) for failure in _list(attribute, value, at)]
    if attribute.kind is Kind.LIST:
        return _list(attribute, value, at)
    if attribute.kind is Kind.MAP:
        return _map(attribute, value, at)
    return _scalar(attribute, attribute.kind, value, at)


def _list(attribute: Attribute, value: Any, at: Place) -> list[Failure]:
    if not isinstance(value, list):
        return [Failure(at.shown, "Attribute must be a list")]
    if attribute.max_items and len(value) > attribute.max_items:
        return [
            Failure(
                at.shown,
                f"Too many list items. Attribute {at.key} supports {attribute.max_items} item maximum, "
                f"but config has {len(value)} declared.",
            )
        ]
    failures: list[Failure] = []
    for index, element in enumerate(value):
        place = at.element(index, attribute)
        if attribute.block is None:
            failures += _scalar(attribute, attribute.scalar_elem, element, place, validator=False)
        elif isinstance(element, dict):
            failures += validate(attribute.block, element, place)
        elif element is not None:
            failures.append(Failure(place.shown, f"Expected Object Type. Expected object, got {_go_kind(element)}"))
    return failures


def _map(attribute: Attribute, value: Any, at: Place) -> list[Failure]:
    if not isinstance(value, dict):
        return [Failure(at.shown, "Attribute must be a map")]
    for key, item in value.items():
        if isinstance(item, (list, dict)):
            shown = f"{at.shown}.{key}" if _IDENTIFIER.fullmatch(key) else f'{at.shown}["{key}"]'
            return [Failure(shown, _not_a(attribute.scalar_elem, item))]
    return []


def _scalar(attribute: Attribute, kind: Kind, value: Any, at: Place, *, validator: bool = True) -> list[Failure]:
    if value is None:
        return []
    if isinstance(value, list):
        return [Failure(at.shown, "Attribute must be a single value, not a list")]
    if isinstance(value, dict):
        return [Failure(at.shown, "Attribute must be a single value, not a map")]
    if kind is Kind.INT and (isinstance(value, bool) or not isinstance(value, int)):
        shown = str(value).lower() if isinstance(value, bool) else value
        return [Failure(at.shown, f"Attribute must be a whole number, got {shown}")]
    if kind is Kind.BOOL and isinstance(value, str) and not _TRUE_FALSE.fullmatch(value):
        return [Failure(at.shown, f"cannot parse '' as bool: strconv.ParseBool: parsing \"{value}\": invalid syntax")]
    if validator and attribute.validate is not None:
        complaint = attribute.validate(value)
        if complaint is not None:
            return [Failure(at.shown, _complaint(complaint, at))]
    return []


def _complaint(text: str, at: Place) -> str:
    # Validators of single values give summary and detail alike; those of the SDK only a summary.
    if "{path}" in text:
        return text.replace("{path}", at.key)
    return f"{text}. {text}"


def _go_kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    return "string" if isinstance(value, str) else "int" if isinstance(value, int) else "slice"


def _not_a(kind: Kind, value: Any) -> str:
    go_type = "[]interface {}" if isinstance(value, list) else "map[string]interface {}"
    return f"'' expected type '{kind.value}', got unconvertible type '{go_type}'"
