"""What a fault of NVIDIA's half is, as data: how it comes about, what is run, what is said, what is left."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

FOLDER = Path(__file__).parent / "faults"

Step = Literal[
    "repository",
    "toolkit 1.19.1",
    "toolkit 1.20.0",
    "driver",
    "driver install",
    "engine",
    "cdi",
    "cdi runtime",
    "smoke",
]


class Mirror(BaseModel):
    """What is wrong with the repository."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reachable: bool = True
    signed_by: Literal["nvidia", "stranger"] = "nvidia"
    key_of: Literal["nvidia", "stranger"] = "nvidia"
    tampered: str | None = None
    lacking: str | None = None


class Fault(BaseModel):
    """One file of `faults/`.

    `before` and `after` are shell commands on the host that bring the fault about and take it away; `reboot`
    is the host's. Then `run` must end with `status` and say each of `says` and none of `silent_on`, the server
    must still serve (unless `serves` is false), and every line of `holds` is a command that succeeds.
    `repaired_by` is run once the fault is gone, and must succeed. `only_where` is a command that tells whether
    this machine can have the fault at all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    why: str
    only_where: str = ""
    before: str = ""
    reboot: bool = False
    mirror: Mirror = Mirror()
    run: Step
    status: Literal["fails", "succeeds"] = "fails"
    says: Annotated[tuple[str, ...], Field(min_length=1)]
    silent_on: tuple[str, ...] = ()
    serves: bool = True
    holds: tuple[str, ...] = ()
    after: str = ""
    reboot_after: bool = False
    repaired_by: tuple[Step, ...] = ()
    apt_wait_s: int | None = None


def all_faults() -> list[Fault]:
    """Every fault, by its file's name."""
    found = []
    for path in sorted(FOLDER.glob("*.yaml")):
        fault = Fault.model_validate({"name": path.stem, **yaml.safe_load(path.read_text())})
        found.append(fault)
    return found
