"""The text of docker run's --gpus option."""

from __future__ import annotations

import csv
from typing import Any

from toolchain.plugins.docker.errors import OperationError


def parse_gpus(text: str) -> dict[str, Any]:
    """A device request from ``all``, a number or ``key=value`` fields; raises OperationError."""
    request: dict[str, Any] = {"Driver": "", "Count": 0, "DeviceIDs": None, "Capabilities": None, "Options": {}}
    seen: set[str] = set()
    for entry in next(csv.reader([text])):
        key, separator, value = entry.partition("=")
        if key in seen:
            raise OperationError(f"Error setting gpus: gpu request key '{key}' can be specified only once")
        seen.add(key)
        if not separator:
            key, value = "count", entry
            seen.add(key)
        _field(request, key, value, entry)
    if "count" not in seen and request["DeviceIDs"] is None:
        request["Count"] = 1
    if request["Capabilities"] is None:
        request["Capabilities"] = [["gpu"]]
    return request


def _field(request: dict[str, Any], key: str, value: str, entry: str) -> None:
    if key == "driver":
        request["Driver"] = value
    elif key == "count":
        request["Count"] = _count(value)
    elif key == "device":
        request["DeviceIDs"] = value.split(",")
    elif key == "capabilities":
        request["Capabilities"] = [[*value.split(","), "gpu"]]
    elif key == "options":
        request["Options"] = dict(option.partition("=")[::2] for option in value.split(","))
    else:
        raise OperationError(f"Error setting gpus: unexpected key '{key}' in '{entry}'")


def _count(value: str) -> int:
    if value == "all":
        return -1
    try:
        return int(value)
    except ValueError as error:
        raise OperationError(
            f'Error setting gpus: invalid count ({value}): value must be either "all" or an integer'
        ) from error
