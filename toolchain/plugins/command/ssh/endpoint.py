"""How to reach and sign in to a host, as the `connection` property says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from toolchain.plugins.command.protocol.gotext import join_host_port


@dataclass(frozen=True)
class Endpoint:
    """One SSH server and the credentials for it; hidden in repr, because it holds keys and passwords."""

    host: str
    port: int
    user: str
    host_key: str = field(repr=False)
    private_key: str | None = field(repr=False)
    private_key_password: str | None = field(repr=False)
    password: str | None = field(repr=False)
    agent_socket: str | None
    dial_error_limit: int
    per_dial_timeout_s: int
    proxy: Endpoint | None = None

    @property
    def address(self) -> str:
        """host:port"""
        return join_host_port(self.host, self.port)

    @property
    def tries(self) -> str:
        """The limit as progress messages show it."""
        return "inf" if self.dial_error_limit == -1 else str(self.dial_error_limit)


def endpoint(connection: Mapping[str, Any]) -> Endpoint:
    """From a `connection` that check has accepted."""
    proxy = connection.get("proxy")
    return Endpoint(
        host=connection.get("host") or "",
        port=int(connection.get("port", 22)),
        user=connection.get("user", "root"),
        host_key=connection.get("hostKey") or "",
        private_key=connection.get("privateKey"),
        private_key_password=connection.get("privateKeyPassword"),
        password=connection.get("password"),
        agent_socket=connection.get("agentSocketPath") or os.environ.get("SSH_AUTH_SOCK") or None,
        dial_error_limit=int(connection.get("dialErrorLimit", 10)),
        per_dial_timeout_s=int(connection.get("perDialTimeout", 15)),
        proxy=endpoint(proxy) if proxy else None,
    )
