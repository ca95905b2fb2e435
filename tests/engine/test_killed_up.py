"""The operator's side dies in the middle of an `up`: the host serves on by itself, and `up` converges later."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from hosts.sandbox import Sandbox
from tests.engine.stacks.killing import up_killed_at
from tests.engine.stacks.serving import answers, servers, the_server, url_of, wait_until_healthy, wait_until_settled
from tests.engine.stacks.stack import Stack
from tests.engine.stacks.wish import Wish

pytestmark = pytest.mark.slow

# The guard's patience with a new container that never appears, and what a start takes after it.
GUARD_S = 40 + 10


@dataclass(frozen=True)
class Death:
    """When the operator's side dies, what would have come up, and who serves afterwards."""

    name: str
    at: str  # a line of the engine's
    image: str
    survivor: str  # old, new, or either
    on_host: str = ""  # and then the end of this command on the host, which may name the OLD container


DEATHS = (
    Death("before the container is made", at="docker:index:Container .* creating", image="", survivor="old"),
    Death(
        "after the container was made, before the engine knows",
        at="handover creat",
        on_host="until docker ps --quiet --filter label=gpuhost.service --filter since=OLD | grep -q .; do :; done",
        image="",
        survivor="either",
    ),
    Death("at the gate of a good server", at="switch: waiting", image="slow:8", survivor="new"),
    Death("at the gate of a bad server", at="switch: waiting", image="never_healthy", survivor="old"),
)


@pytest.fixture(scope="module")
def deployed(stack: Stack, wish: Wish) -> Wish:
    roomy = wish.but(overrides={"health_deadline_s": 20})
    stack.wishes(roomy)
    stack.up()
    return roomy


@pytest.mark.parametrize("death", DEATHS, ids=lambda death: death.name)
def test_the_host_serves_on_and_the_next_up_converges(
    stack: Stack, deployed: Wish, host: Sandbox, tiny_image: Callable[[str], Path], death: Death
) -> None:
    old = the_server(host)
    asked = deployed.but(image=tiny_image(death.image), parallel_requests=3)
    stack.wishes(asked)
    up_killed_at(stack, death.at, [] if not death.on_host else host.ssh_command(death.on_host.replace("OLD", old.name)))

    wait_until_settled(host, GUARD_S)
    wait_until_healthy(url_of(host), 5)
    survivor = the_server(host)
    if death.survivor != "either":
        assert (survivor == old) is (death.survivor == "old"), servers(host)

    locked = stack.up(fails=True)
    command = re.search(r"`pulumi (cancel[^`]*)`", locked.text)
    assert command, f"no command to go on with in:\n{locked.text}"
    stack.run(*command[1].split(), "--yes")

    # The same again, unless it cannot succeed; then without it.
    stack.wishes(deployed if death.image == "never_healthy" else asked)
    stack.up()
    if death.survivor == "new":
        assert the_server(host) == survivor, "it was healthy: no reason to start another"
    assert len(servers(host)) == 1, servers(host)
    assert answers(url_of(host))
    stack.is_in_sync()

    stack.wishes(deployed)
    stack.up()
