"""A model from the hub on a real host: fetched once, proved, repaired, and resumed after whatever interrupted it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hosts.lock import lock_directory, write_lock
from hosts.sandbox import Sandbox
from tests.engine.hub.hub_server import Fault, Hub
from tests.engine.stacks.serving import answers, the_server, url_of, wait_until_healthy
from tests.engine.stacks.stack import Said, Stack
from tests.engine.stacks.wish import Wish

pytestmark = [pytest.mark.model, pytest.mark.engine, pytest.mark.docker, pytest.mark.sandbox]

TOKEN = "hf_nobodysTokenNobodysToken"
SHARD = "model-00001-of-00001.safetensors"
SHARD_BYTES = 8_000_000
IN_USE = "docker inspect --format '{{range .Mounts}}{{println .Name}}{{end}}' $(docker ps -q) | grep gpuhost-model"


@pytest.fixture(scope="module")
def host(hosts_of: Callable[..., Sandbox]) -> Sandbox:
    return hosts_of("hub")


@pytest.fixture(scope="module")
def served(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the hub serves: the tiny model's shape, and a shard that takes a while."""
    folder = tmp_path_factory.mktemp("served") / "from-hub"
    (folder / "nested").mkdir(parents=True)
    (folder / "config.json").write_bytes((model / "config.json").read_bytes())
    (folder / "nested/tokenizer.json").write_bytes((model / "tokenizer.json").read_bytes())
    (folder / SHARD).write_bytes(os.urandom(SHARD_BYTES))
    write_lock(lock_directory(folder), folder.with_name("from-hub.lock.json"))
    return folder


@pytest.fixture(scope="module")
def hub(served: Path, host: Sandbox) -> Iterator[Hub]:
    """The hub on this machine's loopback, at the same address on the host's."""
    files = {path.relative_to(served).as_posix(): path.read_bytes() for path in served.rglob("*") if path.is_file()}
    with Hub(files, token=TOKEN) as running:
        ways = [word for port in running.ports for word in ("-R", f"127.0.0.1:{port}:127.0.0.1:{port}")]
        command = host.ssh_command()
        tunnel = subprocess.Popen([*command[:-1], "-N", "-o", "ExitOnForwardFailure=yes", *ways, command[-1]])
        try:
            yield running
        finally:
            tunnel.terminate()
            tunnel.wait()


@pytest.fixture(scope="module")
def wish(host: Sandbox, tiny_archive: Path, served: Path, hub: Hub) -> Wish:
    source = {
        "hub": {"repository": hub.repository, "revision": hub.commit, "endpoint": hub.endpoint},
        "config": str(served / "config.json"),
        "lock": str(served.with_name("from-hub.lock.json")),
    }
    return Wish(hosts=(host,), image=tiny_archive, model=served, source=source, overrides={})


@pytest.fixture
def serving(stack: Stack, wish: Wish, hub: Hub) -> Stack:
    """Deployed and in sync; the hub is well and has forgotten everything."""
    hub.bytes_per_s = None
    hub.faults.clear()
    hub.token = TOKEN
    if not stack.config_file.read_text().count("gpuhost:hubToken"):
        stack.wishes(wish)
        stack.run("config", "set", "--secret", "gpuhost:hubToken", TOKEN)
    stack.up()
    hub.forget()
    return stack


def volume(host: Sandbox) -> str:
    """The volume that the server reads."""
    return host.run(IN_USE).stdout.strip()


def store(host: Sandbox) -> str:
    """Its folder on the host."""
    return host.run("docker volume inspect --format '{{.Mountpoint}}' " + volume(host)).stdout.strip()


def hash_on(host: Sandbox, path: str) -> str:
    return host.run(f"sha256sum {store(host)}/{path}").stdout.split()[0]


def downloader(host: Sandbox) -> str:
    """The process id of the client on the host; empty where none runs."""
    return host.run("pgrep -f '[p]ython3 -m hosts.download' | head -n 1", check=False).stdout.strip()


@contextmanager
def up_meanwhile(stack: Stack) -> Iterator[subprocess.Popen[str]]:
    """An `up` that runs while the test does something to it."""
    running = subprocess.Popen(
        stack.command("up", "--yes", "--skip-preview"),
        cwd=stack.folder,
        env=dict(stack.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield running
    finally:
        running.kill()
        running.wait()


def wait_for_bytes(hub: Hub, count: int) -> None:
    begun = time.monotonic()
    while hub.sent(SHARD) < count:
        assert time.monotonic() - begun < 60, f"only {hub.sent(SHARD)} bytes of {count} were asked for"
        time.sleep(0.05)


def ended(running: subprocess.Popen[str]) -> Said:
    text, _ = running.communicate(timeout=120)
    return Said(("up",), running.returncode, text)


def test_the_host_holds_the_locked_files(serving: Stack, host: Sandbox, hub: Hub) -> None:
    assert hash_on(host, SHARD) == hub.sha256(SHARD)
    assert host.run(f"cd {store(host)} && find . -type f | sort").stdout.split() == [
        "./config.json",
        f"./{SHARD}",
        "./nested/tokenizer.json",
    ]
    assert answers(url_of(host))


def test_the_token_is_nowhere_to_be_read(serving: Stack, host: Sandbox) -> None:
    places = {
        "the state": json.dumps(serving.exported()),
        "the stack's outputs": json.dumps(serving.outputs),
        "the stack file": serving.config_file.read_text(),
        "a preview": serving.run("preview", "--diff").text,
        "docker inspect": host.run("docker inspect $(docker ps -aq)").stdout,
        "the host's files": host.run(f"grep -rIl {TOKEN} /var/lib/gpuhost /tmp /run/gpuhost || true").stdout,
        "the host's journal": host.run("journalctl --no-pager", timeout_s=60).stdout,
    }
    assert [place for place, text in places.items() if TOKEN in text] == []
    assert not places["the host's files"]


def test_a_token_that_goes_unencrypted_is_said(serving: Stack, hub: Hub) -> None:
    assert serving.run("preview").lines(f"hubToken goes to {hub.endpoint} without encryption")


def test_the_next_up_fetches_nothing(serving: Stack, hub: Hub) -> None:
    serving.is_in_sync()
    assert hub.seen == []


def test_another_server_fetches_nothing(serving: Stack, wish: Wish, host: Sandbox, hub: Hub) -> None:
    before = the_server(host)
    serving.run("config", "set", "--path", "gpuhost:goal.context_tokens", "1024")
    serving.up()
    assert the_server(host).name != before.name
    assert hub.seen == []


def test_an_altered_file_is_named_and_alone_fetched_again(serving: Stack, host: Sandbox, hub: Hub) -> None:
    host.run(f"printf x | dd of={store(host)}/{SHARD} bs=1 seek=100 conv=notrunc status=none")
    previewed = serving.run("preview")
    assert previewed.lines(f"{SHARD} was altered in volume {volume(host)}")
    said = serving.up()
    assert said.lines(f"{SHARD} in the volume is not as locked", "fetched again")
    assert {seen.path for seen in hub.seen} == {SHARD}
    assert hash_on(host, SHARD) == hub.sha256(SHARD)
    serving.is_in_sync()


def test_a_truncated_file_is_named_and_fetched_again(serving: Stack, host: Sandbox, hub: Hub) -> None:
    host.run(f"truncate -s 1000 {store(host)}/{SHARD}")
    said = serving.up()
    assert said.lines(f"{SHARD} in the volume is not as locked (1000 of {SHARD_BYTES} bytes)")
    assert hash_on(host, SHARD) == hub.sha256(SHARD)


def test_a_killed_download_goes_on_where_it_was(serving: Stack, host: Sandbox, hub: Hub) -> None:
    host.run(f"rm {store(host)}/{SHARD}")
    hub.bytes_per_s = 1_000_000
    with up_meanwhile(serving) as running:
        wait_for_bytes(hub, 2_000_000)
        host.run(f"kill -9 {downloader(host)}")
        said = ended(running)
    assert said.status != 0
    assert answers(url_of(host)), "the server that was there went away"
    hub.bytes_per_s = None
    serving.up()
    assert hub.starts(SHARD)[-1] >= 1_000_000
    assert hub.sent(SHARD) < 1.2 * SHARD_BYTES
    assert hash_on(host, SHARD) == hub.sha256(SHARD)
    serving.is_in_sync()


def test_a_cut_connection_ends_the_download_and_the_next_run_goes_on(serving: Stack, host: Sandbox, hub: Hub) -> None:
    host.run(f"rm {store(host)}/{SHARD}")
    hub.bytes_per_s = 300_000
    with up_meanwhile(serving) as running:
        wait_for_bytes(hub, 1_000_000)
        # The session's own sshd: the nearest ancestor of that name.
        host.run(
            f"""pid={downloader(host)}
            until grep -q '^sshd' /proc/$pid/comm; do pid=$(ps -o ppid= -p $pid | tr -d ' '); done
            kill -9 $pid"""
        )
        said = ended(running)
    assert said.status != 0
    deadline = time.monotonic() + 20
    while downloader(host):
        assert time.monotonic() < deadline, "the download goes on although nobody sees it"
        time.sleep(0.5)
    hub.bytes_per_s = None
    serving.run("cancel", "--yes")
    serving.up()
    assert hub.starts(SHARD)[-1] >= 500_000
    assert hash_on(host, SHARD) == hub.sha256(SHARD)


def test_a_full_disk_is_told_before_a_byte_is_fetched(serving: Stack, host: Sandbox, hub: Hub) -> None:
    folder = store(host)
    host.run(f"mount -t tmpfs -o size=6m tmpfs {folder}")
    try:
        said = serving.up(fails=True)
        assert said.lines("MiB more at", "MiB are free")
        assert hub.seen == []
        assert answers(url_of(host))
    finally:
        host.run(f"umount {folder}")
    serving.up()
    assert hash_on(host, SHARD) == hub.sha256(SHARD)


def test_a_token_that_is_refused_leaves_the_old_server(serving: Stack, host: Sandbox, hub: Hub) -> None:
    host.run(f"rm {store(host)}/{SHARD}")
    hub.token = "hf_another"
    said = serving.up(fails=True)
    assert said.lines("answers 401", "gpuhost:hubToken")
    assert TOKEN not in said.text
    assert answers(url_of(host))


def test_a_hub_that_is_busy_is_waited_for_and_says_so(serving: Stack, host: Sandbox, hub: Hub) -> None:
    host.run(f"rm {store(host)}/{SHARD}")
    hub.faults[SHARD] += [Fault(status=429, headers={"Retry-After": "1"}), Fault(status=500)]
    said = serving.up()
    assert said.lines(f"{SHARD}: ", "429", "goes on at byte 0 in 1.0 s")
    assert hash_on(host, SHARD) == hub.sha256(SHARD)


def test_progress_is_shown(serving: Stack, host: Sandbox, hub: Hub) -> None:
    host.run(f"rm {store(host)}/{SHARD}")
    hub.bytes_per_s = 1_000_000
    said = serving.up()
    assert said.lines("of 7 MiB (", "MiB/s", "s left")


def test_an_archive_brings_the_same_files(
    serving: Stack, wish: Wish, host: Sandbox, hub: Hub, served: Path, tmp_path: Path
) -> None:
    packed = tmp_path / "from-hub.tar.gz"
    with tarfile.open(packed, "w:gz", compresslevel=1) as archive:
        archive.add(served, "from-hub")
    hub.files[packed.name] = packed.read_bytes()
    source = {"url": f"{hub.endpoint}/archives/{packed.name}", "sha256": hub.sha256(packed.name)}
    assert wish.source is not None
    serving.wishes(wish.but(source={**wish.source, "archive": source, "hub": None}))
    serving.up()
    assert hub.seen == [], "everything was there already"
    host.run(f"rm {store(host)}/{SHARD}")
    hub.faults[packed.name] += [Fault(), Fault(cut_after_bytes=3_000_000)]  # the first asks for the size alone
    serving.up()
    assert hash_on(host, SHARD) == hub.sha256(SHARD)
    assert {seen.path for seen in hub.seen} == {packed.name}
    assert hub.starts(packed.name)[-1] >= 1_000_000
    serving.is_in_sync()


def test_a_model_that_cannot_be_served_leaves_the_one_before_untouched(
    serving: Stack, wish: Wish, host: Sandbox, hub: Hub, served: Path, tmp_path: Path, tiny_image: Callable[[str], Path]
) -> None:
    before, old_volume, old_hash = the_server(host), volume(host), hub.sha256(SHARD)
    hub.files[SHARD] = os.urandom(SHARD_BYTES)
    newer = shutil.copytree(served, tmp_path / "from-hub")
    (newer / SHARD).write_bytes(hub.files[SHARD])
    write_lock(lock_directory(newer), tmp_path / "newer.lock.json")
    assert wish.source is not None
    asked = wish.but(source={**wish.source, "lock": str(tmp_path / "newer.lock.json")})
    for image, fails in ((tiny_image("crash"), True), (wish.image, False)):
        serving.wishes(asked.but(image=image))
        serving.run("config", "set", "--secret", "gpuhost:hubToken", TOKEN)
        said = serving.up(fails=fails)
        if fails:
            wait_until_healthy(url_of(host), 30)
            assert the_server(host).name == before.name
            assert (volume(host), hash_on(host, SHARD)) == (old_volume, old_hash)
    assert hub.starts(SHARD) == [0], "the second attempt fetched what was there"
    assert hash_on(host, SHARD) == hub.sha256(SHARD)
    assert volume(host) != old_volume
    assert serving.run("stack", "export").text.count(old_volume) == 0
    assert said.status == 0
    assert old_volume in host.run("docker volume ls --quiet").stdout.split()
