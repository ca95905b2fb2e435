"""`python -m sizing explain`: one value, its reason, and everything it was derived from."""

import argparse
import difflib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from sizing.commands.inputs import inputs_of
from sizing.commands.plan_text import value_text
from sizing.commands.stacks import PlannedStack, planned
from sizing.draw.bars import readable
from sizing.serving import ServingPlan
from sizing.sized import Budget, Sized

SET_BY = {"rule": "set by a rule", "you": "set by you", "measured": "measured"}


def explain_main(argv: list[str]) -> int:
    """Exit status 0; ValueError and OSError are the caller's to print."""
    parser = argparse.ArgumentParser(
        prog="python -m sizing explain", description="Tells where one value of a plan comes from."
    )
    parser.add_argument("name", metavar="NAME", help="a value or budget of the plan, for example kv_tokens or host_ram")
    parser.add_argument("stack_file", type=Path, metavar="STACK_FILE")
    parser.add_argument("--host", metavar="HOST", help="one host of the stack; unset: all")
    options = parser.parse_args(argv)
    stack = planned(options.stack_file, options.host)
    for host in stack.plans:
        sys.stdout.write("\n".join(explained(stack, host, options.name)) + "\n")
    return 0


def explained(stack: PlannedStack, host: str, name: str) -> Iterator[str]:
    """The value and, below it and further in, what it follows from. ValueError where there is none of that name."""
    plan = stack.plans[host]
    values = dict(plan.values) | {sized.name: sized for sized in plan.outlook.predicted}
    budgets = budgets_of(plan)
    if name not in values and name not in budgets:
        known = sorted({*values, *budgets})
        near = difflib.get_close_matches(name, known, n=1)
        meant = f"did you mean '{near[0]}'?" if near else f"it has {', '.join(known)}"
        raise ValueError(f"{name}: the plan of '{host}' has no such value; {meant}")
    yield f"{host}: {name}"
    yield from _chain(name, values, budgets, inputs_of(stack, host), 1, set())
    yield f"  {override_of(plan, name, values)}"


def budgets_of(plan: ServingPlan) -> Mapping[str, Budget]:
    """The plan's budgets by the name values refer to them with."""
    found = {"host_ram": plan.host_ram}
    return found if plan.gpu_memory is None else found | {"gpu_memory": plan.gpu_memory}


def override_of(plan: ServingPlan, name: str, values: Mapping[str, Sized]) -> str:
    """What a user may do about the value."""
    if name in plan.settable:
        return f"To set it yourself: server.overrides.{name}: {plan.values[name].value}"
    sources = [source for source in _sources(name, values) if source in plan.settable]
    if sources:
        return f"It follows from others; settable among them: {', '.join(sources)} (under server.overrides)"
    return "It follows from the host, the model and the goal; change those"


def _sources(name: str, values: Mapping[str, Sized]) -> list[str]:
    """All names a value is derived from, directly or not, nearest first."""
    found: dict[str, None] = {}
    queue = list(values[name].derived_from) if name in values else []
    while queue:
        source = queue.pop(0)
        if source not in found:
            found[source] = None
            queue += values[source].derived_from if source in values else ()
    return list(found)


def _chain(
    name: str,
    values: Mapping[str, Sized],
    budgets: Mapping[str, Budget],
    inputs: Mapping[str, str],
    depth: int,
    told: set[str],
) -> Iterator[str]:
    indent = "  " * depth
    if name in told:
        yield f"{indent}{name} (see above)"
        return
    told.add(name)
    if name in budgets:
        budget = budgets[name]
        yield f"{indent}{name}: {readable(budget.total_bytes)}"
        for part in budget.parts:
            if part.size_bytes:
                yield f"{indent}  {part.name} {readable(part.size_bytes)}: {part.reason}"
        return
    if name not in values:
        yield f"{indent}{name}: {inputs[name]}"
        return
    sized = values[name]
    yield f"{indent}{name} = {value_text(sized)} ({SET_BY[sized.set_by]}): {sized.reason}"
    for source in sized.derived_from:
        yield from _chain(source, values, budgets, inputs, depth + 1, told)
