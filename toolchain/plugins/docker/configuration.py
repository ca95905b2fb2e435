"""The provider's configuration: which daemon, how to reach it, which registries."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from toolchain.plugins.docker.errors import PluginError

DEFAULT_HOST = "unix:///var/run/docker.sock"

_TEXTS = ("host", "context", "caMaterial", "certMaterial", "keyMaterial", "certPath")
_KNOWN = frozenset((*_TEXTS, "sshOpts", "registryAuth", "disableDockerDaemonCheck", "version", "pluginDownloadURL"))
_REGISTRY_KEYS = frozenset(
    ("address", "authDisabled", "configFile", "configFileContent", "password", "username", "__defaults")
)


@dataclass(frozen=True)
class RegistryAuth:
    """How to log in to one registry."""

    address: str
    username: str = ""
    password: str = ""
    config_file: str = ""
    config_file_content: str = ""
    auth_disabled: bool = False


@dataclass(frozen=True)
class Configuration:
    """A provider configuration with the environment's defaults in place."""

    host: str = DEFAULT_HOST
    context: str = ""
    ssh_opts: tuple[str, ...] = ()
    ca_material: str = ""
    cert_material: str = ""
    key_material: str = ""
    cert_path: str = ""
    registries: tuple[RegistryAuth, ...] = field(default_factory=tuple)

    @property
    def is_ssh(self) -> bool:
        return self.host.startswith("ssh://")


def parse_configuration(args: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> Configuration:
    """Read the arguments of Configure; lists and booleans may arrive as JSON texts.

    Raises PluginError for an unknown key or a value of the wrong type.
    """
    env = os.environ if environment is None else environment
    unknown = sorted(key for key in args if key not in _KNOWN and not key.startswith("__"))
    if unknown:
        raise PluginError(f"could not validate provider configuration: Invalid or unknown key: {unknown[0]!r}")
    texts = {key: _text(args, key) for key in _TEXTS}
    ssh_opts = _decoded(args, "sshOpts")
    if ssh_opts is None:
        ssh_opts = env.get("DOCKER_SSH_OPTS", "").split()
    if not isinstance(ssh_opts, list) or not all(isinstance(option, str) for option in ssh_opts):
        raise PluginError(f"sshOpts must be a list of strings, got {ssh_opts!r}")
    if texts["certMaterial"] and texts["certPath"]:
        raise PluginError("certMaterial and certPath cannot both be set: give the material or the directory")
    return Configuration(
        host=texts["host"] or env.get("DOCKER_HOST", "") or DEFAULT_HOST,
        context=texts["context"] or env.get("DOCKER_CONTEXT", ""),
        ssh_opts=tuple(ssh_opts),
        ca_material=texts["caMaterial"] or env.get("DOCKER_CA_MATERIAL", ""),
        cert_material=texts["certMaterial"] or env.get("DOCKER_CERT_MATERIAL", ""),
        key_material=texts["keyMaterial"] or env.get("DOCKER_KEY_MATERIAL", ""),
        cert_path=texts["certPath"] or env.get("DOCKER_CERT_PATH", ""),
        registries=tuple(_registry(entry, env) for entry in _decoded(args, "registryAuth") or []),
    )


def _text(args: Mapping[str, Any], key: str) -> str:
    value = args.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise PluginError(f"{key} must be a string, got {value!r}")
    return value


def _decoded(args: Mapping[str, Any], key: str) -> Any:
    """A structured value: the engine sends those of a provider as JSON texts."""
    value = args.get(key)
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError as error:
        raise PluginError(f"{key} must be JSON, got {value!r}: {error}") from error


def _registry(entry: Any, env: Mapping[str, str]) -> RegistryAuth:
    if not isinstance(entry, dict) or not isinstance(entry.get("address"), str):
        raise PluginError("registryAuth: each entry needs an address")
    unknown = sorted(set(entry) - _REGISTRY_KEYS)
    if unknown:
        raise PluginError(f"registryAuth: unknown key {unknown[0]!r}")
    return RegistryAuth(
        address=entry["address"],
        username=entry.get("username") or env.get("DOCKER_REGISTRY_USER", ""),
        password=entry.get("password") or env.get("DOCKER_REGISTRY_PASS", ""),
        config_file=entry.get("configFile") or "",
        config_file_content=entry.get("configFileContent") or "",
        auth_disabled=entry.get("authDisabled") in (True, "true"),
    )
