"""One HTTP GET: credentials stay with the host they are for, and every failure is told apart."""

from __future__ import annotations

import email.utils
import http.client
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPMessage
from typing import IO, Protocol
from urllib.parse import urlsplit

from hosts.download.errors import DownloadError, PassingError

AGENT = "gpuhost"
PASSING = frozenset({408, 425, 429})  # and every 5xx
NETWORK_ERRORS = (OSError, http.client.HTTPException)


class Explain(Protocol):
    """What a source says about a status and its headers (names in lower case); None leaves it to us."""

    def __call__(self, status: int, headers: Mapping[str, str], /) -> str | None: ...


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects with the Range kept, and with the token kept for its own host alone."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request:
        del fp, code, msg, headers  # the base class has told the redirect from other answers
        before, after = urlsplit(req.full_url), urlsplit(newurl)
        if after.scheme not in ("https", before.scheme):
            raise DownloadError(f"{before.netloc} redirects to {after.scheme}://{after.netloc}, away from https")
        kept = {name: value for name, value in req.headers.items() if name.lower() != "host"}
        if (before.scheme, before.netloc) != (after.scheme, after.netloc):
            kept.pop("Authorization", None)
        return urllib.request.Request(newurl, headers=kept)  # noqa: S310 - checked above

    def http_error_308(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage
    ) -> object:
        return self.http_error_302(req, fp, code, msg, headers)


class Web:
    """Opens URLs. `token` goes to no other host than the one that is asked first; `silence_s` ends a read."""

    def __init__(self, token: str = "", explain: Explain | None = None, silence_s: float = 30) -> None:
        self._token = token
        self._explain = explain or (lambda *_: None)
        self._silence_s = silence_s
        self._open = urllib.request.build_opener(_Redirects()).open

    def get(self, url: str, offset: int = 0) -> http.client.HTTPResponse:
        """The answer, 200 or 206. Raises PassingError for what may pass, DownloadError for what will not."""
        headers = {"User-Agent": AGENT, "Accept-Encoding": "identity"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if offset:
            headers["Range"] = f"bytes={offset}-"
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the stack's own http or https URL
        try:
            answer: http.client.HTTPResponse = self._open(request, timeout=self._silence_s)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(
                    error.code, error.reason, {name.lower(): value for name, value in error.headers.items()}, url
                ) from None
        except NETWORK_ERRORS as error:
            raise network_failure(error, url) from None
        return answer

    def size_bytes(self, url: str) -> int:
        """What the server announces; DownloadError where it does not."""
        with self.get(url) as answer:  # not HEAD, which signed URLs refuse
            announced = answer.headers.get("Content-Length", "")
        if not announced.isdigit():
            raise DownloadError(f"{place(url)} does not say how large the file is")
        return int(announced)

    def _refusal(self, status: int, reason: str, headers: Mapping[str, str], url: str) -> Exception:
        said = self._explain(status, headers) or f"{place(url)} answers {status} {reason}"
        if status in PASSING or status >= 500:
            return PassingError(said, asked_wait_s(headers))
        if status == 416:
            return PassingError(f"{place(url)} has no more bytes than are here already", 0)
        return DownloadError(said)


def network_failure(error: Exception, url: str) -> Exception:
    """A failure below HTTP: only a certificate that cannot be trusted is final."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return DownloadError(f"the certificate of {place(url)} is not trusted here: {cause.verify_message}")
    return PassingError(f"{place(url)}: {cause or type(cause).__name__}")


def place(url: str) -> str:
    """Scheme and host alone: the rest of a URL may be a signature."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")


def asked_wait_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks us to wait: Retry-After as a number or a date, or the draft RateLimit's `t`."""
    after = headers.get("retry-after")
    if after is not None:
        if after.strip().isdigit():
            return float(after)
        try:
            return max(0.0, email.utils.parsedate_to_datetime(after).timestamp() - time.time())
        except (TypeError, ValueError):
            return None
    limit = re.search(r"\bt=(\d+)", headers.get("ratelimit", ""))
    return float(limit[1]) if limit else None
