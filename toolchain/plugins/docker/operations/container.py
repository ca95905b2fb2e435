"""Containers on a Docker daemon: creating, starting, updating and removing them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import docker.errors
from docker import APIClient

from toolchain.plugins.docker.configuration import RegistryAuth
from toolchain.plugins.docker.errors import OperationError
from toolchain.plugins.docker.operations.api_errors import daemon_text, failing_with
from toolchain.plugins.docker.operations.container_config import (
    MIB,
    container_config,
    device_rates,
    restart_policy,
)
from toolchain.plugins.docker.operations.image import find_image
from toolchain.plugins.docker.operations.uploads import archive

Values = Mapping[str, Any]

#: Attributes that the daemon changes in a container that exists.
UPDATED_IN_PLACE = (
    "restart",
    "max_retry_count",
    "cpu_shares",
    "memory",
    "memory_reservation",
    "cpu_set",
    "memory_swap",
    "device_read_bps",
    "device_read_iops",
    "device_write_bps",
    "device_write_iops",
)
_HEALTH_POLL_SECONDS = 1.0


def create(client: APIClient, values: Values, registries: Sequence[RegistryAuth]) -> str:
    """Create the container without starting it and return its id."""
    image, platform = values["image"], values["platform"] or ""
    try:
        find_image(client, image, registries, platform)
    except OperationError as error:
        raise OperationError(f"Unable to create container with image {image}: {error}") from error
    config = container_config(values)
    with failing_with("Unable to create container: "):
        create_container: Any = client.create_container_from_config
        container = create_container(config, values["name"], platform or None)
    return str(container["Id"])


def start(client: APIClient, container_id: str, values: Values) -> dict[str, Any]:
    """Connect, fill and start a created container; return what only this step knows."""
    _connect(client, container_id, values)
    for upload in values["upload"] or ():
        packed = archive(upload)
        with failing_with("Unable to upload volume content: "):
            client.put_archive(container_id, "/", packed)
    if values["start"]:
        with failing_with("Unable to start container: "):
            client.start(container_id)
        if values["wait"]:
            _wait_until_healthy(client, container_id, values["wait_timeout"])
    return _attach(client, container_id, values)


def _connect(client: APIClient, container_id: str, values: Values) -> None:
    """Swap the default network for the ones that were asked for."""
    if not values["networks_advanced"]:
        return
    try:
        client.disconnect_container_from_network(container_id, "bridge")
    except docker.errors.APIError as error:
        if "is not connected to" not in daemon_text(error):
            raise OperationError(f"Unable to disconnect the default network: {daemon_text(error)}") from error
    for network in values["networks_advanced"]:
        with failing_with(f"Unable to connect to network '{network['name']}': "):
            response = client.post(
                f"{client.base_url}/v{client.api_version}/networks/{network['name']}/connect",
                json={"Container": container_id, "EndpointConfig": _endpoint(network)},
                timeout=client.timeout,
            )
            _raise_for_status(response)


def _endpoint(network: Values) -> dict[str, Any]:
    endpoint: dict[str, Any] = {
        "Aliases": list(network["aliases"] or ()),
        "IPAMConfig": {
            "IPv4Address": network["ipv4_address"] or "",
            "IPv6Address": network["ipv6_address"] or "",
            "LinkLocalIPs": list(network["link_local_ips"] or ()),
        },
    }
    if network["mac_address"]:
        endpoint["MacAddress"] = network["mac_address"]
    if network["gw_priority"]:
        endpoint["GwPriority"] = network["gw_priority"]
    if network["driver_opts"]:
        endpoint["DriverOpts"] = dict(option.partition("=")[::2] for option in network["driver_opts"])
    return endpoint


def _wait_until_healthy(client: APIClient, container_id: str, timeout_seconds: int) -> None:
    deadline = time.monotonic() + timeout_seconds
    while True:
        with failing_with("error inspecting container state: "):
            state = client.inspect_container(container_id)["State"]
        health = state.get("Health")
        if health is None:
            raise OperationError("wait: the container has no health check, so it can never become healthy")
        if health["Status"] == "healthy":
            return
        left = deadline - time.monotonic()
        if left <= 0:
            raise OperationError("container failed to be in healthy state")
        time.sleep(min(_HEALTH_POLL_SECONDS, left))


def _attach(client: APIClient, container_id: str, values: Values) -> dict[str, Any]:
    """Wait for the end of the container, if asked to, and collect its logs."""
    if not values["attach"]:
        return {}
    with failing_with("Unable to wait container end of execution: "):
        client.wait(container_id, condition="not-running", timeout=client.timeout)
    if not values["logs"]:
        return {}
    with failing_with("Unable to read the container logs: "):
        return {"container_logs": client.logs(container_id, stdout=True, stderr=True).decode(errors="replace")}


def update(client: APIClient, container_id: str, before: Values, values: Values) -> None:
    """Change a container in place; start it again if it stopped and must run."""
    if any(before[name] != values[name] for name in UPDATED_IN_PLACE):
        body: dict[str, Any] = {
            "RestartPolicy": restart_policy(values),
            "CpuShares": values["cpu_shares"] or 0,
            "Memory": (values["memory"] or 0) * MIB,
            "MemoryReservation": (values["memory_reservation"] or 0) * MIB,
            "CpusetCpus": values["cpu_set"] or "",
            **device_rates(values),
        }
        swap = values["memory_swap"]
        if swap:
            body["MemorySwap"] = swap * MIB if swap > 0 else swap
        with failing_with("Unable to update a container: "):
            response = client.post(
                f"{client.base_url}/v{client.api_version}/containers/{container_id}/update",
                json=body,
                timeout=client.timeout,
            )
            _raise_for_status(response)
    if values["must_run"] and not before["must_run"]:
        with failing_with("Unable to start container: "):
            client.start(container_id)


def delete(client: APIClient, container_id: str, values: Values) -> None:
    """Stop and remove the container; one that is gone already is fine."""
    if not values["attach"]:
        grace = max(values["destroy_grace_seconds"] or 0, 0)
        try:
            client.stop(container_id, timeout=grace)
        except docker.errors.NotFound:
            return
        except docker.errors.APIError as error:
            raise OperationError(f"Error stopping container {container_id}: {daemon_text(error)}") from error
    try:
        client.remove_container(container_id, v=bool(values["remove_volumes"]), force=True)
    except docker.errors.APIError as error:
        if not _ignorable(error):
            raise OperationError(f"Error deleting container {container_id}: {daemon_text(error)}") from error
    try:
        client.wait(container_id, condition="removed" if values["rm"] else "not-running")
    except docker.errors.APIError as error:
        if not _ignorable(error):
            raise OperationError(
                f"Error waiting for container removal '{container_id}': {daemon_text(error)}"
            ) from error


def _ignorable(error: docker.errors.APIError) -> bool:
    text = daemon_text(error)
    return "No such container" in text or "is already in progress" in text


def _raise_for_status(response: Any) -> None:
    if not response.ok:
        docker.errors.create_api_error_from_http_exception(_http_error(response))


def _http_error(response: Any) -> Any:
    import requests

    return requests.HTTPError(response=response)
