"""The planned state of a resource: what Terraform's SDK makes of state and configuration.

`plan()` merges the recorded state into the configuration where attributes are
computed, walks both by the schema and decides attribute by attribute what the
new state will be, whether anything differs and whether that needs a
replacement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolchain.plugins.docker.bridge.equivalence import equivalent
from toolchain.plugins.docker.bridge.proposal import proposed_state
from toolchain.plugins.docker.bridge.set_identity import element_identity, zero, zero_filled
from toolchain.plugins.docker.bridge.state import is_block_type, sorted_set, typed_object
from toolchain.plugins.docker.bridge.values import UNKNOWN
from toolchain.plugins.docker.errors import OperationError
from toolchain.plugins.docker.schema.attribute import Attribute, Block, Kind


@dataclass
class Plan:
    """The prior and the planned state and what the step from one to the other means."""

    prior: dict[str, Any]
    planned: dict[str, Any]
    requires_replacement: bool = False

    @property
    def changes(self) -> bool:
        return self.prior != self.planned or _contains_unknown(self.planned)


@dataclass
class _Walk:
    """What the walk found so far."""

    differs: bool = False
    replaces: bool = False
    #: Whether something is there afterwards: an element of which all is gone is gone itself.
    keeps: bool = False

    def note(self, *, replaces: bool, keeps: bool = True) -> None:
        self.differs = True
        self.replaces = self.replaces or replaces
        self.keeps = self.keeps or keeps


@dataclass(frozen=True)
class _Context:
    """Where the walk is: in a changed set every attribute counts as different."""

    walk: _Walk
    all_differ: bool = False
    #: An element that is no longer in its set gets no defaults either.
    gone: bool = False


def plan(
    block: Block,
    state: Mapping[str, Any],
    config: Mapping[str, Any],
    ignored: frozenset[str] = frozenset(),
) -> Plan:
    """Plan the step from `state` to `config`, both under Terraform's names.

    `ignored` names attributes whose changes are dropped.
    """
    prior = typed_object(block, state)
    proposed = proposed_state(block, prior, _without_empty(block, typed_object(block, config)))
    _refuse_nulls(block, proposed)
    walk = _Walk()
    planned: dict[str, Any] = {}
    for name, attribute in block.items():
        context = _Context(_Walk() if name in ignored else walk)
        suppressed = name == "ports" and _same_ports(prior[name], proposed[name])
        if suppressed:
            context = _Context(_Walk())
        old = zero_filled(attribute, prior[name])
        value = _attribute(attribute, old, proposed[name], context)
        planned[name] = old if suppressed or name in ignored else value
    if not walk.differs:
        return Plan(prior, prior)
    planned = {
        name: _restore_nulls(attribute, planned[name], proposed[name]) for name, attribute in block.items()
    }
    if equivalent(prior, planned):
        return Plan(prior, prior, walk.replaces)
    return Plan(prior, planned, walk.replaces)


def _without_empty(block: Block, config: dict[str, Any]) -> dict[str, Any]:
    """Take empty lists of computed objects as not given, as Terraform does."""
    return {
        name: None if value == [] and block[name].block is not None and block[name].computed else value
        for name, value in config.items()
    }


def _refuse_nulls(block: Block, proposed: Mapping[str, Any]) -> None:
    errors = [path for name in block for path in _nulls(block[name], proposed[name], name)]
    if errors:
        listed = "".join(
            f"\t* [{path}] Null value found in list: Null values are not allowed for this attribute value.\n"
            for path in errors
        )
        count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
        raise OperationError(f"{count} occurred:\n{listed}\n")


def _nulls(attribute: Attribute, value: Any, path: str) -> list[str]:
    """The paths of null elements; those inside a set are reported at the set."""
    if not isinstance(value, list):
        return []
    found: list[str] = []
    for index, item in enumerate(value):
        at = path if attribute.kind is Kind.SET else f"{path}[{index}]"
        if item is None:
            found.append(at)
        elif attribute.block is not None and isinstance(item, dict):
            for name, inner in attribute.block.items():
                deeper = _nulls(inner, item.get(name), f"{at}.{name}")
                found += [path] * len(deeper) if attribute.kind is Kind.SET else deeper
    return found


def _attribute(attribute: Attribute, old: Any, new: Any, context: _Context) -> Any:
    if attribute.kind is Kind.LIST:
        return _list(attribute, old, new, context)
    if attribute.kind is Kind.SET:
        return _set(attribute, old, new, context)
    if attribute.kind is Kind.MAP:
        return _map(attribute, old, new, context)
    return _scalar(attribute, attribute.kind, old, new, context, force_new=attribute.force_new)


def _scalar(
    attribute: Attribute, kind: Kind, old: Any, new: Any, context: _Context, *, force_new: bool
) -> Any:
    is_attribute = kind is attribute.kind
    if new is None and is_attribute and not context.gone:
        new = attribute.default
    if new is UNKNOWN:
        context.walk.note(replaces=force_new)
        return UNKNOWN
    computed = attribute.computed and is_attribute
    removed = old is not None and new is None
    old_text, new_text = _text(old), _text(zero(kind) if removed else new)
    if old_text == new_text and not context.all_differ:
        return old
    if removed and computed:
        return old
    if computed and not removed and not new_text:
        return old if old_text else UNKNOWN
    if (
        attribute.suppress is not None
        and not context.all_differ
        and attribute.suppress(old_text, new_text)
    ):
        return old
    context.walk.note(replaces=force_new and old_text != new_text, keeps=not removed)
    if removed:
        return None
    if new is None:
        return "" if kind is Kind.STRING else None
    return new


def _text(value: Any) -> str:
    if value is None or value is UNKNOWN:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _list(attribute: Attribute, old: Any, new: Any, context: _Context) -> Any:
    if new is UNKNOWN:
        context.walk.note(replaces=attribute.force_new)
        return UNKNOWN
    if old is not None and new is None and attribute.computed:
        return old
    if new is None and not old and attribute.computed:
        context.walk.note(replaces=attribute.force_new)
        return UNKNOWN
    olds, news = old or [], new or []
    if not context.all_differ and new is not None and _same_list(attribute, olds, news):
        return old
    before = _Walk()
    inner = _Context(before, context.all_differ, context.gone)
    planned = []
    for index in range(max(len(olds), len(news))):
        was = olds[index] if index < len(olds) else None
        will = news[index] if index < len(news) else None
        planned.append(_list_element(attribute, was, will, inner))
    if len(olds) != len(news) or context.all_differ:
        before.note(replaces=attribute.force_new and len(olds) != len(news), keeps=bool(news))
    if not before.differs:
        return old
    context.walk.note(replaces=before.replaces, keeps=before.keeps)
    if attribute.block is None and UNKNOWN in planned[: len(news)]:
        return UNKNOWN
    return planned[: len(news)]


def _list_element(attribute: Attribute, old: Any, new: Any, context: _Context) -> Any:
    if attribute.block is None:
        value = _scalar(
            attribute, attribute.scalar_elem, old, new, context, force_new=attribute.force_new
        )
        return "" if value is None else value
    return _object(attribute.block, old or {}, new or {}, context)


def _same_list(attribute: Attribute, olds: list[Any], news: list[Any]) -> bool:
    if attribute.block is None:
        return [_text(item) for item in olds] == news
    if len(olds) != len(news):
        return False
    return all(
        element_identity(attribute, was) == element_identity(attribute, will, defaults=True)
        and not _contains_unknown(will)
        for was, will in zip(olds, news, strict=True)
    )


def _object(block: Block, old: Mapping[str, Any], new: Mapping[str, Any], context: _Context) -> Any:
    return {
        name: _attribute(attribute, old.get(name), new.get(name), context) for name, attribute in block.items()
    }


def _set(attribute: Attribute, old: Any, new: Any, context: _Context) -> Any:
    if new is UNKNOWN:
        if attribute.computed and old:
            return old
        context.walk.note(replaces=attribute.force_new)
        return UNKNOWN
    if old is not None and new is None and attribute.computed:
        return old
    olds = {element_identity(attribute, item): item for item in old or []}
    news = {_new_identity(attribute, item, index): item for index, item in enumerate(new or [])}
    if not context.all_differ and new is not None and olds.keys() == news.keys():
        return old
    if new is None and attribute.computed:
        context.walk.note(replaces=attribute.force_new)
        return UNKNOWN
    if len(olds) != len(news) or context.all_differ:
        context.walk.note(replaces=attribute.force_new and len(olds) != len(news), keeps=bool(news))
    elif not news:
        return old
    gone = [(olds[identity], None) for identity in olds.keys() - news.keys()]
    planned = []
    for was, will in gone + [(olds.get(identity), item) for identity, item in news.items()]:
        element = _Walk()
        value = _set_element(attribute, was, will, _Context(element, True, will is None))
        context.walk.note(replaces=element.replaces, keeps=element.keeps)
        if element.keeps:
            planned.append(value)
    if not planned and news:
        planned = [*old] if old else [_nothing(attribute)]
    if attribute.block is None and UNKNOWN in planned:
        return UNKNOWN
    return sorted_set(attribute, planned)


def _nothing(attribute: Attribute) -> Any:
    """The element of a set of which nothing is given."""
    return typed_object(attribute.block, {}) if attribute.block is not None else None


def _new_identity(attribute: Attribute, item: Any, index: int) -> str:
    identity = element_identity(attribute, item, defaults=True)
    return f"~{index}:{identity}" if _contains_unknown(item) else identity


def _set_element(attribute: Attribute, old: Any, new: Any, context: _Context) -> Any:
    if attribute.block is None:
        return _scalar(
            attribute, attribute.scalar_elem, old, new, context, force_new=attribute.force_new
        )
    return _object(attribute.block, old or {}, new or {}, context)


def _map(attribute: Attribute, old: Any, new: Any, context: _Context) -> Any:
    if new is UNKNOWN or _contains_unknown(new):
        context.walk.note(replaces=attribute.force_new)
        return UNKNOWN
    olds, news = old or {}, new or {}
    if new is None and attribute.computed:
        if old is None:
            context.walk.note(replaces=attribute.force_new)
            return UNKNOWN
        return old
    if attribute.computed:
        news = _computed_entries(olds, news)
    if olds == news and not (context.all_differ and news):
        return old
    context.walk.note(replaces=attribute.force_new and olds != news, keeps=bool(news))
    return news


def _computed_entries(olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
    """In a computed map an empty text means what is there, or what the provider will put there."""
    return {key: value if value != "" else olds.get(key, UNKNOWN) for key, value in news.items()}


def _contains_unknown(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_contains_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(_contains_unknown(item) for item in value)
    return value is UNKNOWN


def _restore_nulls(attribute: Attribute, planned: Any, proposed: Any) -> Any:
    """Undo differences between null and empty that the walk cannot tell apart."""
    if proposed is UNKNOWN:
        return UNKNOWN if planned is None else planned
    if proposed is None or planned is UNKNOWN:
        return planned
    if attribute.kind is Kind.LIST:
        if planned is None:
            return proposed if all(item is UNKNOWN for item in proposed) else None
        if attribute.block is not None and len(planned) == len(proposed):
            block = attribute.block
            return [
                {name: _restore_nulls(block[name], was[name], will[name]) for name in block}
                for was, will in zip(planned, proposed, strict=True)
            ]
    if attribute.kind is Kind.STRING and planned is None and proposed == "":
        return ""
    return planned


def _same_ports(old: Any, new: Any) -> bool:
    """Whether the published ports only changed their order."""
    if not isinstance(old, list) or not isinstance(new, list) or len(old) != len(new) or not old:
        return False
    if _contains_unknown(new):
        return False
    return all(_kept_port(port, new) for port in old)


def _kept_port(port: Mapping[str, Any], news: list[dict[str, Any]]) -> bool:
    def shown(entry: Mapping[str, Any]) -> tuple[Any, Any, Any]:
        return (entry["external"] or 0, entry["ip"] or "", entry["protocol"] or "")

    same_protocol = any(
        other["internal"] == port["internal"] and other["protocol"] == port["protocol"] for other in news
    )
    for other in news:
        if other["internal"] != port["internal"]:
            continue
        if other["protocol"] != port["protocol"]:
            if same_protocol:
                continue
            return False
        return shown(other) == shown(port)
    return False


__all__ = ["Plan", "is_block_type", "plan"]
