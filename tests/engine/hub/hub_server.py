"""STAND-IN for the Hugging Face hub: its file API on loopback, with faults that a test asks for.

Shapes as the hub answers them: `resolve` sends large files on to a second host with a signed URL (302) and small
ones to a cache path of its own (307, relative), the tree comes in pages with a Link header, refusals carry
X-Error-Code and X-Error-Message.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import parse_qs, unquote, urlsplit

SMALL_BYTES = 100_000  # what the hub keeps in git itself
PAGE = 3


@dataclass(frozen=True)
class Fault:
    """What happens to one request for a file's content instead of the content."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after_bytes: int | None = None  # the connection ends there
    silent_after_bytes: int | None = None  # nothing more comes
    altered: bool = False  # right length, wrong bytes
    content: bytes | None = None  # another file altogether


@dataclass
class Seen:
    """A request for content: where it began, what was sent, whether it carried a token."""

    path: str
    start: int
    sent: int = 0
    authorized: bool = False


class Hub:
    """One repository with one commit. Example: `with Hub({"config.json": b"{}"}) as hub: … hub.endpoint`"""

    def __init__(self, files: Mapping[str, bytes], repository: str = "acme/tiny", token: str = "") -> None:
        self.files = dict(files)
        self.repository = repository
        self.commit = hashlib.sha1(repository.encode()).hexdigest()  # noqa: S324 - looks like a commit
        self.token = token
        self.gated = False
        self.bytes_per_s: float | None = None
        self.ranges = True
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        self.seen: list[Seen] = []
        self.cdn_tokens = 0  # requests to the second host that carried a token
        self.refusals: list[Fault] = []  # for the API and resolve, before anything else
        self._stopped = threading.Event()
        self._servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for handler in (_Front, _Cdn)]
        for server in self._servers:
            server.daemon_threads = True
            server.hub = self  # type: ignore[attr-defined]

    def __enter__(self) -> Hub:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopped.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    @property
    def ports(self) -> tuple[int, int]:
        """The hub's and its second host's."""
        front, cdn = (int(server.server_address[1]) for server in self._servers)
        return front, cdn

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.ports[0]}"

    def sha256(self, path: str) -> str:
        return hashlib.sha256(self.files[path]).hexdigest()

    def sent(self, path: str | None = None) -> int:
        """Bytes of content sent so far."""
        return sum(seen.sent for seen in self.seen if path in (None, seen.path))

    def starts(self, path: str) -> list[int]:
        """Where each request for the file's content began."""
        return [seen.start for seen in self.seen if seen.path == path]

    def forget(self) -> None:
        """As if nobody had asked for anything yet."""
        self.seen.clear()

    def wait(self, seconds: float) -> bool:
        return self._stopped.wait(seconds)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def hub(self) -> Hub:
        return cast("Hub", self.server.hub)  # type: ignore[attr-defined]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Silent."""

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status: int, code: str, message: str) -> None:
        self.answer(status, json.dumps({"error": message}).encode(), X_Error_Code=code, X_Error_Message=message)

    def content(self, path: str) -> None:
        """The file, from the byte asked for on, through whatever fault is due."""
        hub, whole = self.hub, self.hub.files[path]
        fault = hub.faults[path].pop(0) if hub.faults[path] else Fault()
        asked = re.match(r"bytes=(\d+)-$", self.headers.get("Range", "")) if hub.ranges else None
        start = int(asked[1]) if asked else 0
        seen = Seen(path, start, authorized="Authorization" in self.headers)
        hub.seen.append(seen)
        if fault.status:
            self.answer(fault.status, b"not now", **dict(fault.headers))
            return
        if fault.altered:
            whole = bytes(byte ^ 0xFF for byte in whole)
        whole = whole if fault.content is None else fault.content
        if asked and start >= len(whole):
            self.answer(416, Content_Range=f"bytes */{len(whole)}")
            return
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(whole) - 1}/{len(whole)}")
        self.send_header("Content-Length", str(len(whole) - start))
        self.end_headers()
        self.send_slowly(whole[start:], seen, fault)

    def send_slowly(self, data: bytes, seen: Seen, fault: Fault) -> None:
        end = next((b for b in (fault.cut_after_bytes, fault.silent_after_bytes) if b is not None), len(data))
        step = 64 << 10
        for at in range(0, min(end, len(data)), step):
            piece = data[at : min(at + step, end)]
            if self.hub.bytes_per_s and self.hub.wait(len(piece) / self.hub.bytes_per_s):
                return
            try:
                self.wfile.write(piece)
            except OSError:
                return
            seen.sent += len(piece)
        if fault.silent_after_bytes is not None:
            self.wfile.flush()
            self.hub.wait(20)
        if end < len(data):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)


class _Front(_Handler):
    """The hub itself."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        path, hub = unquote(parts.path), self.hub
        if hub.refusals:
            fault = hub.refusals.pop(0)
            self.answer(fault.status, b"{}", **dict(fault.headers))
        elif path.startswith("/archives/"):
            self.content(path.removeprefix("/archives/"))
        elif hub.token and self.headers.get("Authorization") != f"Bearer {hub.token}":
            if hub.gated:
                self.refuse(403, "GatedRepo", f"Access to model {hub.repository} is restricted.")
            else:
                self.refuse(401, "RepoNotFound", "Repository not found")
        elif path.startswith(f"/api/models/{hub.repository}/"):
            self.api(path.removeprefix(f"/api/models/{hub.repository}/"), parse_qs(parts.query))
        elif path.startswith(f"/{hub.repository}/resolve/"):
            self.resolve(*path.removeprefix(f"/{hub.repository}/resolve/").split("/", 1))
        elif path.startswith(f"/api/resolve-cache/models/{hub.repository}/{hub.commit}/"):
            self.content(path.split(f"/{hub.commit}/", 1)[1])
        else:
            self.refuse(404, "RepoNotFound", "Repository not found")

    def api(self, rest: str, query: Mapping[str, list[str]]) -> None:
        what, _, revision = rest.partition("/")
        if revision not in (self.hub.commit, "main"):
            self.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        elif what == "revision":
            self.answer(200, json.dumps({"id": self.hub.repository, "sha": self.hub.commit}).encode())
        else:
            self.tree(revision, int(query.get("cursor", ["0"])[0]))

    def tree(self, revision: str, first: int) -> None:
        entries = [*self.folders(), *(self.entry(path, data) for path, data in sorted(self.hub.files.items()))]
        page = json.dumps(entries[first : first + PAGE]).encode()
        if first + PAGE >= len(entries):
            self.answer(200, page)
            return
        url = f"{self.hub.endpoint}/api/models/{self.hub.repository}/tree/{revision}"
        self.answer(200, page, Link=f'<{url}?recursive=true&cursor={first + PAGE}>; rel="next"')

    def folders(self) -> Iterator[dict[str, object]]:
        for folder in sorted({path.rsplit("/", 1)[0] for path in self.hub.files if "/" in path}):
            yield {"type": "directory", "oid": "0" * 40, "size": 0, "path": folder}

    def entry(self, path: str, data: bytes) -> dict[str, object]:
        if len(data) < SMALL_BYTES:
            oid = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()  # noqa: S324 - git's
            return {"type": "file", "oid": oid, "size": len(data), "path": path}
        lfs = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
        return {"type": "file", "oid": "1" * 40, "size": len(data), "path": path, "lfs": lfs}

    def resolve(self, revision: str, path: str) -> None:
        hub = self.hub
        if revision not in (hub.commit, "main"):
            self.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        elif path not in hub.files:
            self.refuse(404, "EntryNotFound", "Entry not found")
        elif len(hub.files[path]) < SMALL_BYTES:
            self.answer(307, Location=f"/api/resolve-cache/models/{hub.repository}/{hub.commit}/{path}")
        else:
            signed = f"http://127.0.0.1:{hub.ports[1]}/{path}?signature={time.monotonic_ns()}"
            self.answer(302, Location=signed, X_Linked_Etag=f'"{hub.sha256(path)}"')


class _Cdn(_Handler):
    """The second host, which no token must ever reach."""

    def do_GET(self) -> None:
        self.hub.cdn_tokens += "Authorization" in self.headers
        self.content(unquote(urlsplit(self.path).path).lstrip("/"))
