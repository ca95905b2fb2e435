"""`GpuHost`: everything one machine needs to serve, in order, each part with this host's own providers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pulumi

from components.access import HostAccess, Triggers, access_to
from components.api_key import ApiKeyFile, KeyMount, forget_earlier_keys, key_check
from components.apt_repository import AptRepositoryArgs, repository_check
from components.docker_engine import DockerEngine, DockerEngineArgs, engine_check
from components.host_limits import HostLimits, HostLimitsArgs, limits_check
from components.model_volume import ModelVolume, ModelVolumeArgs, model_check
from components.nvidia_runtime import DAEMON_KEYS, NvidiaRuntime, NvidiaRuntimeArgs, runtime_checks
from components.nvidia_toolkit import NvidiaDriverArgs, NvidiaToolkit, NvidiaToolkitArgs, toolkit_checks
from components.server_container import ServerDefinition
from components.server_image import ServerImage, ServerImageArgs, image_check
from components.server_terms import ServerTerms
from components.stack_secrets import ApiKey
from components.vllm_server import VllmServer, VllmServerArgs, server_check
from hosts.connection import SshConnection
from hosts.lock import ModelLock
from hosts.model_source import ArchiveSource, HubSource
from hosts.nvidia_floors import InjectionPath

SERVICE = "vllm"


@dataclass(frozen=True)
class NvidiaArgs:
    """NVIDIA's software on a host with GPUs, and how they reach the server."""

    driver: NvidiaDriverArgs
    toolkit_version: str
    repository: AptRepositoryArgs
    path: InjectionPath
    docker_needed: str


@dataclass(frozen=True)
class GpuHostArgs:
    """One host, sized: `folder` is the project's, where relative paths start."""

    ssh: SshConnection
    folder: Path
    docker_floor: str
    docker_policy: Literal["assert", "install"]
    docker_packages: tuple[str, ...]
    docker_repository: AptRepositoryArgs | None
    nvidia: NvidiaArgs | None
    limits: HostLimitsArgs
    model_volume: str
    model_lock: ModelLock
    model_directory: Path | None
    model_host_path: str | None
    image: ServerImageArgs
    image_key: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    bind_address: str
    port: int
    terms: ServerTerms
    health_deadline_s: int
    health_start_period_s: int
    stop_grace_s: int
    model_download: HubSource | ArchiveSource | None = None
    hub_token: str | None = field(default=None, repr=False)
    api_key: ApiKey | None = None

    @property
    def key(self) -> KeyMount | None:
        """The API key's file; None where clients need no key."""
        return None if self.api_key is None else KeyMount(SERVICE, self.api_key.fingerprint)

    @property
    def daemon_keys(self) -> Mapping[str, object]:
        """What daemon.json needs for this host beside what every host needs."""
        return {} if self.nvidia is None else DAEMON_KEYS

    def engine(self, after: Sequence[pulumi.Resource] = ()) -> DockerEngineArgs:
        """The engine's share."""
        return DockerEngineArgs(
            floor=self.docker_floor,
            policy=self.docker_policy,
            keys=self.daemon_keys,
            packages=self.docker_packages,
            repository=self.docker_repository,
            after=after,
        )

    def toolkit(self, after: Sequence[pulumi.Resource] = ()) -> NvidiaToolkitArgs | None:
        """NVIDIA's driver and toolkit's share; None on a host without a GPU."""
        nvidia = self.nvidia
        if nvidia is None:
            return None
        return NvidiaToolkitArgs(nvidia.driver, nvidia.toolkit_version, nvidia.repository, after)


def checks(name: str, args: GpuHostArgs) -> dict[str, str]:
    """The read-only check of every part of the host `name`, as script texts by the part's name."""
    toolkit = args.toolkit()
    gpus = {} if toolkit is None else toolkit_checks(f"{name}-nvidia", toolkit) | runtime_checks(f"{name}-gpus")
    docker = args.docker_repository
    repository = {} if docker is None else {f"{name}-engine-repository": repository_check(docker)}
    key = args.key
    keys = {} if key is None else {f"{name}-key": key_check(key, args.terms.user)}
    return {
        **gpus,
        **repository,
        **keys,
        f"{name}-limits": limits_check(args.limits),
        f"{name}-engine": engine_check(args.engine()),
        f"{name}-model": model_check(args.model_volume, args.model_lock),
        f"{name}-image": image_check(args.image_key),
        f"{name}-{SERVICE}": server_check(SERVICE),
    }


class GpuHost(pulumi.ComponentResource):
    """Produces, for one host and in this order: its Docker provider, `HostLimits`, `NvidiaToolkit` (driver and
    packages), `DockerEngine` (daemon.json with everybody's keys, one restart), `NvidiaRuntime` (CDI and a smoke
    test), `ModelVolume`, `ServerImage`, `ApiKeyFile` and `VllmServer`. A host without a GPU has neither of NVIDIA's
    two, a stack without a key no `ApiKeyFile`.

    Outputs: `container`, `docker_version`, `serving`, `gpus` (the UUIDs a container saw; empty without a GPU).
    """

    container: pulumi.Output[str]
    docker_version: pulumi.Output[str]
    gpus: pulumi.Output[str]
    serving: pulumi.Output[str]

    def __init__(
        self, name: str, args: GpuHostArgs, triggers: Triggers, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("gpuhost:index:GpuHost", name, None, opts)
        access = access_to(name, args.ssh, args.folder, self, triggers)
        below = pulumi.ResourceOptions(parent=self)
        limits = HostLimits(f"{name}-limits", args.limits, access, below)
        wished = args.toolkit([limits.ready])
        toolkit = None if wished is None else NvidiaToolkit(f"{name}-nvidia", wished, access, below)
        engine = DockerEngine(
            f"{name}-engine",
            args.engine([limits.ready] if toolkit is None else [toolkit.ready]),
            access,
            below,
        )
        runtime = _runtime(name, args, access, toolkit, engine, below)
        usable = engine.ready if runtime is None else runtime.ready
        model = ModelVolume(
            f"{name}-model",
            ModelVolumeArgs(
                volume=args.model_volume,
                lock=args.model_lock,
                directory=args.model_directory,
                host_path=args.model_host_path,
                download=args.model_download,
                hub_token=args.hub_token,
                after=[usable],
            ),
            access,
            below,
        )
        image = ServerImage(f"{name}-image", args.image, access, [usable], below)
        key = _key_file(name, args, access, limits, below)
        server = VllmServer(
            f"{name}-{SERVICE}",
            VllmServerArgs(
                definition=_definition(args, image, triggers.by_name.get(f"{name}-{SERVICE}", "")),
                health_deadline_s=args.health_deadline_s,
                after=[limits.ready, model.ready, image.ready, *key],
            ),
            access,
            below,
        )
        if args.key is not None:
            forget_earlier_keys(f"{name}-key-settled", args.key, access, self, [server.ready])
        self.container, self.serving, self.docker_version = server.container, server.serving, engine.version
        self.gpus = pulumi.Output.from_input("") if runtime is None else runtime.gpus
        self.register_outputs(
            {
                "container": self.container,
                "serving": self.serving,
                "docker_version": self.docker_version,
                "gpus": self.gpus,
            }
        )


def _key_file(
    name: str, args: GpuHostArgs, access: HostAccess, limits: HostLimits, below: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    if args.api_key is None or args.key is None:
        return []
    return [ApiKeyFile(f"{name}-key", args.key, args.api_key, args.terms.user, access, [limits.ready], below).ready]


def _runtime(
    name: str,
    args: GpuHostArgs,
    access: HostAccess,
    toolkit: NvidiaToolkit | None,
    engine: DockerEngine,
    below: pulumi.ResourceOptions,
) -> NvidiaRuntime | None:
    nvidia = args.nvidia
    if nvidia is None or toolkit is None:
        return None
    return NvidiaRuntime(
        f"{name}-gpus",
        NvidiaRuntimeArgs(
            path=nvidia.path,
            docker_needed=nvidia.docker_needed,
            stamps=[toolkit.driver_version, toolkit.toolkit_version, engine.version],
            after=[engine.ready],
        ),
        access,
        below,
    )


def _definition(args: GpuHostArgs, image: ServerImage, repair: str) -> ServerDefinition:
    return ServerDefinition(
        service=SERVICE,
        image=image.image,
        image_key=args.image_key,
        model_volume=args.model_volume,
        model_digest=args.model_lock.digest,
        cache_volume=f"gpuhost-{SERVICE}-cache",
        arguments=args.arguments,
        environment=args.environment,
        bind_address=args.bind_address,
        port=args.port,
        terms=args.terms,
        health_start_period_s=args.health_start_period_s,
        stop_grace_s=args.stop_grace_s,
        key=args.key,
        repair=repair,
    )
