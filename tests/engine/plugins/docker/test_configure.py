"""Configuring the provider where no daemon answers, against the official plugin's answers."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.engine.plugins.docker.plugin import CONTAINER, RefusedError, running_plugin

pytestmark = pytest.mark.docker

Rows = list[dict[str, Any]]


def _answer(rows: Rows, case: str) -> Any:
    return next(row["answer"] for row in rows if row["op"] == "configure" and row["case"] == case)


@pytest.mark.parametrize(
    ("case", "host"),
    [
        ("no daemon at a unix socket", "unix:///nosuch.sock"),
        ("no daemon at a tcp address", "tcp://127.0.0.1:1"),
    ],
)
def test_no_daemon(answers: Rows, case: str, host: str) -> None:
    with running_plugin() as plugin, pytest.raises(RefusedError) as refused:
        plugin.configure(host=host)
    assert refused.value.details == _answer(answers, case)["error"]["details"]


def test_an_ssh_host_is_reached_only_when_it_is_needed(answers: Rows) -> None:
    wanted = _answer(answers, "ssh host that refuses")
    with running_plugin(host="ssh://root@127.0.0.1:1") as plugin:
        with pytest.raises(RefusedError) as refused:
            plugin.create(CONTAINER, {"name": "x", "image": "x"})
        assert refused.value.details == wanted["create_error"]["details"]
        with pytest.raises(RefusedError) as refused:
            plugin.read(CONTAINER, "x", {"name": "x"}, {"name": "x"})
        assert refused.value.details == wanted["read_error"]["details"]


def test_an_unknown_ssh_option_is_refused_by_name() -> None:
    with (
        running_plugin(host="ssh://root@127.0.0.1:1", sshOpts='["-o", "Wibble=yes"]') as plugin,
        pytest.raises(RefusedError, match=re.escape("the ssh option 'Wibble' is not supported")),
    ):
        plugin.create(CONTAINER, {"name": "x", "image": "x"})
