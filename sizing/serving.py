"""The plan of one host: every setting with its reason, the budgets it came from, and a digest."""

import hashlib
import json
from collections.abc import Mapping
from typing import Literal

from sizing.outlook import Outlook, Verdict
from sizing.sized import Budget, Frozen, Sized, Value

Device = Literal["cpu", "cuda"]


class InfeasibleError(ValueError):
    """A goal or setting that this host cannot carry: one sentence, and what would be feasible."""


class ServingPlan(Frozen):
    """What the host should run, complete: components take every figure from here.

    `settable` names the values an override may set; the others follow from them.
    """

    host: str
    model: str
    device: Device
    vllm_version: str
    profile: str
    values: Mapping[str, Sized]
    host_ram: Budget
    gpu_memory: Budget | None = None
    vllm_arguments: tuple[str, ...]
    environment: Mapping[str, str]
    outlook: Outlook
    warnings: tuple[str, ...] = ()
    settable: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Value:
        return self.values[name].value

    def integer(self, name: str) -> int:
        """A value that is a whole number; KeyError or TypeError where it is not."""
        value = self.values[name].value
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name} is {value!r}, not a whole number")
        return value

    @property
    def verdict(self) -> Verdict:
        """Whether the goal is met, on its worst axis."""
        return self.outlook.verdict

    @property
    def digest(self) -> str:
        """SHA-256 over the whole plan in canonical JSON: same input, same digest, on any machine."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
