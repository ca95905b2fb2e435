"""A container's volumes and mounts in the daemon's API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from toolchain.plugins.docker.errors import OperationError
from toolchain.plugins.docker.operations.labels import label_map

Values = Mapping[str, Any]


def bind_entries(volumes: Iterable[Values]) -> tuple[dict[str, Any], list[str], list[str]]:
    """The container's volume paths, its binds and the containers it takes volumes from."""
    paths: dict[str, Any] = {}
    binds: list[str] = []
    volumes_from: list[str] = []
    for volume in volumes:
        source, path = volume["from_container"] or "", volume["container_path"] or ""
        if not source and not path:
            raise OperationError("Unable to parse volumes: volume entry without container path or source container")
        if source and path:
            raise OperationError("Unable to parse volumes: both a container and a path specified in a volume entry")
        if source:
            volumes_from.append(source)
            continue
        paths[path] = {}
        name = volume["host_path"] or volume["volume_name"]
        if name:
            options = ["ro" if volume["read_only"] else "rw"]
            if volume["selinux_relabel"]:
                options.append(volume["selinux_relabel"])
            binds.append(f"{name}:{path}:{','.join(options)}")
    return paths, binds, volumes_from


def mount_entries(mounts: Iterable[Values]) -> list[dict[str, Any]]:
    """The mounts of the host configuration."""
    return [_mount(mount) for mount in mounts]


def _mount(mount: Values) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "Type": mount["type"],
        "Target": mount["target"],
        "Source": mount["source"] or "",
        "ReadOnly": bool(mount["read_only"]),
    }
    options = {"bind": _bind, "volume": _volume, "tmpfs": _tmpfs}[mount["type"]]
    entry.update(options(mount))
    return entry


def _bind(mount: Values) -> dict[str, Any]:
    for options in mount["bind_options"]:
        return {"BindOptions": {"Propagation": options["propagation"] or ""}}
    return {}


def _volume(mount: Values) -> dict[str, Any]:
    for options in mount["volume_options"]:
        entry: dict[str, Any] = {
            "NoCopy": bool(options["no_copy"]),
            "Labels": label_map(options["labels"]),
            "DriverConfig": {"Name": options["driver_name"] or "", "Options": options["driver_options"] or {}},
        }
        if options["subpath"]:
            entry["Subpath"] = options["subpath"]
        return {"VolumeOptions": entry}
    return {}


def _tmpfs(mount: Values) -> dict[str, Any]:
    for options in mount["tmpfs_options"]:
        return {"TmpfsOptions": {"SizeBytes": options["size_bytes"] or 0, "Mode": options["mode"] or 0}}
    return {}
