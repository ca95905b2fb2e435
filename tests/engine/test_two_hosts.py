"""Two hosts in one stack: side by side, and each child with its own host's providers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from hosts.sandbox import Sandbox
from tests.engine.stacks.infra import infra
from tests.engine.stacks.serving import answers, the_server, url_of
from tests.engine.stacks.stack import Said, Stack
from tests.engine.stacks.wish import Wish

Resource = Mapping[str, Any]


@pytest.fixture(scope="module")
def two(host: Sandbox, hosts_of: Callable[..., Sandbox]) -> tuple[Sandbox, Sandbox]:
    return host, hosts_of("other")


@pytest.fixture(scope="module")
def said(stack: Stack, wish: Wish, two: tuple[Sandbox, Sandbox]) -> Said:
    """What the `up` of both said."""
    stack.wishes(wish.but(hosts=two))
    return stack.up()


@pytest.fixture(scope="module")
def state(stack: Stack, said: Said) -> dict[str, Resource]:
    """Every resource by its URN, secrets readable: connections are."""
    resources = stack.exported("--show-secrets")["deployment"]["resources"]
    return {resource["urn"]: resource for resource in resources}


def host_of(resource: Resource, state: Mapping[str, Resource]) -> str | None:
    """Name of the `GpuHost` that the resource is below; None for one that is below none."""
    while resource["type"] != "gpuhost:index:GpuHost":
        if "parent" not in resource:
            return None
        resource = state[resource["parent"]]
    return str(resource["urn"].rsplit("::", 1)[1])


def below_hosts(state: Mapping[str, Resource], plugin: str) -> Iterator[tuple[str, Resource]]:
    """Each resource of a plugin with its host's name."""
    for resource in state.values():
        if resource["type"].startswith(f"{plugin}:"):
            host = host_of(resource, state)
            assert host is not None, f"{resource['urn']} is below no host"
            yield host, resource


def test_they_deploy_side_by_side(said: Said, two: tuple[Sandbox, Sandbox]) -> None:
    spans = []
    lines = said.text.splitlines()
    for host in two:
        own = [number for number, line in enumerate(lines) if f" {host.name}-" in line]
        spans.append((own[0], own[-1]))
    (begin, end), (other_begin, other_end) = spans
    assert max(begin, other_begin) < min(end, other_end), said.text


def test_both_serve_and_both_are_in_the_outputs(stack: Stack, said: Said, two: tuple[Sandbox, Sandbox]) -> None:
    outputs = stack.outputs["hosts"]
    assert set(outputs) == {host.name for host in two}
    for host in two:
        assert outputs[host.name]["container"] == the_server(host).name
        assert outputs[host.name]["endpoint"] == url_of(host)
        assert answers(url_of(host))


def test_each_docker_resource_has_its_own_hosts_provider(
    state: dict[str, Resource], two: tuple[Sandbox, Sandbox]
) -> None:
    addresses = {host.name: f"ssh://{host.user}@{host.address}:{host.ssh_port}" for host in two}
    kinds: dict[str, set[str]] = {host.name: set() for host in two}
    for host, resource in below_hosts(state, "docker"):
        provider = state[resource["provider"].rsplit("::", 1)[0]]
        assert provider["type"] == "pulumi:providers:docker"
        assert host_of(provider, state) == host, f"{resource['urn']} goes through {provider['urn']}"
        assert provider["inputs"]["host"] == addresses[host]
        kinds[host].add(resource["type"])
    for found in kinds.values():
        assert found == {"docker:index/container:Container", "docker:index/volume:Volume"}


def test_each_command_connects_to_its_own_host(state: dict[str, Resource], two: tuple[Sandbox, Sandbox]) -> None:
    ways = {host.name: (host.address, host.ssh_port, host.host_key) for host in two}
    commands = list(below_hosts(state, "command"))
    for host, resource in commands:
        connection = _plain(resource["inputs"]["connection"])
        assert (connection["host"], connection["port"], connection["hostKey"]) == ways[host], resource["urn"]
    assert {host for host, _ in commands} == set(ways)


def _plain(value: Any) -> Any:
    """An exported secret's value."""
    if isinstance(value, dict) and "plaintext" in value:
        return json.loads(value["plaintext"])
    return value


def test_both_hold_every_promise(stack: Stack, said: Said, two: tuple[Sandbox, Sandbox]) -> None:
    results = infra(stack.outputs, stack.folder)
    assert {result.host for result in results} == {host.name for host in two}
    assert [result.test for result in results if result.failure] == []
