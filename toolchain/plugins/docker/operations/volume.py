"""Volumes on a Docker daemon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import docker.errors
from docker import APIClient

from toolchain.plugins.docker.errors import OperationError
from toolchain.plugins.docker.operations.api_errors import daemon_text, failing_with
from toolchain.plugins.docker.operations.labels import label_entries, label_map
from toolchain.plugins.docker.operations.polling import wait_until_removed

#: Kept by the official plugin: a volume in use is waited for this long.
REMOVE_TIMEOUT_SECONDS = 30


def create(client: APIClient, values: Mapping[str, Any]) -> str:
    """Create the volume and return its id."""
    if values["cluster"]:
        raise OperationError("cluster: cluster volumes need a swarm, which this plugin does not support")
    with failing_with("Unable to create volume: "):
        volume = client.create_volume(
            name=values["name"],
            driver=values["driver"] or None,
            driver_opts=values["driver_opts"] or None,
            labels=label_map(values["labels"]) or None,
        )
    return str(volume["Name"])


def read(client: APIClient, volume_id: str) -> dict[str, Any] | None:
    """The attributes of the volume as the daemon has it; None when it is gone."""
    try:
        volume = client.inspect_volume(volume_id)
    except docker.errors.NotFound:
        return None
    except docker.errors.APIError as error:
        raise OperationError(f"Unable to inspect volume: {daemon_text(error)}") from error
    return {
        "name": volume["Name"],
        "labels": label_entries(volume.get("Labels") or {}),
        "driver": volume["Driver"],
        "driver_opts": volume.get("Options") or {},
        "mountpoint": volume["Mountpoint"],
    }


def delete(client: APIClient, volume_id: str) -> None:
    """Remove the volume, waiting for those who use it."""

    def attempt() -> str | None:
        try:
            client.remove_volume(volume_id, force=True)
        except docker.errors.APIError as error:
            if "volume is in use" in daemon_text(error):
                return "in_use"
            raise OperationError(daemon_text(error)) from error
        return None

    wait_until_removed(attempt, REMOVE_TIMEOUT_SECONDS)
