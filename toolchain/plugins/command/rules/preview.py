"""Which outputs a preview may already tell."""

from __future__ import annotations

from toolchain.plugins.command.protocol.values import NOT_KNOWN, Properties, Unknown, Value, revealed
from toolchain.plugins.command.rules.diff import same


def create_preview(inputs: Properties, outputs: Properties) -> Properties:
    """Outputs that are inputs stay; all others are unknown until the resource exists."""
    return {name: value if same(value, inputs.get(name)) else NOT_KNOWN for name, value in outputs.items()}


def update_preview(state: Properties, inputs: Properties, outputs: Properties) -> Properties:
    """Other outputs are unknown if an input is, or differs from what the state has; an added input does not count."""
    moved = any(_is_unknown(value) for value in inputs.values()) or any(
        name in state and not same(inputs.get(name), state[name]) for name in _input_names(inputs, state, outputs)
    )
    return {
        name: NOT_KNOWN if moved and not same(value, inputs.get(name)) else value for name, value in outputs.items()
    }


def _input_names(inputs: Properties, state: Properties, outputs: Properties) -> set[str]:
    """Names that are inputs now, or were and are gone."""
    return set(inputs) | (set(state) - set(outputs))


def _is_unknown(value: Value) -> bool:
    return isinstance(revealed(value), Unknown)
