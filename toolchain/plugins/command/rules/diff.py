"""Diff: which inputs changed, property by property, and whether the resource must be replaced."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from toolchain.plugins.command.protocol.values import Archive, Asset, Properties, Secret, Value
from toolchain.plugins.command.schema.resources import INPUTS

Keys = tuple[str | int, ...]
_PLAIN_KEY = re.compile("[A-Za-z0-9_]*")


@dataclass(frozen=True)
class Change:
    """One changed property; kind is ADD, DELETE or UPDATE, with _REPLACE where it replaces."""

    path: str
    root: str
    kind: str

    @property
    def replaces(self) -> bool:
        return self.kind.endswith("_REPLACE")


def diff(token: str, state: Properties, inputs: Properties, ignored: list[str]) -> list[Change]:
    """Changes from the state's inputs to the new ones, sorted by path.

    Only a change of a replacing property as a whole replaces; one inside of it is an update, which the engine turns
    into a replacement by the SDK's `replace_on_changes`.
    """
    fields = INPUTS[token].fields
    names = {field.name for field in fields}
    replacing = {field.name for field in fields if field.replaces}
    old = {name: value for name, value in state.items() if name in names}
    new = inputs | {name: state[name] for name in ignored if name in state}
    changes = []
    for keys, kind in _object_changes((), old, new):
        path = _text(keys)
        changes.append(Change(path, str(keys[0]), f"{kind}_REPLACE" if path in replacing else kind))
    return sorted(changes, key=lambda change: change.path)


def _object_changes(at: Keys, old: Properties, new: Properties) -> Iterator[tuple[Keys, str]]:
    for key in old.keys() | new.keys():
        yield from _changes((*at, key), old.get(key), new.get(key))


def _changes(at: Keys, old: Value, new: Value) -> Iterator[tuple[Keys, str]]:
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _object_changes(at, old, new)
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            if index >= len(old):
                yield (*at, index), "ADD"
            elif index >= len(new):
                yield (*at, index), "DELETE"
            else:
                yield from _changes((*at, index), old[index], new[index])
    elif not same(old, new):
        yield at, "ADD" if old is None else "DELETE" if new is None else "UPDATE"


def same(old: Value, new: Value) -> bool:
    """Deep equality; null is absent, a secret never equals the same value in clear, assets compare by content."""
    if isinstance(old, dict) and isinstance(new, dict):
        return all(same(old.get(key), new.get(key)) for key in old.keys() | new.keys())
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(same(*pair) for pair in zip(old, new, strict=True))
    if isinstance(old, Secret) and isinstance(new, Secret):
        return same(old.value, new.value)
    if isinstance(old, Asset) and isinstance(new, Asset):
        return bool(content_hash(old)) and content_hash(old) == content_hash(new)
    if isinstance(old, Archive) and isinstance(new, Archive):
        return old.hash == new.hash if old.hash and new.hash else old == new
    return type(old) is type(new) and old == new


def content_hash(asset: Asset) -> str:
    """SHA-256 of the content, as recorded or read now; empty where it cannot be read."""
    if asset.hash:
        return asset.hash
    if asset.is_text:
        return hashlib.sha256(asset.text.encode()).hexdigest()
    try:
        return hashlib.sha256(Path(asset.path).read_bytes()).hexdigest() if asset.path else ""
    except OSError:
        return ""


def _text(keys: Keys) -> str:
    """A property path: `triggers[1].x`, `environment["A-B"]`."""
    parts = []
    for position, key in enumerate(keys):
        if isinstance(key, int):
            parts.append(f"[{key}]")
        elif not _PLAIN_KEY.fullmatch(key):
            quoted = key.replace('"', '\\"')
            parts.append(f'["{quoted}"]')
        else:
            parts.append(f".{key}" if position else key)
    return "".join(parts)
