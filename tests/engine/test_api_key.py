"""The API key of a stack: asked for, kept, changed, and to be read nowhere."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError

import pytest

from hosts.sandbox import Sandbox
from tests.engine.stacks.serving import SERVICE, running, the_server, url_of, wait_until_healthy
from tests.engine.stacks.stack import CHECKOUT, Stack
from tests.engine.stacks.wish import Wish

pytestmark = [pytest.mark.model, pytest.mark.engine, pytest.mark.docker, pytest.mark.sandbox]

KEYS = f"/var/lib/gpuhost/keys/{SERVICE}"
_OPEN = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


@pytest.fixture(scope="module")
def host(hosts_of: Callable[..., Sandbox]) -> Sandbox:
    return hosts_of("keyed")


@pytest.fixture(scope="module")
def key() -> str:
    return secrets.token_hex(24)


@pytest.fixture(scope="module")
def keyed(stack: Stack, host: Sandbox, tiny_archive: Path, model: Path, key: str) -> Stack:
    """Deployed with the key."""
    stack.wishes(Wish(hosts=(host,), image=tiny_archive, model=model, overrides={}))
    set_key(stack, key)
    stack.up()
    return stack


def set_key(stack: Stack, key: str) -> None:
    stack.run("config", "set", "--secret", "gpuhost:apiKey", key)


def status(host: Sandbox, key: str = "") -> int:
    request = urllib.request.Request(f"{url_of(host)}/v1/models", headers={"Authorization": f"Bearer {key}"})  # noqa: S310
    try:
        with _OPEN(request, timeout=5) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def shows(text: str, key: str) -> bool:
    """A boolean, so that no failing test prints the key."""
    return key in text


def test_only_the_key_opens_the_server(keyed: Stack, host: Sandbox, key: str) -> None:
    assert (status(host), status(host, "another" * 5), status(host, key)) == (401, 401, 200)


def test_the_key_is_nowhere_to_be_read(keyed: Stack, host: Sandbox, key: str) -> None:
    outside = f"grep -rIlF {key} / --exclude-dir=proc --exclude-dir=sys --exclude-dir=keys 2>/dev/null || true"
    places = {
        "the state": json.dumps(keyed.exported()),
        "the stack's outputs": json.dumps(keyed.outputs),
        "the stack file": keyed.config_file.read_text(),
        "a preview": keyed.run("preview", "--diff").text,
        "docker inspect": host.run("docker inspect $(docker ps -aq)").stdout,
        "arguments": host.run("cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '; true").stdout,
        "the server's log": host.run(f"docker logs {the_server(host).name} 2>&1").stdout,
        "the journal": host.run("journalctl --no-pager").stdout,
    }
    assert [place for place, text in places.items() if shows(text, key)] == []
    assert host.run(outside, timeout_s=120).stdout == ""


def test_nothing_changes_without_a_change(keyed: Stack) -> None:
    keyed.is_in_sync()


def test_the_live_host_passes_the_infra_tests(keyed: Stack, key: str) -> None:
    looks = ("tests/infra/test_api_key.py", "tests/infra/test_server.py")
    outputs = keyed.folder / "outputs.json"
    outputs.write_text(json.dumps(keyed.outputs))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *looks, "--outputs", str(outputs), "-k", "not kv_cache"],
        cwd=CHECKOUT,
        env=os.environ | {"GPUHOST_API_KEY": key},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout.replace(key, "KEY")
    assert "skipped" not in done.stdout


def test_it_outlives_a_restart_and_a_reboot(keyed: Stack, host: Sandbox, key: str) -> None:
    host.run(f"docker restart {the_server(host).name}")
    wait_until_healthy(url_of(host), 30)
    assert (status(host), status(host, key)) == (401, 200)
    host.reboot()
    wait_until_healthy(url_of(host), 60)
    assert (status(host), status(host, key)) == (401, 200)


def test_a_lost_file_is_named_and_written_again_without_a_restart(keyed: Stack, host: Sandbox, key: str) -> None:
    before = the_server(host)
    host.run(f"rm {KEYS}/*")
    assert keyed.run("preview").lines("the API key's file is missing")
    keyed.up()
    assert host.run(f"stat -c '%a %u:%g' {KEYS}/*").stdout.split() == ["440", "0:0"]
    assert the_server(host) == before
    assert status(host, key) == 200
    keyed.is_in_sync()


def test_a_file_that_others_may_read_is_put_right(keyed: Stack, host: Sandbox) -> None:
    host.run(f"chmod 0444 {KEYS}/*")
    assert keyed.run("preview").lines("the API key's file is 444 0:0, not 440 0:0")
    keyed.up()
    assert host.run(f"stat -c %a {KEYS}/*").stdout.strip() == "440"


def test_a_new_key_is_announced_and_takes_one_up(keyed: Stack, host: Sandbox, key: str) -> None:
    before, new = the_server(host), secrets.token_hex(24)
    set_key(keyed, new)
    previewed = keyed.run("preview", "--diff")
    assert previewed.lines("the API key is another than the one on this host; the server restarts once")
    assert not shows(previewed.text, new)
    assert not shows(previewed.text, key)
    said = keyed.up()
    assert not shows(said.text, new)
    assert (status(host, key), status(host, new)) == (401, 200)
    assert the_server(host).name != before.name
    assert len(host.run(f"ls {KEYS}").stdout.split()) == 1
    keyed.is_in_sync()
    set_key(keyed, key)
    keyed.up()


def test_a_server_that_fails_leaves_the_old_one_with_its_key(
    keyed: Stack, host: Sandbox, tiny_image: Callable[[str], Path], tiny_archive: Path, model: Path, key: str
) -> None:
    before = the_server(host)
    keyed.wishes(Wish(hosts=(host,), image=tiny_image("crash"), model=model, overrides={}))
    new = secrets.token_hex(24)
    set_key(keyed, new)
    keyed.up(fails=True)
    wait_until_healthy(url_of(host), 30)
    assert the_server(host).name == before.name
    assert (status(host, key), status(host, new)) == (200, 401)
    keyed.wishes(Wish(hosts=(host,), image=tiny_archive, model=model, overrides={}))
    set_key(keyed, key)
    keyed.up()
    assert status(host, key) == 200


def test_a_key_in_the_clear_or_too_short_is_refused(keyed: Stack, key: str) -> None:
    keyed.run("config", "set", "--plaintext", "gpuhost:apiKey", key)
    said = keyed.run("preview", fails=True)
    assert said.lines("gpuhost:apiKey stands in the clear")
    set_key(keyed, "short")
    assert keyed.run("preview", fails=True).lines("gpuhost:apiKey must be 16 to 256")
    set_key(keyed, key)


def test_without_a_key_the_file_goes(keyed: Stack, host: Sandbox) -> None:
    keyed.run("config", "rm", "gpuhost:apiKey")
    keyed.up()
    assert status(host) == 200
    assert host.run(f"ls -d {KEYS}", check=False).returncode != 0
    assert len(running(host)) == 1
