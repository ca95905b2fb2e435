"""What all resources have in common."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Protocol

from toolchain.plugins.command.local.run import Processes
from toolchain.plugins.command.protocol.engine_log import ResourceLog
from toolchain.plugins.command.protocol.values import Properties, Value
from toolchain.plugins.command.ssh.pools import SharedPool

Plain = dict[str, Any]


@dataclass(frozen=True)
class Services:
    """What resources run on: processes here, connections to hosts."""

    processes: Processes
    pool: SharedPool


class Resource(Protocol):
    """One resource type. Blocking; `inputs` and `state` keep their secrets, `plain` forms are for running."""

    def new_id(self, name: str, *, preview: bool) -> str:
        """The id of a new resource."""

    def initial(self) -> Properties:
        """The outputs of a resource that has run nothing yet."""

    def create(self, inputs: Plain, log: ResourceLog) -> Properties:
        """Creates it and returns the outputs that are no inputs."""

    def update(self, state: Plain, inputs: Plain, log: ResourceLog) -> Properties:
        """Updates it and returns the outputs that are no inputs."""

    def delete(self, state: Plain, log: ResourceLog) -> None:
        """Deletes it."""


def unique_id(prefix: str) -> str:
    """The prefix and eight random hexadecimal digits."""
    return prefix + secrets.token_hex(4)


def previous_output(inputs: Plain, state: Plain) -> dict[str, str]:
    """The last run's output as environment variables, unless it is empty or unwanted."""
    if inputs.get("addPreviousOutputInEnv") is False:
        return {}
    names = {"PULUMI_COMMAND_STDOUT": state.get("stdout"), "PULUMI_COMMAND_STDERR": state.get("stderr")}
    return {name: value for name, value in names.items() if value}


def kept_outputs(state: Plain, *names: str) -> Properties:
    """Outputs of an earlier run that stay as they are."""
    kept: Properties = {}
    for name in names:
        value: Value = state.get(name)
        if value is not None:
            kept[name] = value
    return kept
