"""HTTP over the channels of an SSH connection, for the Docker client."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from typing import Any, cast

import requests.adapters
import urllib3
import urllib3.connection

from toolchain.plugins.docker.host.ssh_connection import SshConnection, SshError

#: What the docker command line calls a host behind a connection of its own.
BASE_URL = "http://docker.example.com:2375"
#: OpenSSH's server allows ten sessions a connection; two stay free for others.
MAX_CHANNELS = 8


class _ChannelConnection(urllib3.connection.HTTPConnection):
    """An HTTP connection whose socket is a channel."""

    def __init__(self, ssh: SshConnection, **options: Any) -> None:
        super().__init__("docker.example.com", **options)
        self._ssh = ssh

    def connect(self) -> None:
        channel = self._ssh.open_channel()
        # The daemon may be silent as long as it works on a request.
        channel.settimeout(None)
        self.sock = cast("Any", channel)

    def getresponse(self) -> Any:
        channel = self.sock
        try:
            return super().getresponse()
        except (http.client.RemoteDisconnected, ConnectionError, EOFError) as error:
            raise _command_failure(channel) or error from error


def _command_failure(channel: Any) -> SshError | None:
    """Why the remote command ended, if it did."""
    if channel is None or not channel.exit_status_ready():
        return None
    stderr = b""
    while channel.recv_stderr_ready():
        stderr += channel.recv_stderr(65536)
    return SshError(stderr.decode(errors="replace"), channel.recv_exit_status())


class _ChannelPool(urllib3.HTTPConnectionPool):
    """Hands out at most `MAX_CHANNELS` connections at a time; others wait."""

    def __init__(self, ssh: SshConnection) -> None:
        super().__init__("docker.example.com", maxsize=MAX_CHANNELS, block=True)
        self._ssh = ssh

    def _new_conn(self) -> Any:
        return _ChannelConnection(self._ssh)


class SshAdapter(requests.adapters.BaseAdapter):
    """Sends the requests of a session through an SSH connection."""

    def __init__(self, ssh: SshConnection) -> None:
        super().__init__()
        self.ssh = ssh
        self._pool = _ChannelPool(ssh)
        self._http = _PooledAdapter(self._pool)

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        return self._http.send(request, *args, **options)

    def close(self) -> None:
        self._pool.close()
        self.ssh.close()


class _PooledAdapter(requests.adapters.HTTPAdapter):
    """An HTTP adapter with a single pool."""

    def __init__(self, pool: _ChannelPool) -> None:
        self._channel_pool = pool
        super().__init__()

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,  # noqa: ARG002
        verify: bool | str | None,  # noqa: ARG002
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002
        cert: Any = None,  # noqa: ARG002
    ) -> Any:
        return self._channel_pool

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:  # noqa: ARG002
        return request.path_url
