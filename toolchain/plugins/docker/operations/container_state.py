"""A container's attributes as the daemon reports them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import docker.errors
from docker import APIClient

from toolchain.plugins.docker.errors import OperationError
from toolchain.plugins.docker.operations.api_errors import daemon_text
from toolchain.plugins.docker.operations.container_config import MIB
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
    found.update(_from_host_config(container["HostConfig"], known))
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


def _from_host_config(host: Values, known: Values) -> dict[str, Any]:
    found = {
        "rm": host["AutoRemove"],
        "read_only": host["ReadonlyRootfs"],
        "privileged": host["Privileged"],
        "publish_all_ports": host["PublishAllPorts"],
        "init": bool(host.get("Init")),
        "dns": host.get("Dns") or [],
        "dns_opts": host.get("DnsOptions") or [],
        "dns_search": host.get("DnsSearch") or [],
        "security_opts": host.get("SecurityOpt") or [],
        "group_add": host.get("GroupAdd") or [],
        "sysctls": host.get("Sysctls") or {},
        "storage_opts": host.get("StorageOpt") or {},
        "tmpfs": host.get("Tmpfs") or {},
        "restart": host["RestartPolicy"]["Name"],
        "max_retry_count": host["RestartPolicy"]["MaximumRetryCount"],
        "runtime": host["Runtime"],
        "memory": host["Memory"] // MIB,
        "memory_reservation": host["MemoryReservation"] // MIB,
        "memory_swap": host["MemorySwap"] // MIB if host["MemorySwap"] > 0 else host["MemorySwap"],
        "shm_size": host["ShmSize"] // MIB,
        "cpu_shares": host["CpuShares"],
        "cpu_set": host["CpusetCpus"],
        "log_driver": host["LogConfig"]["Type"],
        "log_opts": host["LogConfig"]["Config"] or {},
        "network_mode": host["NetworkMode"],
        "ipc_mode": host["IpcMode"],
        "userns_mode": host.get("UsernsMode") or "",
        "host": [_extra_host(entry) for entry in host.get("ExtraHosts") or ()],
        "ulimit": [
            {"name": limit["Name"], "soft": limit["Soft"], "hard": limit["Hard"]} for limit in host.get("Ulimits") or ()
        ],
        "devices": [
            {
                "host_path": device["PathOnHost"],
                "container_path": device["PathInContainer"],
                "permissions": device["CgroupPermissions"],
            }
            for device in host.get("Devices") or ()
        ],
        "mounts": [_mount(mount) for mount in host.get("Mounts") or ()],
    }
    if host.get("CapAdd") or host.get("CapDrop"):
        found["capabilities"] = [{"add": host.get("CapAdd") or [], "drop": host.get("CapDrop") or []}]
    if host.get("PidMode"):
        found["pid_mode"] = host["PidMode"]
    if host.get("CgroupParent"):
        found["cgroup_parent"] = host["CgroupParent"]
    found.update(_cpu_limits(host, known))
    found.update(_device_requests(host, known))
    found.update(_device_rates(host))
    return found


def _extra_host(entry: str) -> dict[str, str]:
    host, _, address = entry.partition(":")
    return {"host": host, "ip": address}


def _cpu_limits(host: Values, known: Values) -> dict[str, Any]:
    found: dict[str, Any] = {}
    nano = host.get("NanoCpus") or 0
    if nano:
        # The wanted text stays if it means the same number.
        found["cpus"] = known["cpus"] if _same_cpus(known["cpus"], nano) else _cpus_text(nano)
    for name, key in (("cpu_period", "CpuPeriod"), ("cpu_quota", "CpuQuota")):
        if host.get(key):
            found[name] = host[key]
    return found


def _same_cpus(text: str | None, nano: int) -> bool:
    try:
        return text is not None and round(float(text) * 10**9) == nano
    except ValueError:
        return False


def _cpus_text(nano: int) -> str:
    whole, rest = divmod(nano, 10**9)
    fraction = f"{rest:09d}".rstrip("0")
    return f"{whole}.{fraction}" if fraction else str(whole)


def _device_requests(host: Values, known: Values) -> dict[str, Any]:
    """GPUs in the form in which they were asked for."""
    requests = host.get("DeviceRequests") or []
    if not requests:
        return {}
    if known["gpus"]:
        request = requests[0]
        ids = request.get("DeviceIDs") or []
        return {"gpus": "device=" + ",".join(ids) if ids else _count_text(request["Count"])}
    if not known["device_requests"]:
        return {}
    return {
        "device_requests": [
            {
                "driver": request["Driver"],
                "count": request["Count"],
                "device_ids": request.get("DeviceIDs") or [],
                "capabilities": (request.get("Capabilities") or [[]])[0],
                "options": request.get("Options") or {},
            }
            for request in requests
        ]
    }


def _count_text(count: int) -> str:
    return "all" if count == -1 else str(count)


def _device_rates(host: Values) -> dict[str, Any]:
    names = {
        "device_read_bps": "BlkioDeviceReadBps",
        "device_read_iops": "BlkioDeviceReadIOps",
        "device_write_bps": "BlkioDeviceWriteBps",
        "device_write_iops": "BlkioDeviceWriteIOps",
    }
    return {
        name: [{"path": limit["Path"], "rate": limit["Rate"]} for limit in host.get(key) or ()]
        for name, key in names.items()
    }


def _mount(mount: Values) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "target": mount["Target"],
        "source": mount.get("Source") or "",
        "type": mount["Type"],
        "read_only": bool(mount.get("ReadOnly")),
        "bind_options": [],
        "volume_options": [],
        "tmpfs_options": [],
    }
    if mount.get("BindOptions"):
        entry["bind_options"] = [{"propagation": mount["BindOptions"].get("Propagation") or ""}]
    options = mount.get("VolumeOptions")
    if options:
        driver = options.get("DriverConfig") or {}
        entry["volume_options"] = [
            {
                "no_copy": bool(options.get("NoCopy")),
                "labels": [{"label": key, "value": value} for key, value in (options.get("Labels") or {}).items()],
                "driver_name": driver.get("Name") or "",
                "driver_options": driver.get("Options") or {},
                "subpath": options.get("Subpath") or "",
            }
        ]
    if mount.get("TmpfsOptions"):
        options = mount["TmpfsOptions"]
        entry["tmpfs_options"] = [{"size_bytes": options.get("SizeBytes") or 0, "mode": options.get("Mode") or 0}]
    return entry
