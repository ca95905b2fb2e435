"""Where a host fetches a model's files from: the hub or an archive, both pinned."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from hosts.spec import Spec

_REPOSITORY = re.compile(r"^[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?$", re.ASCII)
_COMMIT = re.compile(r"^[0-9a-f]{40}$")
_SHA256 = re.compile(r"^[0-9a-f]{64}$")
HUB = "https://huggingface.co"


def _repository(value: str) -> str:
    if not _REPOSITORY.match(value):
        raise ValueError("must be a repository of the hub such as 'mistralai/Mistral-7B-Instruct-v0.3'")
    return value


def _commit(value: str) -> str:
    if not _COMMIT.match(value):
        raise ValueError(
            "must be a full commit of 40 hexadecimal digits: a branch or tag moves; "
            "'python -m hosts.lock hub REPOSITORY BRANCH' prints the commit it names now"
        )
    return value


def _sha256(value: str) -> str:
    if not _SHA256.match(value):
        raise ValueError("must be the archive's SHA-256, 64 hexadecimal digits, as sha256sum prints it")
    return value


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - raises where it is no number
    except ValueError as error:
        raise ValueError(f"must be a URL: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or any(c.isspace() for c in value):
        raise ValueError("must be an http or https URL")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must hold no user or password: the URL is kept in the clear")
    if parts.fragment:
        raise ValueError("must have no '#' part")
    return value


def _endpoint(value: str) -> str:
    if urlsplit(_url(value)).query:
        raise ValueError("must be the URL under which the hub's paths begin, without '?'")
    return value.rstrip("/")


class HubSource(Spec):
    """A repository of the Hugging Face hub, or of a mirror, at one commit."""

    repository: Annotated[str, AfterValidator(_repository)]
    revision: Annotated[str, AfterValidator(_commit)]
    endpoint: Annotated[str, AfterValidator(_endpoint)] = Field(default=HUB)


class ArchiveSource(Spec):
    """A tar (plain, gz, bz2, xz) or zip by HTTP; what it holds may lie below one top folder."""

    url: Annotated[str, AfterValidator(_url)]
    sha256: Annotated[str, AfterValidator(_sha256)]
