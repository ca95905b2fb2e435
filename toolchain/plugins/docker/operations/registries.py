"""Logins for the registries that images come from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from toolchain.plugins.docker.configuration import RegistryAuth
from toolchain.plugins.docker.errors import OperationError

_DOCKER_HUB = ("docker.io", "registry-1.docker.io", "index.docker.io", "registry.hub.docker.com", "registry.docker.io")


def login_for(image: str, registries: Sequence[RegistryAuth]) -> dict[str, str] | None:
    """The login for the registry of an image; None leaves it to the daemon."""
    wanted = _registry_of(image)
    for entry in registries:
        if _normalized(entry.address) == wanted:
            return None if entry.auth_disabled else _login(entry)
    return None


def _registry_of(image: str) -> str:
    first, slash, _ = image.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return _normalized(first)
    return "docker.io"


def _normalized(address: str) -> str:
    host = address.removeprefix("https://").removeprefix("http://").partition("/")[0]
    return "docker.io" if host in _DOCKER_HUB else host


def _login(entry: RegistryAuth) -> dict[str, str]:
    content = entry.config_file_content
    if not content and entry.config_file:
        content = Path(entry.config_file).expanduser().read_text(encoding="utf-8")
    if content:
        return _from_config(entry, content)
    return {"username": entry.username, "password": entry.password}


def _from_config(entry: RegistryAuth, content: str) -> dict[str, str]:
    from docker.auth import parse_auth

    entries = parse_auth(json.loads(content).get("auths", {}))
    for address, login in entries.items():
        if _normalized(address) == _normalized(entry.address):
            return {"username": login["username"], "password": login["password"]}
    raise OperationError(f"registryAuth: no login for {entry.address} in the Docker configuration")
