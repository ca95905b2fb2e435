"""The part of a container's attributes that the daemon keeps as its host configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolchain.plugins.docker.operations.container_config import MIB

Values = Mapping[str, Any]


def from_host_config(host: Values, known: Values) -> dict[str, Any]:
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
