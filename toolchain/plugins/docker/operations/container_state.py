"""A container's attributes as the daemon reports them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import docker.errors
from docker import APIClient

from toolchain.plugins.docker.errors import OperationError
from toolchain.plugins.docker.operations.api_errors import daemon_text
from toolchain.plugins.docker.operations.container_host_state import from_host_config
from toolchain.plugins.docker.schema.duration import format_duration

Values = Mapping[str, Any]

#: A container that was just started may need a moment to fail.
_SETTLE_SECONDS = 0.1


def read(client: APIClient, container_id: str, known: Values) -> dict[str, Any] | None:
    """The attributes of the container; None when it is gone.

    Environment, labels, volumes and uploads are not read back: an image adds
    to them, so the daemon's values are not comparable with the wanted ones.
    """
    time.sleep(_SETTLE_SECONDS)
    try:
        container = client.inspect_container(container_id)
    except docker.errors.NotFound:
        return None
    except docker.errors.APIError as error:
        raise OperationError(daemon_text(error)) from error
    if container["Id"] != container_id:
        return None
    found = _from_config(container)
    found.update(from_host_config(container["HostConfig"], known))
    found.update(_from_state(container["State"]))
    found.update(_from_networks(container.get("NetworkSettings") or {}))
    return found


def _from_state(state: Values) -> dict[str, Any]:
    if state["Running"]:
        return {}
    # A stopped container shows as one that need not run, so that an update starts it.
    return {"must_run": False, "exit_code": state["ExitCode"]}


def _from_networks(settings: Values) -> dict[str, Any]:
    networks = settings.get("Networks") or {}
    return {
        "bridge": settings.get("Bridge") or "",
        "ports": _ports(settings.get("Ports") or {}),
        "network_data": [
            {
                "network_name": name,
                "ip_address": network["IPAddress"],
                "ip_prefix_length": network["IPPrefixLen"],
                "gateway": network["Gateway"],
                "global_ipv6_address": network["GlobalIPv6Address"],
                "global_ipv6_prefix_length": network["GlobalIPv6PrefixLen"],
                "ipv6_gateway": network["IPv6Gateway"],
                "mac_address": network["MacAddress"],
            }
            for name, network in sorted(networks.items())
        ],
    }


def _ports(ports: Mapping[str, list[dict[str, str]] | None]) -> list[dict[str, Any]]:
    found = []
    for key in sorted(ports, key=lambda text: int(text.partition("/")[0])):
        internal, _, protocol = key.partition("/")
        found += [
            {
                "internal": int(internal),
                "external": int(binding["HostPort"] or 0),
                "ip": binding["HostIp"],
                "protocol": protocol,
            }
            for binding in ports[key] or ()
        ]
    return found


def _from_config(container: Values) -> dict[str, Any]:
    config = container["Config"]
    found = {
        "name": container["Name"].lstrip("/"),
        "image": container["Image"] if config["Image"].startswith("sha256:") else config["Image"],
        "platform": container.get("Platform") or "",
        "hostname": config["Hostname"],
        "domainname": config["Domainname"],
        "command": config["Cmd"] or [],
        "entrypoint": config["Entrypoint"] or [],
        "user": config["User"],
        "working_dir": config["WorkingDir"],
        "tty": config["Tty"],
        "stdin_open": config["OpenStdin"],
        "stop_signal": config.get("StopSignal") or "",
        "stop_timeout": config.get("StopTimeout"),
    }
    check = config.get("Healthcheck")
    if check:
        found["healthcheck"] = [
            {
                "test": check.get("Test") or [],
                "interval": format_duration(check.get("Interval") or 0),
                "timeout": format_duration(check.get("Timeout") or 0),
                "start_period": format_duration(check.get("StartPeriod") or 0),
                "start_interval": format_duration(check.get("StartInterval") or 0),
                "retries": check.get("Retries") or 0,
            }
        ]
    return found
