"""Download one file, check its SHA-256, and only then give it its name.

Usage: fetch.py URL SHA256 FILE. Exits with 1 and one line on standard error if the file cannot be had, and
with 2 if what came is not what was pinned.
"""

import hashlib
import sys
import time
from pathlib import Path

import requests

CONNECT_TIMEOUT_S = 5  # a machine without access should learn so at once
READ_TIMEOUT_S = 60
REPORT_EVERY_S = 15
CHUNK_BYTES = 1 << 20


def download(url: str, file: Path) -> str:
    """Write the body of ``url`` to ``file`` and return its SHA-256; raises ``requests.RequestException``."""
    digest = hashlib.sha256()
    received = 0
    reported = time.monotonic()
    with requests.get(url, stream=True, timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S)) as response:
        response.raise_for_status()
        expected = int(response.headers.get("Content-Length", 0))
        with file.open("wb") as body:
            for chunk in response.iter_content(CHUNK_BYTES):
                body.write(chunk)
                digest.update(chunk)
                received += len(chunk)
                if time.monotonic() - reported >= REPORT_EVERY_S:
                    reported = time.monotonic()
                    print(f"  ... {received >> 20} of {expected >> 20} MiB", file=sys.stderr)
    return digest.hexdigest()


def main(url: str, sha256: str, file: Path) -> int:
    partial = file.with_name(f"{file.name}.partial")
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        found = download(url, partial)
    except requests.RequestException as error:
        print(f"  cannot fetch {url}: {type(error).__name__}", file=sys.stderr)
        return 1
    if found != sha256:
        partial.unlink()
        print(f"  refused {url}: its SHA-256 is {found}, pinned is {sha256}", file=sys.stderr)
        return 2
    partial.replace(file)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
