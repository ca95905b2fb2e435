"""The Hugging Face hub's file API: where a file of a commit lies, what a commit holds, what a refusal means."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urljoin

from hosts.download.errors import DownloadError
from hosts.download.web import Web

ENDPOINT = "https://huggingface.co"
_MAX_LISTING_BYTES = 64 << 20


@dataclass(frozen=True)
class HubFile:
    """A file of a commit. `sha256` is known for large files (LFS) alone, `git_sha1` is that of the git blob."""

    path: str
    size_bytes: int
    sha256: str | None
    git_sha1: str


@dataclass(frozen=True)
class Hub:
    """One repository at one revision."""

    repository: str
    revision: str
    endpoint: str = ENDPOINT

    def url_of(self, path: str) -> str:
        """Where the file is read; the hub may redirect from there."""
        return f"{self._base}/{quote(self.repository)}/resolve/{quote(self.revision, safe='')}/{quote(path)}"

    @property
    def _base(self) -> str:
        return self.endpoint.rstrip("/")

    @property
    def _api(self) -> str:
        return f"{self._base}/api/models/{quote(self.repository)}"

    def commit(self, web: Web) -> str:
        """The full commit that the revision, a branch or a tag for instance, names now."""
        seen = _json(web, f"{self._api}/revision/{quote(self.revision, safe='')}")[0]
        if not isinstance(seen, dict) or not re.match(r"^[0-9a-f]{40}$", str(seen.get("sha"))):
            raise DownloadError(f"{self._base} names no commit for '{self.repository}' at '{self.revision}'")
        return str(seen["sha"])

    def files(self, web: Web) -> Iterator[HubFile]:
        """Every file of the revision, page by page."""
        url: str | None = f"{self._api}/tree/{quote(self.revision, safe='')}?recursive=true"
        while url is not None:
            entries, link = _json(web, url)
            if not isinstance(entries, list):
                raise DownloadError(f"{self._base} lists '{self.repository}' as something else than a list")
            yield from (_file(entry) for entry in entries if entry.get("type") == "file")
            following = re.search(r'<([^>]+)>\s*;\s*rel="?next"?', link)
            url = urljoin(url, following[1]) if following else None

    def explain(self, status: int, headers: Mapping[str, str]) -> str | None:
        """What the hub's refusal means here, and what to do."""
        code, words = headers.get("x-error-code", ""), headers.get("x-error-message", "")
        where = f"'{self.repository}' at {self._base}"
        if code == "GatedRepo":
            return f"{where} is gated: accept its terms there, and set gpuhost:hubToken to a token of that account"
        if status in (401, 403):
            return (
                f"{where} answers {status}: it does not exist, or it is private and gpuhost:hubToken is not set "
                "or may not read it"
            )
        if status == 404:
            what = {
                "RevisionNotFound": f"has no revision '{self.revision}'",
                "EntryNotFound": f"has no such file at revision {self.revision}",
                "RepoNotFound": "does not exist",
            }.get(code, f"or its revision {self.revision} does not exist")
            return f"{where} {what}"
        if status == 429:
            return f"{self._base} answers 429, too many requests"
        return f"{self._base} answers {status}: {words}" if words else None


def _file(entry: Mapping[str, Any]) -> HubFile:
    lfs = entry.get("lfs")
    return HubFile(
        path=str(entry["path"]),
        size_bytes=int(lfs["size"] if lfs else entry["size"]),
        sha256=str(lfs["oid"]) if lfs else None,
        git_sha1=str(entry["oid"]),
    )


def _json(web: Web, url: str) -> tuple[Any, str]:
    with web.get(url) as answer:
        text = answer.read(_MAX_LISTING_BYTES + 1)
        if len(text) > _MAX_LISTING_BYTES:
            raise DownloadError(f"{url} answers with more than {_MAX_LISTING_BYTES >> 20} MiB")
        try:
            return json.loads(text), answer.headers.get("Link", "")
        except ValueError:
            raise DownloadError(f"{url} does not answer with JSON; is the endpoint a hub?") from None
