"""What a planned attribute is, by the rules of the Terraform SDK, and what it means for the resource."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolchain.plugins.docker.bridge.set_identity import element_identity, zero
from toolchain.plugins.docker.bridge.state import sorted_set, typed_object
from toolchain.plugins.docker.bridge.values import UNKNOWN, contains_unknown
from toolchain.plugins.docker.schema.attribute import Attribute, Block, Kind


@dataclass
class Walk:
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
class Context:
    """Where the walk is: in a changed set every attribute counts as different."""

    walk: Walk
    all_differ: bool = False
    #: An element that is no longer in its set gets no defaults either.
    gone: bool = False


def planned_value(attribute: Attribute, old: Any, new: Any, context: Context) -> Any:
    """The planned value of an attribute; what it means for the resource goes to the walk."""
    if attribute.kind is Kind.LIST:
        return _list(attribute, old, new, context)
    if attribute.kind is Kind.SET:
        return _set(attribute, old, new, context)
    if attribute.kind is Kind.MAP:
        return _map(attribute, old, new, context)
    return _scalar(attribute, attribute.kind, old, new, context, force_new=attribute.force_new)


def _scalar(attribute: Attribute, kind: Kind, old: Any, new: Any, context: Context, *, force_new: bool) -> Any:
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
    if attribute.suppress is not None and not context.all_differ and attribute.suppress(old_text, new_text):
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


def _list(attribute: Attribute, old: Any, new: Any, context: Context) -> Any:
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
    before = Walk()
    inner = Context(before, context.all_differ, context.gone)
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


def _list_element(attribute: Attribute, old: Any, new: Any, context: Context) -> Any:
    if attribute.block is None:
        value = _scalar(attribute, attribute.scalar_elem, old, new, context, force_new=attribute.force_new)
        return "" if value is None else value
    return _object(attribute.block, old or {}, new or {}, context)


def _same_list(attribute: Attribute, olds: list[Any], news: list[Any]) -> bool:
    if attribute.block is None:
        return [_text(item) for item in olds] == news
    if len(olds) != len(news):
        return False
    return all(
        element_identity(attribute, was) == element_identity(attribute, will, defaults=True)
        and not contains_unknown(will)
        for was, will in zip(olds, news, strict=True)
    )


def _object(block: Block, old: Mapping[str, Any], new: Mapping[str, Any], context: Context) -> Any:
    return {name: planned_value(attribute, old.get(name), new.get(name), context) for name, attribute in block.items()}


def _set(attribute: Attribute, old: Any, new: Any, context: Context) -> Any:
    if new is UNKNOWN and not (attribute.computed and old):
        context.walk.note(replaces=attribute.force_new)
        return UNKNOWN
    if old is not None and new in (None, UNKNOWN) and attribute.computed:
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
    planned = _changed_elements(attribute, olds, news, context)
    if not planned and news:
        planned = [*old] if old else [_nothing(attribute)]
    if attribute.block is None and UNKNOWN in planned:
        return UNKNOWN
    return sorted_set(attribute, planned)


def _changed_elements(
    attribute: Attribute, olds: Mapping[str, Any], news: Mapping[str, Any], context: Context
) -> list[Any]:
    """The elements of a changed set; of one that goes, or holds nothing, nothing is left."""
    gone = [(olds[identity], None) for identity in olds.keys() - news.keys()]
    planned = []
    for was, will in gone + [(olds.get(identity), item) for identity, item in news.items()]:
        element = Walk()
        value = _set_element(attribute, was, will, Context(element, True, will is None))
        context.walk.note(replaces=element.replaces, keeps=element.keeps)
        if element.keeps:
            planned.append(value)
    return planned


def _nothing(attribute: Attribute) -> Any:
    """The element of a set of which nothing is given."""
    return typed_object(attribute.block, {}) if attribute.block is not None else None


def _new_identity(attribute: Attribute, item: Any, index: int) -> str:
    identity = element_identity(attribute, item, defaults=True)
    return f"~{index}:{identity}" if contains_unknown(item) else identity


def _set_element(attribute: Attribute, old: Any, new: Any, context: Context) -> Any:
    if attribute.block is None:
        return _scalar(attribute, attribute.scalar_elem, old, new, context, force_new=attribute.force_new)
    return _object(attribute.block, old or {}, new or {}, context)


def _map(attribute: Attribute, old: Any, new: Any, context: Context) -> Any:
    if new is UNKNOWN or contains_unknown(new):
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
