"""A stack's configuration: intentions only - hosts, model, goal, server. Sizing derives the rest."""

import re
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, PlainValidator, model_validator

from hosts.catalogue import shape_named
from hosts.connection import Address, Port, SshConnection, is_ip_address
from hosts.kernel import KernelEntry
from hosts.model_source import ArchiveSource, HubSource
from hosts.runtime import DockerEntry, NvidiaEntry
from hosts.spec import GpuSpec, HostName, HostSpec, Integer, LimitCeilings, Number, Spec

_VERSION = re.compile(r"^\d+\.\d+\.\d+$")
_DIGEST = re.compile(r"^sha256:[0-9a-f]{64}$")
_REFERENCE = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._/:-]*?)(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@(?P<digest>.+))?$")
_SERVED_NAME = re.compile(r"^[A-Za-z0-9]([A-Za-z0-9._/-]{0,94}[A-Za-z0-9])?$")


def _version(value: str) -> str:
    if not _VERSION.match(value):
        raise ValueError("must be a vLLM release such as '0.32.0'; a moving name like 'latest' cannot be planned for")
    return value


def _served_name(value: str) -> str:
    if not _SERVED_NAME.match(value):
        raise ValueError("must be letters, digits, '.', '_', '-' and '/', at most 96 characters")
    return value


def _reference(value: str) -> str:
    match = _REFERENCE.match(value)
    if match is None:
        raise ValueError("must be an image reference such as 'vllm/vllm-openai:v0.32.0@sha256:…'")
    if match["tag"] == "latest" or (match["tag"] is None and match["digest"] is None):
        raise ValueError("must name a release and its digest, 'vllm/vllm-openai:v0.32.0@sha256:…'; 'latest' moves")
    if match["digest"] is not None and not _DIGEST.match(match["digest"]):
        raise ValueError("has a digest that is not 'sha256:' and 64 hexadecimal digits")
    return value


def _ip(value: str) -> str:
    if not is_ip_address(value):
        raise ValueError("must be an IP address of the host; 0.0.0.0 publishes on every interface")
    return value


def _absolute(value: Path) -> Path:
    if not value.is_absolute():
        raise ValueError("must be an absolute path: it lies on the host")
    return value


def _shape(value: str) -> str:
    return shape_named(value).name


class HostEntry(Spec):
    """One machine of the stack: its way in, its shape, and where its endpoint listens."""

    name: HostName
    ssh: SshConnection
    shape: Annotated[str, AfterValidator(_shape)] | None = None
    cpus: Annotated[Integer, Field(ge=1, le=1024)] | None = None
    memory_gib: Annotated[Number, Field(ge=2, le=16384)] | None = None
    gpu: GpuSpec | None = None
    limits: LimitCeilings | None = None
    bind_address: Annotated[str, AfterValidator(_ip)] = "127.0.0.1"
    endpoint_address: Address | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        self.spec()
        return self

    def spec(self) -> HostSpec:
        """The hardware: the shape's figures, each overridden by what stands beside it."""
        base: dict[str, object] = {}
        if self.shape is not None:
            base = dict(shape_named(self.shape).hardware())
        own = {
            key: value for key in ("cpus", "memory_gib", "gpu", "limits") if (value := getattr(self, key)) is not None
        }
        merged = base | own
        missing = [key for key in ("cpus", "memory_gib") if key not in merged]
        if missing:
            raise ValueError(f"needs a shape from hosts/catalogue, or {' and '.join(missing)} of its own")
        return HostSpec.model_validate({"name": self.name} | merged)


class ModelEntry(Spec):
    """The model: what it is called, where its files come from, and the lock that proves them."""

    name: Annotated[str, AfterValidator(_served_name)]
    hub: HubSource | None = None
    archive: ArchiveSource | None = None
    directory: Path | None = None
    host_path: Annotated[Path, AfterValidator(_absolute)] | None = None
    lock: Path | None = None
    config: Path | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [key for key in ("hub", "archive", "directory", "host_path") if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError(
                "needs exactly one source: hub or archive (fetched by the host), directory (on this machine) or "
                f"host_path (already on the host); found {' and '.join(given) or 'none'}"
            )
        if self.config is None and self.directory is None:
            raise ValueError(
                "needs config, the path of the checkpoint's config.json: sizing reads the model's shape there"
            )
        return self

    @property
    def lock_file(self) -> Path:
        """The lock: given, or beside the directory, or beside the config.json."""
        if self.lock is not None:
            return self.lock
        if self.directory is not None:
            return self.directory.with_name(self.directory.name + ".lock.json")
        assert self.config is not None  # noqa: S101 - _one_source holds
        return self.config.with_suffix(".lock.json")

    @property
    def config_file(self) -> Path:
        """The checkpoint's config.json on this machine."""
        if self.config is not None:
            return self.config
        assert self.directory is not None  # noqa: S101 - _one_source holds
        return self.directory / "config.json"


class Profile(StrEnum):
    """Which of the feasible plans is preferred."""

    BASIC = "basic"
    FULL = "full"
    LATENCY = "latency"
    THROUGHPUT = "throughput"


class Goal(Spec):
    """What the service must do. Everything but the context and the parallelism is optional.

    `strict` refuses a goal that the arithmetic says cannot be met; otherwise the preview warns.
    """

    context_tokens: Annotated[Integer, Field(ge=16, le=16_777_216)]
    parallel_requests: Annotated[Integer, Field(ge=1, le=100_000)] = 1
    requests_per_second: Annotated[Number, Field(gt=0, le=100_000)] | None = None
    ttft_s: Annotated[Number, Field(gt=0, le=3600)] | None = None
    latency_s: Annotated[Number, Field(gt=0, le=86_400)] | None = None
    prompt_tokens: Annotated[Integer, Field(ge=1)] | None = None
    output_tokens: Annotated[Integer, Field(ge=1)] | None = None
    shared_prefix_tokens: Annotated[Integer, Field(ge=0)] = 0
    profile: Profile = Profile.BASIC
    strict: bool = False

    @model_validator(mode="after")
    def _lengths_fit(self) -> Self:
        used = (self.prompt_tokens or 0) + (self.output_tokens or 0)
        if used > self.context_tokens:
            raise ValueError(f"prompt_tokens + output_tokens = {used} exceed context_tokens {self.context_tokens}")
        if self.shared_prefix_tokens > (self.prompt_tokens or self.context_tokens):
            raise ValueError(f"shared_prefix_tokens {self.shared_prefix_tokens} exceed the prompt they begin")
        return self


class ImageSource(Spec):
    """The server's image: a reference with its digest, or an archive carried over with its lock."""

    reference: Annotated[str, AfterValidator(_reference)] | None = None
    archive: Path | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.reference is None) == (self.archive is None):
            raise ValueError("needs exactly one of reference (pulled by the host) and archive (carried to it)")
        return self

    @property
    def pinned(self) -> bool:
        """Whether the bits are fixed: an archive always is, a reference by its digest."""
        return self.archive is not None or "@sha256:" in (self.reference or "")


def _scalar(value: object) -> bool | int | float | str:
    if not isinstance(value, bool | int | float | str):
        raise ValueError("must be one number, word or true/false")
    return value


Scalar = Annotated[bool | int | float | str, PlainValidator(_scalar)]


class ServerEntry(Spec):
    """The vLLM release and its image; `overrides` names derived values that you set yourself."""

    vllm_version: Annotated[str, AfterValidator(_version)]
    image: ImageSource
    port: Port = 8000
    overrides: dict[str, Scalar] = Field(default_factory=dict)


class StackConfig(Spec):
    """The whole of `Pulumi.<stack>.yaml`'s gpuhost section."""

    hosts: Annotated[tuple[HostEntry, ...], Field(min_length=1, max_length=10_000)]
    model: ModelEntry
    goal: Goal
    server: ServerEntry
    docker: DockerEntry = DockerEntry()
    nvidia: NvidiaEntry = NvidiaEntry()
    kernel: KernelEntry = KernelEntry()

    @model_validator(mode="after")
    def _gpus_reach_containers(self) -> Self:
        self.nvidia.path_on(self.docker.floor_for(gpu=True))
        return self

    @model_validator(mode="after")
    def _hosts_differ(self) -> Self:
        for what, values in (
            ("name", [host.name for host in self.hosts]),
            ("SSH address and port", [f"{host.ssh.address}:{host.ssh.port}" for host in self.hosts]),
        ):
            twice = sorted(value for value, count in Counter(values).items() if count > 1)
            if twice:
                raise ValueError(f"hosts: the {what} '{twice[0]}' appears twice; every host needs its own")
        return self
