"""When connections are shared and when they are not."""

from __future__ import annotations

import threading
import time
from typing import Any

import paramiko
import pytest

from toolchain.plugins.command.protocol.engine_log import EngineLog, ResourceLog
from toolchain.plugins.command.protocol.errors import CommandError
from toolchain.plugins.command.ssh import pool as pool_module
from toolchain.plugins.command.ssh.endpoint import Endpoint, endpoint
from toolchain.plugins.command.ssh.pool import Pool
from toolchain.plugins.command.ssh.transport import ChannelRefusedError

_LOG = ResourceLog(EngineLog("127.0.0.1:1"), "urn")


class _Channel:
    def __init__(self, transport: _Transport) -> None:
        self._transport = transport

    def close(self) -> None:
        self._transport.opened -= 1


class _Transport:
    """Stands for a connection; `limit` is the server's MaxSessions."""

    jump = None

    def __init__(self, limit: int = 10) -> None:
        self.alive, self.closed, self.limit, self.opened = True, False, limit, 0
        self.broken = False

    def is_active(self) -> bool:
        return self.alive

    def open_session(self, timeout: float) -> _Channel:
        if self.broken:
            raise paramiko.SSHException("gone")
        if self.opened >= self.limit:
            raise paramiko.ChannelException(1, "no")
        self.opened += 1
        return _Channel(self)

    def observe(self, channel: _Channel) -> None:
        pass

    def refusal(self, error: paramiko.ChannelException) -> ChannelRefusedError:
        return ChannelRefusedError(error.code, "open failed")

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[_Transport]:
    """The connections that were made, in order."""
    made: list[_Transport] = []

    def dial(*_: object) -> Any:
        made.append(_Transport())
        return made[-1]

    monkeypatch.setattr(pool_module, "dial", dial)
    return made


def _pool() -> Pool:
    return Pool(threading.Event())


def _at(dialled: list[_Transport], number: int) -> Any:
    return dialled[number]


def _target(**given: Any) -> Endpoint:
    return endpoint({"host": "h", "agentSocketPath": "a"} | given)


def test_root_keeps_its_connection(dialled: list[_Transport]) -> None:
    pool = _pool()
    for _ in range(20):
        pool.session(_target(), _LOG).release(True)
    assert len(dialled) == 1
    assert not dialled[0].closed


def test_others_sign_in_anew_after_a_script(dialled: list[_Transport]) -> None:
    pool = _pool()
    for _ in range(3):
        pool.session(_target(user="someone"), _LOG).release(True)
    assert [transport.closed for transport in dialled] == [True, True, True]


def test_a_copy_changes_nobody(dialled: list[_Transport]) -> None:
    pool = _pool()
    for _ in range(3):
        pool.session(_target(user="someone"), _LOG).release(False)
    assert len(dialled) == 1


def test_a_script_that_still_runs_keeps_its_connection(dialled: list[_Transport]) -> None:
    pool = _pool()
    running = pool.session(_target(user="someone"), _LOG)
    pool.session(_target(user="someone"), _LOG).release(True)
    assert not dialled[0].closed
    assert pool.session(_target(user="someone"), _LOG).transport is _at(dialled, 1)
    running.release(True)
    assert dialled[0].closed


def test_other_credentials_are_another_connection(dialled: list[_Transport]) -> None:
    pool = _pool()
    for given in ({}, {"password": "p"}, {"port": 23.0}, {"hostKey": "k"}, {"proxy": {"host": "j"}}):
        pool.session(_target(**given), _LOG).release(True)
    assert len(dialled) == 5


def test_a_full_connection_gets_company(dialled: list[_Transport]) -> None:
    pool = _pool()
    for _ in range(17):
        pool.session(_target(), _LOG)
    assert [transport.opened for transport in dialled] == [8, 8, 1]


def test_a_server_that_allows_fewer_sessions_is_believed(dialled: list[_Transport]) -> None:
    pool = _pool()
    pool.session(_target(), _LOG)
    dialled[0].limit = 1
    pool.session(_target(), _LOG)
    pool.session(_target(), _LOG)
    assert [transport.opened for transport in dialled] == [1, 2]


def test_a_broken_connection_is_replaced(dialled: list[_Transport]) -> None:
    pool = _pool()
    pool.session(_target(), _LOG).release(True)
    dialled[0].broken = True
    assert pool.session(_target(), _LOG).transport is _at(dialled, 1)
    dialled[1].alive = False
    assert pool.session(_target(), _LOG).transport is _at(dialled, 2)


def test_a_new_connection_that_takes_no_session_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "dial", lambda *_: _Transport(limit=0))
    with pytest.raises(CommandError, match=r"^ssh: rejected: administratively prohibited \(open failed\)$"):
        _pool().session(_target(), _LOG)


def test_those_who_wait_share_one_attempt_and_its_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[int] = []
    everyone_waits = threading.Event()

    def dial(*_: object) -> Any:
        attempts.append(1)
        everyone_waits.wait(5)
        raise CommandError("after 10 failed attempts")

    monkeypatch.setattr(pool_module, "dial", dial)
    pool = _pool()
    errors: list[str] = []

    def session() -> None:
        try:
            pool.session(_target(), _LOG)
        except CommandError as error:
            errors.append(str(error))

    threads = [threading.Thread(target=session) for _ in range(6)]
    for thread in threads:
        thread.start()
    while len(pool._dialling) != 1:
        time.sleep(0.01)
    threading.Timer(0.3, everyone_waits.set).start()
    for thread in threads:
        thread.join()
    assert errors == ["after 10 failed attempts"] * 6
    assert len(attempts) == 1


def test_credentials_do_not_show() -> None:
    shown = repr(_target(password="p4ss", privateKey="k3y", privateKeyPassword="phr4se"))
    assert not any(secret in shown for secret in ("p4ss", "k3y", "phr4se"))
