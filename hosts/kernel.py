"""Kernel settings that may be asked for beside what the plan needs. None has evidence of a gain with vLLM."""

from typing import Annotated, Literal

from pydantic import Field

from hosts.spec import Integer, Spec


class KernelEntry(Spec):
    """Opt-in settings; what is left out stays as the host has it."""

    swappiness: Annotated[Integer, Field(ge=0, le=200)] | None = None
    overcommit_memory: Annotated[Integer, Field(ge=0, le=2)] | None = None
    transparent_hugepage: Literal["always", "madvise", "never"] | None = None
