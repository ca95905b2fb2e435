"""What a host serves right now, seen from the host and from a client."""

from __future__ import annotations

import threading
import time
import urllib.request
from dataclasses import dataclass
from types import TracebackType
from urllib.error import URLError

from hosts.sandbox import Sandbox

_OPEN = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
SERVICE = "vllm"


def answers(url: str) -> bool:
    """Whether /health answers 200 within two seconds."""
    try:
        with _OPEN(f"{url}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


@dataclass(frozen=True)
class Server:
    """One container of the service on a host."""

    name: str
    container_id: str
    state: str
    image: str


def servers(host: Sandbox) -> list[Server]:
    """Every container of the service, running or not."""
    listing = host.run(
        f"docker ps --all --no-trunc --filter label=gpuhost.service={SERVICE} "
        "--format '{{.Names}} {{.ID}} {{.State}} {{.Image}}'"
    ).stdout
    return [Server(*line.split()) for line in listing.splitlines()]


def running(host: Sandbox) -> list[Server]:
    return [server for server in servers(host) if server.state == "running"]


def the_server(host: Sandbox) -> Server:
    """The one container that runs; the test fails where there are none or several."""
    found = running(host)
    assert len(found) == 1, f"one server was to run on {host.name}: {servers(host)}"
    return found[0]


def url_of(host: Sandbox, port: int = 8000) -> str:
    return f"http://{host.address}:{port}"


class Watch:
    """Asks an endpoint ten times a second from its start to its end, and knows for how long it was away.

    Example: `with Watch(url) as watch: stack.up()` and then `watch.longest_outage_s`
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self.outages_s: list[float] = []
        self.answered = 0

    def _ask(self) -> None:
        away_since: float | None = None
        while not self._stop.is_set():
            now = time.monotonic()
            if answers(self._url):
                self.answered += 1
                if away_since is not None:
                    self.outages_s.append(now - away_since)
                away_since = None
            elif away_since is None:
                away_since = now
            self._stop.wait(0.1)
        if away_since is not None:
            self.outages_s.append(time.monotonic() - away_since)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def longest_outage_s(self) -> float:
        return max(self.outages_s, default=0.0)


def wait_until_healthy(url: str, within_s: float) -> float:
    """Seconds until the endpoint answers; the test fails where it does not in time."""
    begun = time.monotonic()
    while not answers(url):
        waited = time.monotonic() - begun
        assert waited < within_s, f"{url} did not answer within {within_s} s"
        time.sleep(0.3)
    return time.monotonic() - begun


def wait_until_settled(host: Sandbox, within_s: float) -> None:
    """Until the host's guard has ended: the switch is over, one way or the other."""
    begun = time.monotonic()
    while host.run(f"systemctl is-active --quiet gpuhost-guard-{SERVICE}", check=False).returncode == 0:
        assert time.monotonic() - begun < within_s, f"after {within_s} s the guard still waits: {servers(host)}"
        time.sleep(0.5)
