"""The container of a vLLM server: its definition in full, and the digest that is its name."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from components.api_key import CONTAINER_FOLDER, KeyMount
from components.server_terms import ServerTerms, device_requests, healthcheck
from sizing.container import CACHE_FOLDER

MODEL_FOLDER = "/models"


@dataclass(frozen=True)
class ServerDefinition:
    """Everything that makes a server: nothing here is derived, sizing has done that.

    `image_key` names the image's bits (image ID or pinned reference) where `image` itself is known only
    once it is on the host. `model_digest` is the lock's.
    """

    service: str
    image: pulumi.Input[str]
    image_key: str
    model_volume: str
    model_digest: str
    cache_volume: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    bind_address: str
    port: int
    terms: ServerTerms
    health_start_period_s: int
    stop_grace_s: int
    key: KeyMount | None = None  # without one, nobody is asked for a key
    repair: str = ""  # what has to be put right: a repaired container is a new one, reached the same safe way

    @property
    def digest(self) -> str:
        """SHA-256 over the definition; the same on every machine, different for any different container."""
        content = [self.model_digest, self.repair, _plain(_container(self, self.image_key))]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @property
    def container_name(self) -> str:
        """`<service>-<digest8>`, the physical name on the host."""
        return f"{self.service}-{self.digest[:8]}"


def container_args(definition: ServerDefinition) -> docker.ContainerArgs:
    """The definition as the Docker provider takes it, named and labelled by its digest."""
    args = _container(definition, definition.image)
    args.name = definition.container_name
    args.labels = [
        docker.ContainerLabelArgs(label="gpuhost.service", value=definition.service),
        docker.ContainerLabelArgs(label="gpuhost.digest", value=definition.digest),
    ]
    return args


def _container(definition: ServerDefinition, image: pulumi.Input[str]) -> docker.ContainerArgs:
    terms = definition.terms
    return docker.ContainerArgs(
        image=image,
        entrypoints=None if definition.key is None else definition.key.entrypoint,
        command=[MODEL_FOLDER, *definition.arguments],
        envs=[f"{key}={value}" for key, value in sorted({**definition.environment, **terms.gpu_environment}.items())],
        user=terms.user,
        # Private IPC: under the host's, the shared-memory size would be recorded and ignored.
        ipc_mode="private",
        shm_size=terms.shm_mib,
        memory=terms.memory_mib,
        memory_swap=terms.memory_swap_mib,
        cpus=terms.cpus,
        ulimits=[
            docker.ContainerUlimitArgs(name=limit.name, soft=limit.soft, hard=limit.hard) for limit in terms.ulimits
        ],
        device_requests=device_requests(terms),
        # Said for CDI too: under a daemon whose default is the nvidia runtime, the image's own variables
        # would bring in every GPU.
        runtime={"runtime": "nvidia", "cdi": "runc", None: None}[terms.gpu_path],
        init=True,
        read_only=True,
        tmpfs=dict(terms.tmpfs),
        capabilities=docker.ContainerCapabilitiesArgs(drops=["ALL"]),
        security_opts=["no-new-privileges:true"],
        network_mode="bridge",
        ports=[
            docker.ContainerPortArgs(
                internal=definition.port,
                external=definition.port,
                ip=definition.bind_address,
                protocol="tcp",
            )
        ],
        volumes=[
            docker.ContainerVolumeArgs(
                volume_name=definition.model_volume, container_path=MODEL_FOLDER, read_only=True
            ),
            docker.ContainerVolumeArgs(volume_name=definition.cache_volume, container_path=CACHE_FOLDER),
            *_key_volume(definition.key),
        ],
        healthcheck=healthcheck(definition.port, definition.health_start_period_s),
        restart="unless-stopped",
        log_driver="json-file",
        log_opts={"max-size": "50m", "max-file": "3"},
        must_run=True,
        stop_timeout=definition.stop_grace_s,
        destroy_grace_seconds=definition.stop_grace_s,
    )


def _key_volume(key: KeyMount | None) -> list[docker.ContainerVolumeArgs]:
    if key is None:
        return []
    return [
        docker.ContainerVolumeArgs(host_path=key.host_folder, container_path=CONTAINER_FOLDER, read_only=True),
    ]


def _plain(value: object) -> object:
    """Nested argument objects as JSON data."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return _plain(vars(value)) if hasattr(value, "__dict__") else value
