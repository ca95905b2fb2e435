"""tests/infra can fail: each fault on a live host turns exactly the tests red that concern it, with wish and fact."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from hosts.sandbox import Sandbox
from tests.engine.stacks.by_hand import PREFIX, Server, started
from tests.engine.stacks.host_faults import HOST_FAULTS, HostFault
from tests.engine.stacks.infra import Result, infra
from tests.engine.stacks.server_faults import SERVER_FAULTS, ServerFault
from tests.engine.stacks.stack import Stack
from tests.engine.stacks.wish import Wish

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def promised(stack: Stack, wish: Wish) -> Mapping[str, Any]:
    """The outputs of the shared host, deployed as the program does it."""
    stack.wishes(wish)
    stack.up()
    found: Mapping[str, Any] = stack.outputs["hosts"][wish.hosts[0].name]
    return found


@pytest.fixture(scope="module")
def faulty(
    promised: Mapping[str, Any],
    host: Sandbox,
    tiny_image: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, list[Result]]:
    """What tests/infra finds at each faulty server, by the fault's name; they all run at once."""
    servers = [Server(f"{PREFIX}{number}", 9100 + number, fault) for number, fault in enumerate(SERVER_FAULTS)]
    outputs = {"hosts": {server.name: server.outputs(promised, host) for server in servers}}
    with started(host, servers, promised, tiny_image):
        found = infra(outputs, tmp_path_factory.mktemp("faulty"))
    return {server.fault.name: [each for each in found if each.host == server.name] for server in servers}


def check(found: list[Result], reds: Mapping[str, tuple[str, ...]], outputs: Mapping[str, Any]) -> None:
    """Red are exactly these, and their messages show these words."""
    failed = {each.test: each.failure for each in found if each.failure}
    assert set(failed) == set(reds)
    for test, words in reds.items():
        for word in words:
            shown = word.format(**outputs)
            assert shown in (failed[test] or ""), f"'{shown}' is not in what {test} says:\n{failed[test]}"


@pytest.mark.parametrize("fault", SERVER_FAULTS, ids=lambda fault: fault.name)
def test_a_faulty_server_is_found_out(
    faulty: dict[str, list[Result]], promised: Mapping[str, Any], fault: ServerFault
) -> None:
    assert len(faulty[fault.name]) > 30
    check(faulty[fault.name], fault.reds, promised)


@pytest.mark.parametrize("fault", HOST_FAULTS, ids=lambda fault: fault.name)
def test_a_faulty_host_is_found_out(
    promised: Mapping[str, Any], host: Sandbox, tmp_path: Path, fault: HostFault
) -> None:
    host.run(fault.do)
    try:
        found = infra({"hosts": {host.name: promised}}, tmp_path)
    finally:
        host.run(fault.undo)
    check(found, fault.reds, promised)


def test_every_test_has_a_fault_that_it_finds(faulty: dict[str, list[Result]]) -> None:
    seen = {each.test for each in faulty["nothing"]}
    found = {test for fault in (*SERVER_FAULTS, *HOST_FAULTS) for test in fault.reds}
    assert seen - found == {"test_it_is_at_or_above_the_floor"}, "the floor is the one fault that needs another engine"
