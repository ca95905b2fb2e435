"""The hardware of one host, as its owner writes it down.

Sizes are what the machine reports, in GiB (2**30 bytes): `memory_gib` of a GPU is what
`nvidia-smi --query-gpu=memory.total` says divided by 1024, not the number on the box.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

GIB = 1 << 30

_HOST_NAME = re.compile(r"^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$")
_CAPABILITY = re.compile(r"^\d{1,2}\.\d$")


class Spec(BaseModel):
    """Base of every model here: immutable, and an unknown key is an error, not a shrug."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _host_name(value: str) -> str:
    if not _HOST_NAME.match(value):
        raise ValueError("must be a lower-case DNS label of at most 32 characters, for example 'gpu-1'")
    return value


def _compute_capability(value: str) -> str:
    if not _CAPABILITY.match(value):
        raise ValueError("must be MAJOR.MINOR in quotes, for example '8.6' (A10G), '8.9' (L4) or '9.0' (H100)")
    return value


def _number_as_text(value: object) -> object:
    """YAML reads an unquoted 8.6 as a number; there is only one thing it can mean."""
    return f"{value:.1f}" if isinstance(value, float) else value


# Strict numbers: YAML's `true` is not 1 and "8" is not 8.
Integer = Annotated[int, Field(strict=True)]
Number = Annotated[float, Field(strict=True)]
HostName = Annotated[str, AfterValidator(_host_name)]
ComputeCapability = Annotated[str, BeforeValidator(_number_as_text), AfterValidator(_compute_capability)]


class GpuSpec(Spec):
    """The GPUs of a host: `count` equal devices (vLLM shards a model over equal devices only)."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    memory_gib: Annotated[Number, Field(ge=4, le=2048)]
    compute_capability: ComputeCapability
    count: Annotated[Integer, Field(ge=1, le=16)] = 1

    @property
    def memory_bytes(self) -> int:
        """Bytes one device reports as its total."""
        return int(self.memory_gib * GIB)

    @property
    def capability(self) -> tuple[int, int]:
        """Compute capability as (major, minor)."""
        major, minor = self.compute_capability.split(".")
        return int(major), int(minor)


class LimitCeilings(Spec):
    """The highest resource limits the host can grant a container; None means no ceiling.

    A real host grants anything. A host that is itself a container may not.
    """

    nofile: Annotated[Integer, Field(ge=1024, le=1 << 30)] | None = None
    memlock_kib: Annotated[Integer, Field(ge=64, le=1 << 40)] | None = None
    stack_kib: Annotated[Integer, Field(ge=1024, le=1 << 30)] | None = None


class HostSpec(Spec):
    """What sizing needs to know of a host."""

    name: HostName
    cpus: Annotated[Integer, Field(ge=1, le=1024, description="logical CPUs, as `nproc` says")]
    memory_gib: Annotated[Number, Field(ge=2, le=16384, description="RAM, as /proc/meminfo's MemTotal says")]
    gpu: GpuSpec | None = None
    limits: LimitCeilings = LimitCeilings()

    @property
    def memory_bytes(self) -> int:
        """RAM in bytes."""
        return int(self.memory_gib * GIB)
