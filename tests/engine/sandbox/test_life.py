"""From the first `up` to `down`: repeated, restarted, refused, rebuilt, removed."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import pytest

from hosts.sandbox import Sandbox, SandboxError, down, get, up
from hosts.sandbox import container as containers
from hosts.sandbox.addresses import NETWORK


@pytest.fixture
def life(checkout: Path) -> Iterator[Sandbox]:
    """A sandbox that a test may do anything to."""
    yield up("life", memory_gib=1, cpus=1, checkout=checkout)
    down("life", checkout=checkout)


def _traces(engine: docker.DockerClient, container: str) -> list[str]:
    named = [each.name for each in engine.containers.list(all=True)]
    volumes = [each.name for each in engine.volumes.list()]
    return [name for name in [*named, *volumes] if name and name.startswith(container)]


def test_a_second_up_changes_nothing_and_is_quick(engine: docker.DockerClient, first: Sandbox, checkout: Path) -> None:
    before = engine.containers.get(first.container).attrs["State"]["StartedAt"]
    started = time.monotonic()
    again = up("first", checkout=checkout)
    assert time.monotonic() - started < 5
    assert again == first == get("first", checkout=checkout)
    assert engine.containers.get(first.container).attrs["State"]["StartedAt"] == before


def test_a_number_in_use_is_refused_with_its_holder(first: Sandbox, checkout: Path, tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=f"{first.address} is taken by the running sandbox 'first'") as refused:
        up("other", number=first.number, checkout=tmp_path)
    assert str(checkout) in str(refused.value)
    assert f"docker stop {first.container}" in str(refused.value)


def test_a_different_wish_is_refused_until_recreate(first: Sandbox, checkout: Path) -> None:
    with pytest.raises(SandboxError, match=r"memory_gib is 2, asked for 3.*--recreate"):
        up("first", memory_gib=3, checkout=checkout)
    first.run("true")


def test_reboot_keeps_data_and_clears_run(life: Sandbox) -> None:
    life.run("echo kept > /root/file; echo gone > /run/file; docker volume create kept")
    boot = life.run("systemctl show -P UserspaceTimestampMonotonic").stdout
    life.reboot()
    assert life.run("systemctl show -P UserspaceTimestampMonotonic").stdout != boot
    assert life.run("cat /root/file").stdout == "kept\n"
    assert life.run("docker volume ls -q").stdout == "kept\n"
    assert life.run("test -e /run/file", check=False).returncode == 1


def test_a_stopped_sandbox_starts_again_with_its_data(
    engine: docker.DockerClient, life: Sandbox, checkout: Path
) -> None:
    life.run("echo kept > /root/file")
    engine.containers.get(life.container).kill()  # as if the machine lost power
    with pytest.raises(SandboxError, match="does not run"):
        get("life", checkout=checkout)
    assert up("life", checkout=checkout).run("cat /root/file").stdout == "kept\n"


def test_lost_keys_are_told_and_recreate_makes_new_ones(life: Sandbox, checkout: Path) -> None:
    life.run("echo lost > /root/file")
    for file in life.private_key_file.parent.iterdir():
        file.unlink()
    with pytest.raises(SandboxError, match=r"keys of sandbox life .* --recreate"):
        up("life", checkout=checkout)
    anew = up("life", recreate=True, checkout=checkout)
    assert anew.host_key != life.host_key
    assert (anew.number, anew.memory_gib, anew.cpus) == (life.number, life.memory_gib, life.cpus)
    assert anew.run("test -e /root/file", check=False).returncode == 1


def test_what_a_killed_up_left_is_made_anew(engine: docker.DockerClient, first: Sandbox, tmp_path: Path) -> None:
    image = engine.containers.get(first.container).attrs["Config"]["Image"]
    name = containers.container_name("half", tmp_path)
    engine.containers.create(image, name=name)
    try:
        assert up("half", memory_gib=1, cpus=1, checkout=tmp_path).run("hostname").stdout == "half\n"
    finally:
        down("half", checkout=tmp_path)
    assert _traces(engine, name) == []


def test_two_ups_of_one_name_make_one_sandbox(engine: docker.DockerClient, tmp_path: Path) -> None:
    try:
        with ThreadPoolExecutor() as pool:
            one, other = pool.map(lambda _: up("twin", memory_gib=1, cpus=1, checkout=tmp_path), range(2))
        assert one == other
    finally:
        down("twin", checkout=tmp_path)
    assert _traces(engine, one.container) == []


def test_down_leaves_nothing_and_may_be_repeated(engine: docker.DockerClient, tmp_path: Path) -> None:
    made = up("gone", memory_gib=1, cpus=1, checkout=tmp_path)
    made.run("docker volume create data")
    assert _traces(engine, made.container) != []
    down("gone", checkout=tmp_path)
    down("gone", checkout=tmp_path)
    assert _traces(engine, made.container) == []
    assert list(tmp_path.iterdir()) == []
    if not containers.all_sandboxes(engine):
        assert engine.networks.list(names=[NETWORK]) == []


@pytest.mark.slow
def test_a_bare_sandbox_has_ssh_python_and_apt_and_no_docker(tmp_path: Path) -> None:
    bare = up("bare", flavour="bare", memory_gib=1, cpus=1, checkout=tmp_path)
    try:
        assert bare.run("systemctl is-system-running").stdout == "running\n"
        assert bare.run("command -v docker dockerd containerd", check=False).stdout == ""
        bare.run("python3 -c 'import ssl, json' && apt-get -q update && apt-get -s install docker.io")
    finally:
        down("bare", checkout=tmp_path)
