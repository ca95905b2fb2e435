"""`GpuHost`: everything one machine needs to serve, in order, each part with this host's own providers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pulumi

from components.access import Triggers, access_to
from components.docker_engine import DockerEngine, DockerEngineArgs, engine_check
from components.host_limits import HostLimits, HostLimitsArgs, limits_check
from components.model_volume import ModelVolume, ModelVolumeArgs, model_check
from components.server_container import ServerDefinition
from components.server_image import ServerImage, ServerImageArgs, image_check
from components.server_terms import ServerTerms
from components.vllm_server import VllmServer, VllmServerArgs, server_check
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

    def engine(self) -> DockerEngineArgs:
        """The engine's share."""
        return DockerEngineArgs(self.docker_floor, self.docker_policy, self.daemon_keys)

    def limits(self) -> HostLimitsArgs:
        """The kernel settings' share."""
        return HostLimitsArgs(self.sysctls)


def checks(name: str, args: GpuHostArgs) -> dict[str, str]:
    """The read-only check of every part of the host `name`, as script texts by the part's name."""
    return {
        f"{name}-limits": limits_check(args.limits()),
        f"{name}-engine": engine_check(args.engine()),
        f"{name}-model": model_check(args.model_volume, args.model_lock),
        f"{name}-image": image_check(args.image_key),
        f"{name}-{SERVICE}": server_check(SERVICE),
    }


class GpuHost(pulumi.ComponentResource):
    """Produces, for one host: its Docker provider, `HostLimits`, `DockerEngine`, `ModelVolume`, `ServerImage`
    and `VllmServer`. `NvidiaRuntime` takes its place between the engine and the server.

    Outputs: `container`, `docker_version`, `serving`.
    """

    container: pulumi.Output[str]
    docker_version: pulumi.Output[str]
    serving: pulumi.Output[str]

    def __init__(
        self, name: str, args: GpuHostArgs, triggers: Triggers, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("gpuhost:index:GpuHost", name, None, opts)
        access = access_to(name, args.ssh, args.folder, self, triggers)
        below = pulumi.ResourceOptions(parent=self)
        limits = HostLimits(f"{name}-limits", args.limits(), access, below)
        engine = DockerEngine(
            f"{name}-engine",
            args.engine(),
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
                definition=_definition(args, image, triggers.by_name.get(f"{name}-{SERVICE}", "")),
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
        repair=repair,
    )
