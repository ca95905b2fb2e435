"""Reads a stack's outputs and connects to its hosts: nothing else tells these tests what to expect."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from facts.access import connect
from facts.deployed import Deployed

PROJECT = Path(__file__).parents[2]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--stack NAME`, and `--outputs FILE` for outputs that were saved before."""
    group = parser.getgroup("gpuhost")
    group.addoption("--stack", help="the Pulumi stack whose hosts are looked at; the selected one if not given")
    group.addoption("--outputs", type=Path, help="a file with `pulumi stack output --json`, instead of a stack")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs every test once a host, under the host's name."""
    if "deployed" in metafunc.fixturenames:
        names = sorted(_hosts(metafunc.config))
        metafunc.parametrize("deployed", names, indirect=True, scope="session")


@pytest.fixture(scope="session")
def deployed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """The host under test, connected once."""
    outputs = _hosts(request.config)[request.param]
    if not outputs.get("container"):
        pytest.fail(f"the stack's outputs name no container on '{request.param}': its last up did not finish")
    scratch = tmp_path_factory.mktemp("ssh")
    host = connect(outputs, PROJECT, scratch)
    try:
        host.check_output("true")
    except Exception as error:  # noqa: BLE001 - testinfra raises bare RuntimeError and AssertionError
        pytest.fail(f"'{request.param}' cannot be reached over SSH: {error}")
    return Deployed(request.param, outputs, host, _api_key(request.config) if asks_for_key(outputs) else "")


def asks_for_key(outputs: Mapping[str, Any]) -> bool:
    """Whether the host was deployed with an API key."""
    return bool(outputs["expected"].get("api_key"))


def _api_key(config: pytest.Config) -> str:
    """The key clients send: from GPUHOST_API_KEY, else from the stack's config. It is never printed."""
    given = os.environ.get("GPUHOST_API_KEY")
    if given:
        return given
    stack = config.getoption("--stack")
    command = ["pulumi", "config", "get", "gpuhost:apiKey", "--non-interactive", *(["--stack", stack] if stack else [])]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        pytest.fail("the server asks for an API key: give it in GPUHOST_API_KEY, or choose its stack with --stack")
    return result.stdout.strip()


_LOADED = pytest.StashKey[Mapping[str, Any]]()


def _hosts(config: pytest.Config) -> Mapping[str, Any]:
    if _LOADED not in config.stash:
        config.stash[_LOADED] = _read_outputs(config.getoption("--stack"), config.getoption("--outputs"))
    return config.stash[_LOADED]


def _read_outputs(stack: str | None, file: Path | None) -> Mapping[str, Any]:
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8")
        except OSError as error:
            raise pytest.UsageError(f"--outputs {file} cannot be read: {error.strerror}") from error
    else:
        command = ["pulumi", "stack", "output", "--json", "--non-interactive", *(["--stack", stack] if stack else [])]
        try:
            result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            raise pytest.UsageError("pulumi is not on PATH: source ./activate first") from error
        if result.returncode != 0:
            raise pytest.UsageError(f"no outputs to test against: {result.stderr.strip()}")
        text = result.stdout
    hosts = json.loads(text).get("hosts")
    if not hosts:
        raise pytest.UsageError("the stack has no 'hosts' output: run 'pulumi up' first")
    found: Mapping[str, Any] = hosts
    return found
