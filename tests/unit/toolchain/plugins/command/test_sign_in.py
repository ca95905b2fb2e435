"""Signing in to a server of each kind, in the order of Go's client."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import paramiko
import pytest
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL
from paramiko.server import InteractiveQuery

from toolchain.plugins.command.protocol.errors import CommandError
from toolchain.plugins.command.ssh.sign_in import Credentials, sign_in

_KEY = paramiko.ECDSAKey.generate()
_STRANGER = paramiko.ECDSAKey.generate()


class _Server(paramiko.ServerInterface):
    """Takes what `accepts` names and offers what `offers` names; notes what was tried."""

    def __init__(self, offers: str, accepts: str) -> None:
        self._offers, self._accepts = offers, accepts
        self.tried: list[str] = []

    def get_allowed_auths(self, username: str) -> str:
        return self._offers

    def _answer(self, method: str, right: bool) -> int:
        self.tried.append(method)
        return AUTH_SUCCESSFUL if right and method == self._accepts else AUTH_FAILED

    def check_auth_none(self, username: str) -> int:
        return self._answer("none", right=True)

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return self._answer("publickey", right=key == _KEY)

    def check_auth_password(self, username: str, password: str) -> int:
        return self._answer("password", right=password == "right")

    def check_auth_interactive(self, username: str, submethods: str) -> InteractiveQuery:
        query = InteractiveQuery("", "")
        query.add_prompt("Password: ", False)
        query.add_prompt("Again: ", False)
        return query

    def check_auth_interactive_response(self, responses: list[str]) -> int:
        return self._answer("keyboard-interactive", right=responses == ["right", "right"])


class _Pair:
    """A client and a server that talk to each other."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self._server, self.client = paramiko.Transport(theirs), paramiko.Transport(ours)
        self._server.add_server_key(_KEY)

    def sign_in(self, offers: str, accepts: str, keys: Credentials) -> list[str]:
        server = _Server(offers, accepts)
        self._server.start_server(threading.Event(), server)
        self.client.start_client(timeout=10)
        sign_in(self.client, "someone", keys)
        return server.tried

    def close(self) -> None:
        self.client.close()
        self._server.close()


@pytest.fixture
def pair() -> Iterator[_Pair]:
    made = _Pair()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("offers", "accepts", "keys", "tried"),
    [
        ("publickey", "publickey", Credentials(_KEY, None), ["none", "publickey"]),
        ("publickey,password", "password", Credentials(_STRANGER, "right"), ["none", "publickey", "password"]),
        ("password", "password", Credentials(_KEY, "right"), ["none", "password"]),
        ("keyboard-interactive", "keyboard-interactive", Credentials(None, "right"), ["none", "keyboard-interactive"]),
        (
            "password,keyboard-interactive",
            "keyboard-interactive",
            Credentials(None, "right"),
            ["none", "password", "keyboard-interactive"],
        ),
        (
            "publickey",
            "publickey",
            Credentials(None, None, (_STRANGER, _KEY), has_agent=True),
            ["none", "publickey", "publickey"],
        ),
        ("none", "none", Credentials(None, None), ["none"]),
    ],
)
def test_it_works(offers: str, accepts: str, keys: Credentials, tried: list[str], pair: _Pair) -> None:
    # paramiko's server asks once whether a key would do and once for the proof.
    seen = pair.sign_in(offers, accepts, keys)
    assert list(dict.fromkeys(seen)) == list(dict.fromkeys(tried))
    assert pair.client.is_authenticated()


@pytest.mark.parametrize(
    ("offers", "keys", "attempted"),
    [
        ("publickey", Credentials(None, None), "none"),
        ("publickey", Credentials(None, "right"), "none"),
        ("publickey,password", Credentials(_STRANGER, "wrong"), "none publickey password"),
        ("password,keyboard-interactive", Credentials(_KEY, "wrong"), "none password keyboard-interactive"),
        ("publickey", Credentials(_STRANGER, None, (_KEY,), has_agent=True), "none publickey"),
        ("publickey", Credentials(None, None, (), has_agent=True), "none publickey"),
    ],
)
def test_what_was_tried_is_named(offers: str, keys: Credentials, attempted: str, pair: _Pair) -> None:
    text = rf"^ssh: unable to authenticate, attempted methods \[{attempted}\], no supported methods remain$"
    with pytest.raises(CommandError, match=text):
        pair.sign_in(offers, "nothing", keys)


def test_credentials_do_not_show() -> None:
    assert "right" not in repr(Credentials(_KEY, "right"))
