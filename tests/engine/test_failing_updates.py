"""An update that fails leaves the old server serving, says why, and the next `up` converges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hosts.sandbox import Sandbox
from tests.engine.stacks.serving import Watch, answers, servers, the_server, url_of, wait_until_healthy
from tests.engine.stacks.stack import Stack
from tests.engine.stacks.wish import SHORT_DEADLINE_S, Wish

FOREIGN_PORT = 9090


@dataclass(frozen=True)
class FailingUpdate:
    """What is asked for, what `up` then says, and for how long the service may be away meanwhile."""

    name: str
    says: tuple[str, ...]
    away_s: float
    image: str = ""
    returns_alone: bool = False  # by the host's guard, after `up` has ended
    changes: dict[str, Any] = field(default_factory=dict)

    def asked(self, wish: Wish, image: Callable[[str], Path]) -> Wish:
        return wish.but(image=image(self.image), **self.changes)


# A server that was stopped comes back within this time once it is started again.
_RETURN_S = 15.0

UPDATES = (
    FailingUpdate(
        "never healthy",
        image="never_healthy",
        says=(f"was not healthy within {SHORT_DEADLINE_S} s", "still waiting (FAIL=never_healthy)", "serves again"),
        away_s=SHORT_DEADLINE_S + _RETURN_S,
    ),
    FailingUpdate(
        "crashes at start",
        image="crash",
        says=("crashes and restarts", "Engine core initialization failed (FAIL=crash)", "serves again"),
        away_s=SHORT_DEADLINE_S + _RETURN_S,
    ),
    FailingUpdate(
        "locks more memory than the host lets it",
        changes={"claims": {"limits": {"memlock_kib": 1 << 20}}},
        says=("this host refuses the new container's terms, the old one still serves", "rlimit"),
        away_s=0,
    ),
    FailingUpdate(
        "more CPUs than the host has",
        changes={"claims": {"cpus": 64}},
        says=("this host refuses the new container's terms, the old one still serves", "CPUs"),
        away_s=0,
    ),
    FailingUpdate(
        "a port that another program has",
        changes={"port": FOREIGN_PORT},
        says=(f":{FOREIGN_PORT} is taken by", "python3", "nothing was changed"),
        away_s=0,
    ),
    FailingUpdate(
        "an address that the host does not have",
        changes={"claims": {"bind_address": "198.18.10.253"}},
        says=("cannot assign requested address",),
        away_s=_RETURN_S,
        returns_alone=True,
    ),
)


@pytest.fixture(scope="module")
def foreign_program(host: Sandbox) -> Iterator[None]:
    """Somebody else's server on a port of the host."""
    host.run(f"systemd-run --unit foreign --quiet python3 -m http.server {FOREIGN_PORT} --bind {host.inner_address}")
    yield
    host.run("systemctl stop foreign")


@pytest.fixture(scope="module")
def deployed(stack: Stack, wish: Wish, foreign_program: None) -> Wish:
    """The server that every update here fails to replace."""
    stack.wishes(wish)
    stack.up()
    return wish


@pytest.mark.parametrize("update", UPDATES, ids=lambda update: update.name)
def test_the_old_server_stays(
    stack: Stack, deployed: Wish, host: Sandbox, tiny_image: Callable[[str], Path], update: FailingUpdate
) -> None:
    old = the_server(host)
    stack.wishes(update.asked(deployed, tiny_image))

    with Watch(url_of(host)) as watch:
        said = stack.up(fails=True)
        if update.returns_alone:
            wait_until_healthy(url_of(host), _RETURN_S)

    for words in update.says:
        assert said.lines(words), f"'{words}' is not in:\n{said.text}"
    assert watch.longest_outage_s <= update.away_s
    assert the_server(host) == old
    assert answers(url_of(host))

    stack.wishes(deployed)
    stack.up()
    assert len(servers(host)) == 1
    # A container that could not even start leaves the engine with a switch that it cannot finish as it is.
    assert (the_server(host) == old) is not update.returns_alone
    stack.is_in_sync()


def test_a_correction_replaces_what_failed(
    stack: Stack, deployed: Wish, host: Sandbox, tiny_image: Callable[[str], Path]
) -> None:
    old = the_server(host)
    stack.wishes(deployed.but(image=tiny_image("crash"), parallel_requests=3))
    stack.up(fails=True)
    stack.wishes(deployed.but(parallel_requests=3))
    stack.up()
    assert [server.name for server in servers(host)] == [the_server(host).name]
    assert the_server(host) != old
    assert answers(url_of(host))
    stack.is_in_sync()
