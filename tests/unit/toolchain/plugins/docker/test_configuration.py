"""The provider's configuration."""

from __future__ import annotations

import re
from typing import Any

import pytest

from toolchain.plugins.docker.configuration import DEFAULT_HOST, RegistryAuth, parse_configuration
from toolchain.plugins.docker.errors import PluginError


def test_defaults() -> None:
    configuration = parse_configuration({}, {})
    assert configuration.host == DEFAULT_HOST
    assert configuration.ssh_opts == ()
    assert not configuration.is_ssh


def test_the_environment_fills_in() -> None:
    environment = {"DOCKER_HOST": "ssh://root@gpu", "DOCKER_CERT_PATH": "/certs"}
    configuration = parse_configuration({}, environment)
    assert (configuration.host, configuration.cert_path) == ("ssh://root@gpu", "/certs")
    assert configuration.is_ssh
    assert parse_configuration({"host": "unix:///x"}, environment).host == "unix:///x"


@pytest.mark.parametrize("given", [["-p", "22"], '["-p", "22"]'])
def test_lists_may_come_as_json(given: Any) -> None:
    assert parse_configuration({"sshOpts": given}, {}).ssh_opts == ("-p", "22")


def test_registries() -> None:
    found = parse_configuration({"registryAuth": [{"address": "r", "username": "u"}]}, {"DOCKER_REGISTRY_PASS": "p"})
    assert found.registries == (RegistryAuth("r", "u", "p"),)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"hots": "x"}, "Invalid or unknown key: 'hots'"),
        ({"host": 7.0}, "host must be a string, got 7.0"),
        ({"sshOpts": "-p 22"}, "sshOpts must be JSON"),
        ({"sshOpts": [22.0]}, "sshOpts must be a list of strings"),
        ({"certMaterial": "a", "certPath": "b"}, "cannot both be set"),
        ({"registryAuth": [{"username": "u"}]}, "each entry needs an address"),
        ({"registryAuth": [{"address": "r", "wibble": "u"}]}, "unknown key 'wibble'"),
    ],
)
def test_what_is_refused(args: dict[str, Any], message: str) -> None:
    with pytest.raises(PluginError, match=re.escape(message)):
        parse_configuration(args, {})
