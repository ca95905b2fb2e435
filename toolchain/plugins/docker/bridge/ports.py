"""Published ports: a list whose order does not matter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolchain.plugins.docker.bridge.values import contains_unknown


def same_ports(old: Any, new: Any) -> bool:
    """Whether the published ports only changed their order."""
    if not isinstance(old, list) or not isinstance(new, list) or len(old) != len(new) or not old:
        return False
    if contains_unknown(new):
        return False
    return all(_kept_port(port, new) for port in old)


def _kept_port(port: Mapping[str, Any], news: list[dict[str, Any]]) -> bool:
    def shown(entry: Mapping[str, Any]) -> tuple[Any, Any, Any]:
        return (entry["external"] or 0, entry["ip"] or "", entry["protocol"] or "")

    same_protocol = any(
        other["internal"] == port["internal"] and other["protocol"] == port["protocol"] for other in news
    )
    for other in news:
        if other["internal"] != port["internal"]:
            continue
        if other["protocol"] != port["protocol"]:
            if same_protocol:
                continue
            return False
        return shown(other) == shown(port)
    return False
