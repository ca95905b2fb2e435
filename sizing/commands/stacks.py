"""A stack file, planned: what `plan` and `explain` start from."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hosts.connection import resolve
from hosts.load import load_stack
from hosts.stack import HostEntry, StackConfig
from sizing.geometry import ModelGeometry, from_path
from sizing.plan import plan
from sizing.serving import InfeasibleError, ServingPlan


@dataclass(frozen=True)
class PlannedStack:
    """A stack with the plan of each of its hosts, by name."""

    stack: StackConfig
    model: ModelGeometry
    plans: Mapping[str, ServingPlan]


def planned(path: Path, host: str | None = None, *, strict: bool = False) -> PlannedStack:
    """Plans all hosts of the file, or the one named.

    Raises ValueError with one sentence where the file, the model or the goal is at fault.
    """
    stack = load_stack(path)
    model = from_path(resolve(path.absolute().parent, stack.model.config_file))
    return PlannedStack(stack, model, {entry.name: _plan(stack, model, entry, strict) for entry in _hosts(stack, host)})


def _hosts(stack: StackConfig, name: str | None) -> list[HostEntry]:
    found = [entry for entry in stack.hosts if name is None or entry.name == name]
    if not found:
        raise ValueError(f"--host {name}: the stack has no such host; it has {', '.join(e.name for e in stack.hosts)}")
    return found


def _plan(stack: StackConfig, model: ModelGeometry, entry: HostEntry, strict: bool) -> ServingPlan:
    try:
        return plan(
            entry.spec(),
            model,
            stack.goal,
            stack.server.vllm_version,
            served_name=stack.model.name,
            port=stack.server.port,
            overrides=stack.server.overrides,
            strict=strict,
        )
    except InfeasibleError as error:
        raise InfeasibleError(f"host '{entry.name}': {error}") from error
