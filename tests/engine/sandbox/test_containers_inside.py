"""The sandbox's own Docker Engine does what a host's does: limits in force, ports where they are bound."""

import socket
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from hosts.sandbox import Sandbox

_WEB = """docker run -d --name web --memory 64m --memory-swap 64m --cpus 0.5 --shm-size 96m --read-only \
    --tmpfs /www --ulimit nofile={nofile} --ulimit memlock={memlock} -p {address}:8000:80 {image} \
    sh -c 'echo hello from inside > /www/index.html && exec httpd -f -h /www'"""


@pytest.fixture(scope="module")
def web(first: Sandbox, busybox: str) -> Iterator[str]:
    """The PID, inside the sandbox, of a web server in a container with limits and a published port."""
    limits = first.limits
    memlock = -1 if limits.memlock_kib is None else limits.memlock_kib * 1024
    first.run(_WEB.format(nofile=limits.nofile, memlock=memlock, address=first.inner_address, image=busybox))
    yield first.run("docker inspect -f '{{.State.Pid}}' web").stdout.strip()
    first.run("docker rm -f web")


def _get(address: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{address}:8000/", timeout=3) as answer:
            return str(answer.read(), errors="replace").strip()
    except (urllib.error.URLError, OSError):
        return ""


def _own_address() -> str:
    """This machine's address on its network; connecting a datagram socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])


@pytest.mark.usefixtures("web")
def test_its_port_is_reached_at_the_sandbox_and_nowhere_else(first: Sandbox, second: Sandbox) -> None:
    assert _get(first.address) == "hello from inside"
    for elsewhere in ("127.0.0.1", second.address, _own_address()):
        assert _get(elsewhere) != "hello from inside"


@pytest.mark.usefixtures("web")
def test_its_memory_limit_is_in_force(first: Sandbox) -> None:
    read = "cd /sys/fs/cgroup && cat memory/memory.limit_in_bytes 2>/dev/null || cat memory.max"
    assert first.run(f"docker exec web sh -c '{read}'").stdout.strip() == str(64 << 20)


@pytest.mark.usefixtures("web")
def test_its_shared_memory_and_root_file_system_are_as_asked(first: Sandbox) -> None:
    assert first.run("docker exec web df -k /dev/shm | tail -1").stdout.split()[1] == str(96 << 10)
    refused = first.run("docker exec web touch /file", check=False)
    assert refused.returncode != 0
    assert "Read-only file system" in refused.stderr


def test_the_limits_the_sandbox_names_are_those_a_container_gets(first: Sandbox, web: str) -> None:
    rows = {
        line.split("  ")[0]: line[26:].split()[:2] for line in first.run(f"cat /proc/{web}/limits").stdout.splitlines()
    }
    assert rows["Max open files"] == [str(first.limits.nofile)] * 2
    memlock = first.limits.memlock_kib
    assert rows["Max locked memory"] == ["unlimited" if memlock is None else str(memlock * 1024)] * 2


@pytest.mark.usefixtures("web")
def test_one_more_than_the_named_limit_is_refused_or_there_is_none(first: Sandbox, busybox: str) -> None:
    more = first.limits.nofile + 1
    refused = first.run(f"docker run --rm --ulimit nofile={more} {busybox} true", check=False)
    assert refused.returncode != 0


def test_containers_resolve_names_and_reach_out(first: Sandbox, busybox: str) -> None:
    """On Docker's default network, where the sandbox's servers are used as they stand."""
    mirror = first.run("apt-get indextargets --format '$(SITE)' | head -1").stdout.strip()
    name = mirror.partition("://")[2].split("/")[0].split(":")[0]
    answer = first.run(f"docker run --rm {busybox} nslookup {name}", check=False)
    assert "Address" in answer.stdout.partition(name)[2], answer.stdout + answer.stderr
