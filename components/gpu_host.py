"""`GpuHost`: everything one machine needs to serve, in order, each part with this host's own providers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pulumi

from components.access import access_to
from components.docker_engine import DockerEngine, DockerEngineArgs
from components.host_limits import HostLimits, HostLimitsArgs
from components.model_volume import ModelVolume, ModelVolumeArgs
from components.server_container import ServerDefinition
from components.server_image import ServerImage, ServerImageArgs
from components.server_terms import ServerTerms
from components.vllm_server import VllmServer, VllmServerArgs
from hosts.connection import SshConnection
from hosts.lock import ModelLock

SERVICE = "vllm"


@dataclass(frozen=True)
class GpuHostArgs:
    """One host, sized: `folder` is the project's, where relative paths start."""

    ssh: SshConnection
    folder: Path
    docker_floor: str
    docker_policy: Literal["assert", "install"]
    sysctls: Mapping[str, str]
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
    daemon_keys: Mapping[str, object] = field(default_factory=dict)


class GpuHost(pulumi.ComponentResource):
    """Produces, for one host: its Docker provider, `HostLimits`, `DockerEngine`, `ModelVolume`, `ServerImage`
    and `VllmServer`. `NvidiaRuntime` takes its place between the engine and the server.

    Outputs: `container`, `docker_version`, `serving`.
    """

    container: pulumi.Output[str]
    docker_version: pulumi.Output[str]
    serving: pulumi.Output[str]

    def __init__(self, name: str, args: GpuHostArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuhost:index:GpuHost", name, None, opts)
        access = access_to(name, args.ssh, args.folder, self)
        below = pulumi.ResourceOptions(parent=self)
        limits = HostLimits(f"{name}-limits", HostLimitsArgs(args.sysctls), access, below)
        engine = DockerEngine(
            f"{name}-engine",
            DockerEngineArgs(args.docker_floor, args.docker_policy, args.daemon_keys),
            access,
            below,
        )
        model = ModelVolume(
            f"{name}-model",
            ModelVolumeArgs(
                volume=args.model_volume,
                lock=args.model_lock,
                directory=args.model_directory,
                host_path=args.model_host_path,
                after=[engine.ready],
            ),
            access,
            below,
        )
        image = ServerImage(f"{name}-image", args.image, access, [engine.ready], below)
        server = VllmServer(
            f"{name}-{SERVICE}",
            VllmServerArgs(
                definition=_definition(args, image),
                health_deadline_s=args.health_deadline_s,
                after=[limits.ready, model.ready, image.ready],
            ),
            access,
            below,
        )
        self.container, self.serving, self.docker_version = server.container, server.serving, engine.version
        self.register_outputs(
            {"container": self.container, "serving": self.serving, "docker_version": self.docker_version}
        )


def _definition(args: GpuHostArgs, image: ServerImage) -> ServerDefinition:
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
    )
