"""Networks on a Docker daemon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import docker.errors
from docker import APIClient
from docker.types import IPAMConfig, IPAMPool

from toolchain.plugins.docker.errors import OperationError
from toolchain.plugins.docker.operations.api_errors import daemon_text, failing_with
from toolchain.plugins.docker.operations.labels import label_entries, label_map
from toolchain.plugins.docker.operations.polling import wait_until_removed

#: Kept by the official plugin: a network in use is waited for this long.
REMOVE_TIMEOUT_SECONDS = 30


def create(client: APIClient, values: Mapping[str, Any]) -> str:
    """Create the network and return its id."""
    pools = [
        IPAMPool(
            subnet=config["subnet"] or None,
            iprange=config["ip_range"] or None,
            gateway=config["gateway"] or None,
            aux_addresses=config["aux_address"] or None,
        )
        for config in values["ipam_config"] or ()
    ]
    with failing_with("Unable to create network: "):
        network = client.create_network(
            values["name"],
            driver=values["driver"] or None,
            options=values["options"] or None,
            ipam=IPAMConfig(values["ipam_driver"], pool_configs=pools, options=values["ipam_options"]),
            internal=bool(values["internal"]),
            labels=label_map(values["labels"]) or None,
            enable_ipv6=bool(values["ipv6"]),
            attachable=values["attachable"] or None,
            ingress=values["ingress"] or None,
        )
    return str(network["Id"])


def read(client: APIClient, network_id: str) -> dict[str, Any] | None:
    """The attributes of the network as the daemon has it; None when it is gone."""
    try:
        network = client.inspect_network(network_id)
    except docker.errors.NotFound:
        return None
    except docker.errors.APIError as error:
        raise OperationError(daemon_text(error)) from error
    ipam = network.get("IPAM") or {}
    return {
        "name": network["Name"],
        "labels": label_entries(network.get("Labels") or {}),
        "driver": network["Driver"],
        "internal": network["Internal"],
        "attachable": network["Attachable"],
        "ingress": network["Ingress"],
        "ipv6": network["EnableIPv6"],
        "ipam_driver": ipam.get("Driver"),
        "ipam_options": ipam.get("Options") or {},
        "ipam_config": [_ipam_config(config) for config in ipam.get("Config") or ()],
        "scope": network["Scope"],
        "options": network.get("Options") or {},
    }


def _ipam_config(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "subnet": config.get("Subnet") or "",
        "ip_range": config.get("IPRange") or "",
        "gateway": config.get("Gateway") or "",
        "aux_address": config.get("AuxiliaryAddresses") or {},
    }


def delete(client: APIClient, network_id: str) -> None:
    """Remove the network, waiting for those who are connected to it."""

    def attempt() -> str | None:
        try:
            client.remove_network(network_id)
        except docker.errors.NotFound:
            return None
        except docker.errors.APIError as error:
            if "has active endpoints" in daemon_text(error):
                return "pending"
            raise OperationError(daemon_text(error)) from error
        return None

    wait_until_removed(attempt, REMOVE_TIMEOUT_SECONDS)
