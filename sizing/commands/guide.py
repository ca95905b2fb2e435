"""The optimization guide's figures as goals, each judged on the machine it was written for."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hosts.catalogue import shape_named
from hosts.spec import HostSpec
from hosts.stack import Goal
from sizing.geometry import ModelGeometry, from_path
from sizing.outlook import Axis
from sizing.plan import plan
from sizing.serving import ServingPlan

_SIZING = Path(__file__).parents[1]
CLAIMS = _SIZING / "goal" / "data" / "guide.json"
MODEL = _SIZING / "models" / "mistral-7b-instruct-v0.3-awq.json"
SHAPE = "guide-21g-8c-32g"
VLLM_VERSION = "0.32.0"
CONTEXT_TOKENS = 32768
REQUESTS = {"full": (CONTEXT_TOKENS - 256, 256), "test": (1005, 100)}
# 21 GiB, 8 vCPU and 32 GiB fit two common machines; they differ in what they compute and read.
READINGS: Mapping[str, Mapping[str, object]] = {
    "A10G": {"name": "A10G", "memory_gib": 21, "compute_capability": "8.6"},
    "L4": {"name": "L4", "memory_gib": 21, "compute_capability": "8.9"},
}


@dataclass(frozen=True)
class Claim:
    """One figure of the guide, read as a goal."""

    claim: str
    request: str
    axis: str
    asked: float
    parallel: int = 1
    shared: int = 0
    overrides: Mapping[str, Any] = field(default_factory=dict)

    @property
    def goal(self) -> Goal:
        """The goal that states the claim and nothing beside it."""
        prompt, output = REQUESTS[self.request]
        stated: dict[str, Any] = {
            "context_tokens": CONTEXT_TOKENS,
            "parallel_requests": self.parallel,
            "prompt_tokens": prompt,
            "output_tokens": output,
            "shared_prefix_tokens": self.shared,
        }
        whole = self.axis in ("context_tokens", "parallel_requests")
        return Goal.model_validate(stated | {self.axis: int(self.asked) if whole else float(self.asked)})


def claims() -> tuple[Claim, ...]:
    """The guide's figures in its order."""
    rows = json.loads(CLAIMS.read_text(encoding="utf-8"))["claims"]
    return tuple(Claim(**row) for row in rows)


def model() -> ModelGeometry:
    """The model the guide is about."""
    return from_path(MODEL)


def plan_on(reading: str, goal: Goal, overrides: Mapping[str, Any]) -> ServingPlan:
    """The guide's machine with one of the two GPUs it may have."""
    hardware = dict(shape_named(SHAPE).hardware()) | {"gpu": READINGS[reading]}
    host = HostSpec.model_validate({"name": "guide"} | hardware)
    return plan(host, model(), goal, VLLM_VERSION, served_name="mistral-awq", overrides=overrides)


def judged(claim: Claim, reading: str) -> Axis:
    """The claim's own axis."""
    planned = plan_on(reading, claim.goal, claim.overrides)
    return next(axis for axis in planned.outlook.axes if axis.field == f"goal.{claim.axis}")
