"""The resource types of the plugin: their schemas and what is done on the daemon."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from toolchain.plugins.docker.configuration import RegistryAuth
from toolchain.plugins.docker.schema.attribute import Resource
from toolchain.plugins.docker.schema.container import CONTAINER
from toolchain.plugins.docker.schema.network import NETWORK
from toolchain.plugins.docker.schema.remote_image import REMOTE_IMAGE
from toolchain.plugins.docker.schema.volume import VOLUME

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """The daemon an operation works on."""

    client: Any
    registries: tuple[RegistryAuth, ...]


@dataclass(frozen=True)
class ResourceType:
    """A schema with its operations; those are imported when they are first used.

    `create` returns the id of what exists from then on; `finish` completes it
    and returns what only it knows; `read` returns None when nothing is there.
    """

    schema: Resource
    create: Callable[[Target, Values], str]
    read: Callable[[Target, str, Values], dict[str, Any] | None]
    delete: Callable[[Target, str, Values], None]
    finish: Callable[[Target, str, Values], dict[str, Any]] | None = None
    update: Callable[[Target, str, Values, Values], dict[str, Any]] | None = None


def _create_container(target: Target, values: Values) -> str:
    from toolchain.plugins.docker.operations import container

    return container.create(target.client, values, target.registries)


def _start_container(target: Target, container_id: str, values: Values) -> dict[str, Any]:
    from toolchain.plugins.docker.operations import container

    return container.start(target.client, container_id, values)


def _read_container(target: Target, container_id: str, values: Values) -> dict[str, Any] | None:
    from toolchain.plugins.docker.operations import container_state

    return container_state.read(target.client, container_id, values)


def _update_container(target: Target, container_id: str, before: Values, values: Values) -> dict[str, Any]:
    from toolchain.plugins.docker.operations import container

    container.update(target.client, container_id, before, values)
    return {}


def _delete_container(target: Target, container_id: str, values: Values) -> None:
    from toolchain.plugins.docker.operations import container

    container.delete(target.client, container_id, values)


def _create_image(target: Target, values: Values) -> str:
    from toolchain.plugins.docker.operations import image

    return image.create(target.client, values, target.registries)


def _read_image(target: Target, _image_id: str, values: Values) -> dict[str, Any] | None:
    from toolchain.plugins.docker.operations import image

    return image.read(target.client, values)


def _update_image(target: Target, _image_id: str, _before: Values, values: Values) -> dict[str, Any]:
    from toolchain.plugins.docker.operations import image

    image.create(target.client, values, target.registries)
    return image.read(target.client, values) or {}


def _delete_image(target: Target, _image_id: str, values: Values) -> None:
    from toolchain.plugins.docker.operations import image

    image.delete(target.client, values)


def _create_volume(target: Target, values: Values) -> str:
    from toolchain.plugins.docker.operations import volume

    return volume.create(target.client, values)


def _read_volume(target: Target, volume_id: str, _values: Values) -> dict[str, Any] | None:
    from toolchain.plugins.docker.operations import volume

    return volume.read(target.client, volume_id)


def _delete_volume(target: Target, volume_id: str, _values: Values) -> None:
    from toolchain.plugins.docker.operations import volume

    volume.delete(target.client, volume_id)


def _create_network(target: Target, values: Values) -> str:
    from toolchain.plugins.docker.operations import network

    return network.create(target.client, values)


def _read_network(target: Target, network_id: str, _values: Values) -> dict[str, Any] | None:
    from toolchain.plugins.docker.operations import network

    return network.read(target.client, network_id)


def _delete_network(target: Target, network_id: str, _values: Values) -> None:
    from toolchain.plugins.docker.operations import network

    network.delete(target.client, network_id)


RESOURCE_TYPES: dict[str, ResourceType] = {
    kind.schema.token: kind
    for kind in (
        ResourceType(
            CONTAINER,
            _create_container,
            _read_container,
            _delete_container,
            finish=_start_container,
            update=_update_container,
        ),
        ResourceType(REMOTE_IMAGE, _create_image, _read_image, _delete_image, update=_update_image),
        ResourceType(VOLUME, _create_volume, _read_volume, _delete_volume),
        ResourceType(NETWORK, _create_network, _read_network, _delete_network),
    )
}
