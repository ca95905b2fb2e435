"""The Docker daemon of a configuration: a client that connects on first use."""

from __future__ import annotations

import json
import tempfile
import threading
from pathlib import Path
from typing import Any

import docker.errors
import requests
from docker import APIClient
from docker.constants import DEFAULT_DOCKER_API_VERSION, MINIMUM_DOCKER_API_VERSION

from toolchain.plugins.docker.configuration import Configuration
from toolchain.plugins.docker.errors import OperationError, PluginError
from toolchain.plugins.docker.host.ssh_connection import SshConnection, SshError
from toolchain.plugins.docker.host.ssh_url import SshUrl

#: The longest a request may stay without an answer, as the official plugin's operations.
REQUEST_TIMEOUT_SECONDS = 20 * 60
#: Concurrent HTTP connections to a local or TCP daemon.
_POOL_SIZE = 25


class Daemon:
    """Connects once, from whichever thread comes first; the client may be used by all."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self._lock = threading.Lock()
        self._client: APIClient | None = None
        self._ssh: SshConnection | None = None
        self._failures = 0
        self._last_failure: OperationError | None = None

    @property
    def client(self) -> APIClient:
        """The client; raises OperationError when the daemon does not answer.

        Those who waited for an attempt that failed share its failure, so that a
        host that is away costs its timeout once and not once a resource.
        """
        seen = self._failures
        with self._lock:
            if self._client is None:
                if self._failures > seen and self._last_failure is not None:
                    raise self._last_failure
                try:
                    self._client = self._connect()
                except OperationError as error:
                    self._failures += 1
                    self._last_failure = error
                    raise
            return self._client

    def ping(self) -> None:
        """Raise OperationError unless the daemon answers."""
        self.client.ping()

    @property
    def address(self) -> str:
        if self.configuration.context:
            return _context_host(self.configuration.context)
        return self.configuration.host

    def _connect(self) -> APIClient:
        try:
            probe = self._new_client(DEFAULT_DOCKER_API_VERSION)
            offered = probe.version(api_version=False)["ApiVersion"]
        except SshError as error:
            raise OperationError(self._unreachable(self._ssh_failure(error))) from error
        except (requests.RequestException, docker.errors.DockerException, OSError) as error:
            cause = _ssh_cause(error)
            text = self._ssh_failure(cause) if cause is not None else self._plain_failure(error)
            raise OperationError(self._unreachable(text)) from error
        version = min(offered, DEFAULT_DOCKER_API_VERSION, key=_version_key)
        if _version_key(version) < _version_key(MINIMUM_DOCKER_API_VERSION):
            raise OperationError(f"the Docker Engine at {self.address} is too old: API {offered}")
        return self._new_client(version)

    def _new_client(self, version: str) -> APIClient:
        address = self.address
        if not address.startswith("ssh://"):
            return APIClient(
                base_url=address,
                version=version,
                timeout=REQUEST_TIMEOUT_SECONDS,
                tls=self._tls() or False,
                num_pools=_POOL_SIZE,
                max_pool_size=_POOL_SIZE,
            )
        from toolchain.plugins.docker.host.ssh_adapter import BASE_URL, SshAdapter

        if self._ssh is None:
            self._ssh = SshConnection(SshUrl.parse(address), self.configuration.ssh_opts)
        client = APIClient(base_url=BASE_URL, version=version, timeout=REQUEST_TIMEOUT_SECONDS)
        client.mount(BASE_URL, SshAdapter(self._ssh))
        return client

    def _unreachable(self, cause: str) -> str:
        return (
            "failed to create Docker client: Error pinging Docker server, please make sure that "
            f"{self.address} is reachable and has a  '_ping' endpoint. Error: {cause}"
        )

    def _ssh_failure(self, error: SshError) -> str:
        command = SshUrl.parse(self.address).command(self.configuration.ssh_opts)
        return (
            f'error during connect: Head "http://docker.example.com/_ping": command [{command}] has exited with '
            f"exit status {error.exit_status}, make sure the URL is valid, and Docker 18.09 or later is installed "
            f"on the remote host: stderr={error.stderr}"
        )

    def _plain_failure(self, error: Exception) -> str:
        if isinstance(error, docker.errors.APIError):
            return str(error)
        return f"Cannot connect to the Docker daemon at {self.address}. Is the docker daemon running? ({error})"

    def _tls(self) -> Any:
        configuration = self.configuration
        if configuration.cert_material or configuration.key_material:
            folder = Path(tempfile.mkdtemp(prefix="docker-tls-"))
            return _tls_config(
                _written(folder / "ca.pem", configuration.ca_material),
                _written(folder / "cert.pem", configuration.cert_material),
                _written(folder / "key.pem", configuration.key_material),
            )
        if configuration.cert_path:
            folder = Path(configuration.cert_path).expanduser()
            return _tls_config(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
        return None


def _written(path: Path, material: str) -> Path | None:
    if not material:
        return None
    path.touch(mode=0o600)
    path.write_text(material, encoding="ascii")
    return path


def _tls_config(ca: Path | None, cert: Path | None, key: Path | None) -> Any:
    from docker.tls import TLSConfig

    has_ca = ca is not None and ca.exists()
    return TLSConfig(
        client_cert=(str(cert), str(key)) if cert is not None and key is not None else None,
        ca_cert=str(ca) if has_ca else None,
        verify=has_ca,
    )


def _context_host(name: str) -> str:
    """The address of a context of the docker command line."""
    for meta in (Path.home() / ".docker" / "contexts" / "meta").glob("*/meta.json"):
        content = json.loads(meta.read_text(encoding="utf-8"))
        if content.get("Name") == name:
            return str(content["Endpoints"]["docker"]["Host"])
    if name == "default":
        from toolchain.plugins.docker.configuration import DEFAULT_HOST

        return DEFAULT_HOST
    raise PluginError(f"context: there is no Docker context {name!r} in ~/.docker/contexts")


def _version_key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _ssh_cause(error: BaseException | None) -> SshError | None:
    """The SSH failure behind an error of the HTTP client."""
    seen = 0
    while error is not None and seen < 10:
        if isinstance(error, SshError):
            return error
        for argument in error.args:
            inner = getattr(argument, "reason", None) or argument
            if isinstance(inner, SshError):
                return inner
        error = error.__cause__ or error.__context__
        seen += 1
    return None
