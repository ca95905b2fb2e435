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
from toolchain.plugins.docker.bridge.nulls import refuse_nulls, restore_nulls
from toolchain.plugins.docker.bridge.ports import same_ports
from toolchain.plugins.docker.bridge.proposal import proposed_state
from toolchain.plugins.docker.bridge.set_identity import zero_filled
from toolchain.plugins.docker.bridge.state import typed_object
from toolchain.plugins.docker.bridge.values import contains_unknown
from toolchain.plugins.docker.bridge.walk import Context, Walk, planned_value
from toolchain.plugins.docker.schema.attribute import Block


@dataclass
class Plan:
    """The prior and the planned state and what the step from one to the other means."""

    prior: dict[str, Any]
    planned: dict[str, Any]
    requires_replacement: bool = False

    @property
    def changes(self) -> bool:
        return self.prior != self.planned or contains_unknown(self.planned)


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
    if state:  # What is about to be created has nothing yet, not even empty lists.
        prior = _with_empty(block, prior)
    proposed = proposed_state(block, prior, _without_empty(block, typed_object(block, config)))
    refuse_nulls(block, proposed)
    walk = Walk()
    planned: dict[str, Any] = {}
    for name, attribute in block.items():
        context = Context(Walk() if name in ignored else walk)
        suppressed = name == "ports" and same_ports(prior[name], proposed[name])
        if suppressed:
            context = Context(Walk())
        old = zero_filled(attribute, prior[name])
        value = planned_value(attribute, old, proposed[name], context)
        planned[name] = old if suppressed or name in ignored else value
    if not walk.differs:
        return Plan(prior, prior)
    planned = {name: restore_nulls(attribute, planned[name], proposed[name]) for name, attribute in block.items()}
    if equivalent(prior, planned):
        return Plan(prior, prior, walk.replaces)
    return Plan(prior, planned, walk.replaces)


def _with_empty(block: Block, state: dict[str, Any]) -> dict[str, Any]:
    """Take missing objects that could be given as none, so that they are not left to the provider again."""
    return {
        name: [] if value is None and block[name].block is not None and block[name].is_input else value
        for name, value in state.items()
    }


def _without_empty(block: Block, config: dict[str, Any]) -> dict[str, Any]:
    """Take empty lists of computed objects as not given, as Terraform does."""
    return {
        name: None if value == [] and block[name].block is not None and block[name].computed else value
        for name, value in config.items()
    }
