"""Signs in: private key, password, keyboard-interactive, agent, in the order of Go's SSH client."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field

import paramiko
from paramiko.agent import AgentSSH

from toolchain.plugins.command.protocol.errors import CommandError
from toolchain.plugins.command.protocol.gotext import errno_text
from toolchain.plugins.command.ssh.endpoint import Endpoint
from toolchain.plugins.command.ssh.keys import host_key, private_key


@dataclass(frozen=True)
class Credentials:
    """What an endpoint may sign in with and which host key it must show, read once before the first try."""

    key: paramiko.PKey | None = field(repr=False)
    password: str | None = field(repr=False)
    agent_keys: tuple[paramiko.PKey, ...] = ()
    has_agent: bool = False
    expected: tuple[str, bytes] | None = None


def credentials(target: Endpoint) -> Credentials:
    """Reads the keys and asks the agent; raises CommandError where either fails, without any retry."""
    expected = host_key(target.host_key) if target.host_key else None
    key = private_key(target.private_key, target.private_key_password) if target.private_key is not None else None
    agent_keys = _agent_keys(target.agent_socket) if target.agent_socket else ()
    return Credentials(key, target.password, agent_keys, has_agent=target.agent_socket is not None, expected=expected)


def _agent_keys(path: str) -> tuple[paramiko.PKey, ...]:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(path)
    except OSError as error:
        connection.close()
        raise CommandError(f"dial unix {path}: connect: {errno_text(error)}") from None
    agent = AgentSSH()
    try:
        agent._connect(connection)  # type: ignore[attr-defined]
    except (paramiko.SSHException, OSError, ValueError):
        return ()
    return tuple(agent.get_keys())


def sign_in(transport: paramiko.Transport, user: str, keys: Credentials) -> None:
    """Raises CommandError naming the methods that were tried."""
    methods = _methods(transport, user, keys)
    tried = ["none"]
    offered = _none(transport, user)
    while transport.is_active() and not transport.is_authenticated():
        method = next((name for name, _ in methods if name in offered and name not in tried), None)
        if method is None:
            break
        attempt = next(run for name, run in methods if name == method)
        try:
            offered = attempt() or offered
        except paramiko.BadAuthenticationType as error:
            offered = error.allowed_types
        except paramiko.AuthenticationException:
            pass
        if not transport.is_authenticated():
            tried.append(method)
    if not transport.is_authenticated():
        words = " ".join(tried)
        raise CommandError(f"ssh: unable to authenticate, attempted methods [{words}], no supported methods remain")


def _none(transport: paramiko.Transport, user: str) -> list[str]:
    """Asks what the server offers; a server that needs nothing is signed in to hereby."""
    try:
        transport.auth_none(user)
    except paramiko.BadAuthenticationType as error:
        return list(error.allowed_types)
    except paramiko.AuthenticationException:
        return []
    return []


def _methods(transport: paramiko.Transport, user: str, keys: Credentials) -> list[tuple[str, Callable[[], list[str]]]]:
    methods: list[tuple[str, Callable[[], list[str]]]] = []
    key, password = keys.key, keys.password
    if key is not None:
        methods.append(("publickey", lambda: transport.auth_publickey(user, key)))
    if password is not None:
        methods.append(("password", lambda: transport.auth_password(user, password, fallback=False)))
        methods.append(
            (
                "keyboard-interactive",
                lambda: transport.auth_interactive(user, lambda _title, _text, prompts: [password] * len(prompts)),
            )
        )
    if keys.has_agent:
        methods.append(("publickey", lambda: _any_of(transport, user, keys.agent_keys)))
    return methods


def _any_of(transport: paramiko.Transport, user: str, keys: tuple[paramiko.PKey, ...]) -> list[str]:
    for key in keys:
        try:
            return transport.auth_publickey(user, key)
        except paramiko.BadAuthenticationType:
            raise
        except paramiko.AuthenticationException:
            continue
    raise paramiko.AuthenticationException("the agent's keys were refused")
