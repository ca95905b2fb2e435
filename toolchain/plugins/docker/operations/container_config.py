"""What a container's attributes are in the daemon's API."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from toolchain.plugins.docker.errors import OperationError
from toolchain.plugins.docker.operations.gpus import parse_gpus
from toolchain.plugins.docker.operations.labels import label_map
from toolchain.plugins.docker.operations.mounts import bind_entries, mount_entries
from toolchain.plugins.docker.schema.duration import parse_duration

Values = Mapping[str, Any]

MIB = 1024 * 1024

#: Attributes that are a text, number or flag of the host configuration as they stand.
_HOST_AS_THEY_ARE = {
    "privileged": "Privileged",
    "publish_all_ports": "PublishAllPorts",
    "rm": "AutoRemove",
    "read_only": "ReadonlyRootfs",
    "tmpfs": "Tmpfs",
    "dns": "Dns",
    "dns_opts": "DnsOptions",
    "dns_search": "DnsSearch",
    "security_opts": "SecurityOpt",
    "cpu_shares": "CpuShares",
    "cpu_set": "CpusetCpus",
    "runtime": "Runtime",
    "network_mode": "NetworkMode",
    "userns_mode": "UsernsMode",
    "pid_mode": "PidMode",
    "ipc_mode": "IpcMode",
    "cgroup_parent": "CgroupParent",
    "sysctls": "Sysctls",
    "group_add": "GroupAdd",
    "storage_opts": "StorageOpt",
}
_CONFIG_AS_THEY_ARE = {
    "image": "Image",
    "hostname": "Hostname",
    "domainname": "Domainname",
    "tty": "Tty",
    "stdin_open": "OpenStdin",
    "stop_signal": "StopSignal",
    "stop_timeout": "StopTimeout",
    "env": "Env",
    "entrypoint": "Entrypoint",
    "user": "User",
    "working_dir": "WorkingDir",
}
_RATES = {
    "device_read_bps": "BlkioDeviceReadBps",
    "device_read_iops": "BlkioDeviceReadIOps",
    "device_write_bps": "BlkioDeviceWriteBps",
    "device_write_iops": "BlkioDeviceWriteIOps",
}


def container_config(values: Values) -> dict[str, Any]:
    """The body of a request to create the container; raises OperationError for what cannot be."""
    config = _given(values, _CONFIG_AS_THEY_ARE)
    if values["command"]:
        if "" in values["command"]:
            raise OperationError("values for command may not be empty")
        config["Cmd"] = list(values["command"])
    if values["labels"]:
        config["Labels"] = label_map(values["labels"])
    if values["healthcheck"]:
        config["Healthcheck"] = _healthcheck(values["healthcheck"][0])
    exposed, bindings = _ports(values["ports"] or ())
    if exposed:
        config["ExposedPorts"] = exposed
    paths, binds, volumes_from = bind_entries(values["volumes"] or ())
    if paths:
        config["Volumes"] = paths
    host = _host_config(values)
    for key, entries in (("PortBindings", bindings), ("Binds", binds), ("VolumesFrom", volumes_from)):
        if entries:
            host[key] = entries
    config["HostConfig"] = host
    return config


def _given(values: Values, names: Mapping[str, str]) -> dict[str, Any]:
    return {key: values[name] for name, key in names.items() if values[name]}


def _healthcheck(check: Values) -> dict[str, Any]:
    return {
        "Test": list(check["test"] or ()),
        "Interval": parse_duration(check["interval"] or "0s"),
        "Timeout": parse_duration(check["timeout"] or "0s"),
        "StartPeriod": parse_duration(check["start_period"] or "0s"),
        "StartInterval": parse_duration(check["start_interval"] or "0s"),
        "Retries": check["retries"] or 0,
    }


def _ports(ports: Any) -> tuple[dict[str, Any], dict[str, list[dict[str, str]]]]:
    exposed: dict[str, Any] = {}
    bindings: dict[str, list[dict[str, str]]] = {}
    for port in ports:
        key = f"{port['internal']}/{port['protocol']}"
        exposed[key] = {}
        bindings.setdefault(key, []).append({"HostPort": str(port["external"] or 0), "HostIp": port["ip"] or ""})
    return exposed, bindings


def _host_config(values: Values) -> dict[str, Any]:
    host = _given(values, _HOST_AS_THEY_ARE)
    host["RestartPolicy"] = restart_policy(values)
    host["LogConfig"] = {"Type": values["log_driver"] or "", "Config": values["log_opts"] or {}}
    host["Init"] = bool(values["init"])
    host.update(memory_limits(values))
    if values["shm_size"]:
        host["ShmSize"] = values["shm_size"] * MIB
    host.update(_cpu_limits(values))
    host.update(device_rates(values))
    if values["mounts"]:
        host["Mounts"] = mount_entries(values["mounts"])
    if values["host"]:
        host["ExtraHosts"] = [f"{entry['host']}:{entry['ip']}" for entry in values["host"]]
    if values["ulimit"]:
        host["Ulimits"] = [
            {"Name": limit["name"], "Soft": limit["soft"], "Hard": limit["hard"]} for limit in values["ulimit"]
        ]
    for capabilities in values["capabilities"] or ():
        host["CapAdd"] = list(capabilities["add"] or ())
        host["CapDrop"] = list(capabilities["drop"] or ())
    if values["devices"]:
        host["Devices"] = [_device(device) for device in values["devices"]]
    host.update(_device_requests(values))
    mode = values["cgroupns_mode"]
    if mode:
        if mode not in ("private", "host"):
            raise OperationError("cgroupns_mode: invalid CGROUP mode, must be either 'private', 'host' or empty")
        host["CgroupnsMode"] = mode
    return host


def restart_policy(values: Values) -> dict[str, Any]:
    return {"Name": values["restart"], "MaximumRetryCount": values["max_retry_count"] or 0}


def memory_limits(values: Values) -> dict[str, int]:
    """Memory limits in bytes; a swap of -1 stays: it means no limit."""
    limits: dict[str, int] = {}
    if values["memory"]:
        limits["Memory"] = values["memory"] * MIB
    if values["memory_reservation"]:
        limits["MemoryReservation"] = values["memory_reservation"] * MIB
    swap = values["memory_swap"]
    if swap:
        limits["MemorySwap"] = swap * MIB if swap > 0 else swap
    return limits


def _cpu_limits(values: Values) -> dict[str, int]:
    if values["cpus"]:
        return {"NanoCpus": _nano_cpus(values["cpus"])}
    return _given(values, {"cpu_period": "CpuPeriod", "cpu_quota": "CpuQuota"})


def _nano_cpus(text: str) -> int:
    try:
        nano = Fraction(text) * 10**9
    except (ValueError, ZeroDivisionError) as error:
        raise OperationError(f"Error setting cpus: failed to parse value as a rational number: {text}") from error
    if nano.denominator != 1:
        raise OperationError("Error setting cpus: value is too precise")
    return int(nano)


def device_rates(values: Values) -> dict[str, Any]:
    """Limits of the traffic with block devices."""
    return {
        key: [{"Path": limit["path"], "Rate": limit["rate"]} for limit in values[name]]
        for name, key in _RATES.items()
        if values[name]
    }


def _device(device: Values) -> dict[str, str]:
    return {
        "PathOnHost": device["host_path"],
        "PathInContainer": device["container_path"] or device["host_path"],
        "CgroupPermissions": device["permissions"] or "rwm",
    }


def _device_requests(values: Values) -> dict[str, Any]:
    if values["gpus"]:
        return {"DeviceRequests": [parse_gpus(values["gpus"])]}
    if not values["device_requests"]:
        return {}
    requests = [
        {
            "Driver": request["driver"],
            "Count": request["count"] or 0,
            "DeviceIDs": list(request["device_ids"] or ()),
            "Capabilities": [list(request["capabilities"] or ())],
            "Options": request["options"] or {},
        }
        for request in values["device_requests"]
    ]
    return {"DeviceRequests": requests}
