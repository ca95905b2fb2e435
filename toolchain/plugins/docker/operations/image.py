"""Images on a Docker daemon: finding, pulling and removing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import docker.errors
from docker import APIClient

from toolchain.plugins.docker.configuration import RegistryAuth
from toolchain.plugins.docker.errors import OperationError
from toolchain.plugins.docker.operations.api_errors import daemon_text
from toolchain.plugins.docker.operations.registries import login_for

Image = dict[str, Any]


def find_image(client: APIClient, name: str, registries: Sequence[RegistryAuth], platform: str = "") -> Image:
    """The local image of a name, pulled first if there is none; raises OperationError."""
    if not name:
        raise OperationError("empty image name is not allowed")
    image = local_image(client, name)
    if image is None:
        _pull(client, name, registries, platform)
        image = local_image(client, name)
    if image is None:
        raise OperationError(f"unable to find or pull image {name}")
    return image


def local_image(client: APIClient, name: str) -> Image | None:
    """The local image of a name, tag, digest or id."""
    try:
        return dict(client.inspect_image(name))  # type: ignore[no-untyped-call]
    except docker.errors.APIError:
        return None


def _pull(client: APIClient, name: str, registries: Sequence[RegistryAuth], platform: str) -> None:
    repository, tag = _reference(name)
    try:
        # Failures inside the stream show as an image that is still missing.
        for _ in client.pull(
            repository,
            tag=tag,
            stream=True,
            auth_config=login_for(name, registries),
            platform=platform or None,
        ):
            pass
    except docker.errors.APIError as error:
        raise OperationError(
            f"unable to pull image {name}: error pulling image {name}: {daemon_text(error)}"
        ) from error


def _reference(name: str) -> tuple[str, str]:
    """The repository and the tag or digest of an image name."""
    if "@" in name:
        repository, _, digest = name.partition("@")
        last = repository.rpartition("/")[2]
        return (repository.rpartition(":")[0] if ":" in last else repository), digest
    last = name.rpartition("/")[2]
    if ":" in last:
        repository, _, tag = name.rpartition(":")
        return repository, tag
    return name, "latest"


def create(client: APIClient, values: Mapping[str, Any], registries: Sequence[RegistryAuth]) -> str:
    """Pull the image unless it is there; return the id of the resource."""
    if values["build"]:
        raise OperationError("build: building an image is not supported by this plugin; build and push it before")
    name = values["name"]
    try:
        image = find_image(client, name, registries, values["platform"] or "")
    except OperationError as error:
        raise OperationError(f"Unable to read Docker image into resource: {error}") from error
    return str(image["Id"]) + str(name)


def read(client: APIClient, values: Mapping[str, Any]) -> dict[str, Any] | None:
    """The attributes of the image as the daemon has it; None when it is gone."""
    name = values["name"]
    image = local_image(client, name)
    if image is None:
        return None
    return {
        "id": str(image["Id"]) + str(name),
        "image_id": image["Id"],
        "repo_digest": _repo_digest(name, image),
    }


def _repo_digest(name: str, image: Image) -> str:
    """The digest under which the repository of `name` has the image; empty for a local image."""
    digests: list[str] = image.get("RepoDigests") or []
    if "@" in name and name in digests:
        return name
    repository = _reference(name)[0]
    shortened = repository.removeprefix("docker.io/").removeprefix("library/")
    for digest in digests:
        if digest.partition("@")[0] in (repository, shortened):
            return digest
    return digests[0] if len(digests) == 1 else ""


def delete(client: APIClient, values: Mapping[str, Any]) -> None:
    """Remove the image, unless it is to be kept."""
    name = values["name"]
    if values["keep_locally"] or local_image(client, name) is None:
        return
    try:
        client.remove_image(name, force=bool(values["force_remove"]))
    except docker.errors.APIError as error:
        raise OperationError(f"Unable to remove Docker image: {daemon_text(error)}") from error
