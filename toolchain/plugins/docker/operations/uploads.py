"""Files that are put into a container before it starts."""

from __future__ import annotations

import base64
import io
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolchain.plugins.docker.errors import OperationError

_DEFAULT_MODE = 0o644
_EXECUTABLE_MODE = 0o744


def archive(upload: Mapping[str, Any]) -> bytes:
    """A tar archive, to be unpacked at the root, of one file; raises OperationError."""
    content = _content(upload)
    entry = tarfile.TarInfo(upload["file"])
    entry.size = len(content)
    entry.mtime = int(time.time())
    entry.mode = _mode(upload)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _mode(upload: Mapping[str, Any]) -> int:
    if upload["permissions"]:
        return int(upload["permissions"], 8)
    return _EXECUTABLE_MODE if upload["executable"] else _DEFAULT_MODE


def _content(upload: Mapping[str, Any]) -> bytes:
    given = [name for name in ("content", "content_base64", "source") if upload[name]]
    if not given:
        raise OperationError("error with upload content: one of 'content', 'content_base64', or 'source' must be set")
    if len(given) > 1:
        raise OperationError(
            "error with upload content: only one of 'content', 'content_base64', or 'source' can be set"
        )
    value = upload[given[0]]
    if given[0] == "content":
        return str(value).encode()
    if given[0] == "content_base64":
        return base64.b64decode(value)
    try:
        return Path(value).read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OperationError(f"could not read file: open {value}: {reason}") from error
