"""The download client against the STAND-IN hub: every fault ends in the right bytes, or in one sentence."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.engine.hub.hub_server import Fault, Hub

PROJECT = Path(__file__).parents[3]
TOKEN = "hf_nobodys0123456789"
WEIGHTS = "model-00001-of-00001.safetensors"
FILES = {"config.json": b'{"a": 1}', WEIGHTS: os.urandom(3_000_000), "nested/tokenizer.json": b"x" * 2000}
HASTE = {"attempts": 4, "first_wait_s": 0.01, "longest_asked_wait_s": 5}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub(FILES, token=TOKEN) as running:
        yield running


Fetch = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    folder.mkdir()
    return folder


@pytest.fixture
def fetch(hub: Hub, store: Path, tmp_path: Path) -> Fetch:
    """Runs the client as a host does: a process of its own, the source and the token on its standard input."""

    def run(
        *paths: str, source: dict[str, object] | None = None, token: str = TOKEN, **changes: object
    ) -> subprocess.CompletedProcess[str]:
        wanted = paths or tuple(hub.files)
        (tmp_path / "missing").write_text("".join(f"{len(FILES[path])} {path}\n" for path in wanted))
        hashes = "".join(f"{hashlib.sha256(data).hexdigest()}  {path}\n" for path, data in FILES.items())
        (tmp_path / "hashes").write_text(hashes)
        hub_source = {"kind": "hub", "repository": hub.repository, "revision": hub.commit, "endpoint": hub.endpoint}
        asked = {**(source or hub_source), "patience": HASTE, "silence_s": 0.5, **changes}
        return subprocess.run(
            [sys.executable, "-m", "hosts.download", str(store), str(tmp_path / "missing"), str(tmp_path / "hashes")],
            input=f"{json.dumps(asked)}\n{token}\n",
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def arrived(store: Path) -> dict[str, bytes]:
    files = (path for path in store.rglob("*") if path.is_file() and ".incoming" not in path.parts)
    return {path.relative_to(store).as_posix(): path.read_bytes() for path in files}


def test_every_file_arrives_and_the_token_stays_with_the_hub(hub: Hub, fetch: Fetch, store: Path) -> None:
    done = fetch()
    assert done.returncode == 0, done.stderr
    assert arrived(store) == FILES
    assert hub.cdn_tokens == 0
    assert all(seen.authorized for seen in hub.seen if seen.path != WEIGHTS)
    assert TOKEN not in done.stdout + done.stderr


PASSING = {
    "429 with a wait": Fault(status=429, headers={"Retry-After": "0"}),
    "429 with the draft's wait": Fault(status=429, headers={"RateLimit": '"api";r=0;t=0'}),
    "500": Fault(status=500),
    "503 with a date": Fault(status=503, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
    "a cut connection": Fault(cut_after_bytes=1_000_000),
    "cut before the first byte": Fault(cut_after_bytes=0),
    "silence": Fault(silent_after_bytes=500_000),
}


@pytest.mark.parametrize("name", PASSING)
def test_what_passes_is_waited_out(hub: Hub, fetch: Fetch, store: Path, name: str) -> None:
    hub.faults[WEIGHTS].append(PASSING[name])
    done = fetch()
    assert done.returncode == 0, done.stderr
    assert arrived(store) == FILES
    assert f"model: {WEIGHTS}: " in done.stderr


@pytest.mark.parametrize("fault", ["a cut connection", "silence"])
def test_what_arrived_is_not_asked_for_again(hub: Hub, fetch: Fetch, fault: str) -> None:
    hub.faults[WEIGHTS].append(PASSING[fault])
    fetch(WEIGHTS)
    first, second = hub.starts(WEIGHTS)
    assert (first, second > 0) == (0, True)
    assert hub.sent(WEIGHTS) == len(FILES[WEIGHTS])


def test_a_server_without_ranges_is_read_from_the_start(hub: Hub, fetch: Fetch, store: Path) -> None:
    hub.ranges = False
    hub.faults[WEIGHTS].append(PASSING["a cut connection"])
    assert fetch().returncode == 0
    assert arrived(store) == FILES


def test_altered_bytes_are_named_and_fetched_once_more(hub: Hub, fetch: Fetch, store: Path) -> None:
    hub.faults[WEIGHTS].append(Fault(altered=True))
    done = fetch()
    assert done.returncode == 0, done.stderr
    assert re.search(
        rf"{WEIGHTS} arrived altered \(SHA-256 [0-9a-f]{{64}}, its lock says {hub.sha256(WEIGHTS)}", done.stderr
    )
    assert arrived(store) == FILES


def test_bytes_altered_at_their_source_never_get_in_place(hub: Hub, fetch: Fetch, store: Path) -> None:
    hub.faults[WEIGHTS] += [Fault(altered=True)] * 2
    done = fetch()
    assert done.returncode == 1
    assert f"{WEIGHTS} has SHA-256" in done.stderr
    assert WEIGHTS not in arrived(store)


@pytest.mark.parametrize("content", [b"", b"short", FILES[WEIGHTS][:-1], FILES[WEIGHTS] + b"x"], ids=len)
def test_a_file_of_another_size_is_refused_before_it_is_read(hub: Hub, fetch: Fetch, content: bytes) -> None:
    hub.faults[WEIGHTS].append(Fault(content=content))
    done = fetch(WEIGHTS)
    assert done.returncode == 1
    assert f"{WEIGHTS} has {len(content)} bytes at its source, its lock says 3000000" in done.stderr


def test_a_hub_that_stays_broken_is_given_up_and_the_bytes_are_kept(hub: Hub, fetch: Fetch, store: Path) -> None:
    hub.faults[WEIGHTS] += [Fault(cut_after_bytes=2_000_000), *[Fault(status=500)] * 4]
    done = fetch(WEIGHTS)
    assert done.returncode == 1
    assert "given up after 4 attempts" in done.stderr
    assert "2000000 of 3000000 bytes are kept for the next run" in done.stderr
    hub.forget()
    assert fetch(WEIGHTS).returncode == 0
    assert hub.starts(WEIGHTS) == [2_000_000]


def test_a_server_that_asks_for_an_hour_is_not_waited_for(hub: Hub, fetch: Fetch) -> None:
    hub.faults[WEIGHTS].append(Fault(status=429, headers={"Retry-After": "3600"}))
    done = fetch(WEIGHTS)
    assert done.returncode == 1
    assert "asks to wait 3600 s: try again then" in done.stderr


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        ({"token": ""}, "answers 401: it does not exist, or it is private and gpuhost:hubToken is not set"),
        ({"token": "hf_wrong"}, "answers 401"),
        ({"revision": "f" * 40}, f"has no revision '{'f' * 40}'"),
        ({"repository": "acme/none"}, "'acme/none' at http://127.0.0.1:"),
        ({"endpoint": "http://127.0.0.1:1"}, "Connection refused"),
    ],
    ids=["no token", "wrong token", "no such commit", "no such repository", "nobody there"],
)
def test_a_refusal_is_one_sentence_with_what_to_do(fetch: Fetch, prepare: dict[str, str], sentence: str) -> None:
    done = fetch("config.json", **prepare)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_gated_repository_says_what_to_accept(hub: Hub, fetch: Fetch) -> None:
    hub.gated = True
    done = fetch("config.json", token="hf_other")
    assert "is gated: accept its terms there" in done.stderr


def test_a_file_the_commit_lacks_is_named_by_the_hub(hub: Hub, fetch: Fetch) -> None:
    del hub.files["config.json"]
    done = fetch("config.json")
    assert done.returncode == 1
    assert "has no such file at revision" in done.stderr


def test_a_disk_too_small_is_told_before_anything_is_fetched(hub: Hub, fetch: Fetch, store: Path) -> None:
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(store)]).returncode:
        pytest.skip("needs to mount a small filesystem")
    try:
        done = fetch()
    finally:
        subprocess.run(["umount", str(store)], check=True)
    assert done.returncode == 1
    assert re.search(r"needs 18 MiB more at \S+, only [34] MiB are free", done.stderr), done.stderr
    assert hub.seen == []


def test_two_at_once_take_turns(hub: Hub, fetch: Fetch, store: Path) -> None:
    hub.bytes_per_s = 2_000_000
    with ThreadPoolExecutor() as pool:
        both = list(pool.map(lambda _: fetch(), range(2)))
    assert [done.returncode for done in both] == [0, 0]
    assert sum("another transfer into" in done.stderr for done in both) == 1
    assert arrived(store) == FILES


def packed_tar(mode: str, root: str = "", hostile: bool = True) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=mode) as archive:  # type: ignore[call-overload]
        for path, data in FILES.items():
            entry = tarfile.TarInfo(root + path)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        if hostile:
            escape = tarfile.TarInfo("../escaped")
            escape.size = 1
            archive.addfile(escape, io.BytesIO(b"x"))
            link = tarfile.TarInfo("link")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(link)
    return target.getvalue()


def packed_zip() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in FILES.items():
            archive.writestr(path, data)
    return target.getvalue()


ARCHIVES = {
    "model.tar": packed_tar("w"),
    "model.tar.gz": packed_tar("w:gz"),
    "model.tar.xz": packed_tar("w:xz"),
    "model.zip": packed_zip(),
}


def archive_source(hub: Hub, name: str) -> dict[str, object]:
    return {"kind": "archive", "url": f"{hub.endpoint}/archives/{name}", "sha256": hub.sha256(name)}


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_gives_the_locked_files_and_no_other(hub: Hub, fetch: Fetch, store: Path, name: str) -> None:
    hub.files = dict(ARCHIVES)
    hub.faults[name] += [Fault(), Fault(cut_after_bytes=1_000_000)]  # the first asks for the size alone
    done = fetch(*FILES, source=archive_source(hub, name), token="")
    assert done.returncode == 0, done.stderr
    assert arrived(store) == FILES
    assert not (store.parent / "escaped").exists()
    assert [path.name for path in (store / ".incoming").iterdir()] == ["lock"]
    assert hub.starts(name)[-1] >= 500_000


def test_an_archive_with_a_top_folder_is_unpacked_without_it(hub: Hub, fetch: Fetch, store: Path) -> None:
    hub.files = {"deep.tar": packed_tar("w", root="mistral/", hostile=False)}
    assert fetch(*FILES, source=archive_source(hub, "deep.tar"), token="").returncode == 0
    assert arrived(store) == FILES


def test_an_archive_that_is_not_the_one_asked_for_is_not_opened(hub: Hub, fetch: Fetch, store: Path) -> None:
    hub.files = dict(ARCHIVES)
    source = archive_source(hub, "model.tar") | {"sha256": "0" * 64}
    done = fetch(*FILES, source=source, token="")
    assert done.returncode == 1
    assert "model.tar has SHA-256" in done.stderr
    assert arrived(store) == {}


@pytest.mark.parametrize(
    "content", [b"no archive at all" * 100, ARCHIVES["model.tar.gz"][:-500]], ids=["other", "short"]
)
def test_a_damaged_archive_is_one_sentence(hub: Hub, fetch: Fetch, content: bytes) -> None:
    hub.files = {"bad.tar.gz": content}
    done = fetch(*FILES, source=archive_source(hub, "bad.tar.gz"), token="")
    assert done.returncode == 1
    assert "the archive cannot be read as tar or zip" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_archive_without_a_locked_file_names_it(hub: Hub, fetch: Fetch) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("config.json", FILES["config.json"])
    hub.files = {"half.zip": target.getvalue()}
    done = fetch(*FILES, source=archive_source(hub, "half.zip"), token="")
    assert f"the archive does not hold {WEIGHTS}, nested/tokenizer.json" in done.stderr
