"""Every fault of `faults/`: it is told in words, the server goes on serving, and the way back works."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.nvidia.fault import Fault, Step, all_faults
from tests.engine.nvidia.nvidia_host import NvidiaHost, Ran, Repositories
from tests.engine.nvidia.repository import SigningKey, tamper
from tests.engine.stacks.serving import answers, url_of, wait_until_healthy

pytestmark = [pytest.mark.nvidia, pytest.mark.slow]

SERVER = (
    "docker run -d --name serving --restart unless-stopped --init --runtime=nvidia -e NVIDIA_VISIBLE_DEVICES=all "
    "-p {address}:8000:8000 vllm-tiny-server:ok /tmp --port 8000"
)
STARTED = "docker inspect -f '{{.State.StartedAt}} {{.State.Pid}}' serving"
NOWHERE = "http://198.18.10.254:9"  # the discard port, where nobody listens


@pytest.fixture(scope="module")
def host(machine: Callable[[str], NvidiaHost], tiny_archive: Path) -> NvidiaHost:
    """A host that was set up by the scripts and serves with its GPU."""
    host = machine("gpu-faults")
    for step in ("driver", "repository", "toolkit 1.20.0", "engine", "cdi", "smoke"):
        ran = run(host, step)
        assert ran.status == 0, f"{step}: {ran.text}"
    with tiny_archive.open("rb") as archive:
        subprocess.run(host.sandbox.ssh_command("docker load -q"), stdin=archive, check=True, capture_output=True)
    host.sandbox.run(SERVER.format(address=host.sandbox.inner_address))
    wait_until_healthy(url_of(host.sandbox), within_s=20)
    return host


def run(host: NvidiaHost, step: Step, apt_wait_s: int | None = None, *, reachable: bool = True) -> Ran:
    """One of the components' scripts, with the arguments a deploy would give it."""
    match step.split():
        case ["repository"]:
            args = host.repositories.args(None if reachable else NOWHERE)
            return host.repository(args, apt_wait_s)
        case ["toolkit", version]:
            return host.toolkit(version, apt_wait_s)
        case ["driver"]:
            return host.driver()
        case ["driver", "install"]:
            return host.driver("install", branch=595)
        case ["engine"]:
            return host.engine()
        case ["cdi", *path]:
            return host.cdi(*path)
        case _:
            return host.smoke()


@pytest.fixture
def mirrored(
    request: pytest.FixtureRequest, repositories: Repositories, keys: Callable[[str], SigningKey]
) -> Iterator[Fault]:
    """The fault, with the repository in the state it asks for; whole again at the end."""
    fault: Fault = request.param
    wrong = fault.mirror
    repositories.reset(keys(wrong.signed_by), keys(wrong.key_of), without=wrong.lacking or "nothing")
    if wrong.tampered is not None:
        (package,) = repositories.toolkit_folder.glob(f"{wrong.tampered}*.deb")
        tamper(package)
    yield fault
    repositories.reset()


@pytest.mark.parametrize("mirrored", all_faults(), ids=lambda fault: fault.name, indirect=True)
def test_it_ends_in_words_and_with_the_server_serving(mirrored: Fault, host: NvidiaHost) -> None:
    fault, machine = mirrored, host.sandbox
    if fault.only_where and machine.run(fault.only_where, check=False).returncode != 0:
        pytest.skip(f"not possible on this machine: {fault.only_where}")
    if fault.mirror != type(fault.mirror)() and fault.run.startswith("toolkit"):
        machine.run("apt-get -q update")
    started = machine.run(STARTED).stdout
    try:
        machine.run(fault.before, timeout_s=180)
        if fault.reboot:
            machine.reboot()
        ran = run(host, fault.run, fault.apt_wait_s, reachable=fault.mirror.reachable)
        assert (ran.status != 0) is (fault.status == "fails"), ran.text
        missing = [words for words in fault.says if words not in ran.text]
        assert not missing, f"not said: {missing}\n{ran.text}"
        assert not [words for words in fault.silent_on if words in ran.text], ran.text
        assert answers(url_of(machine)) or not fault.serves
        # It did not only come back: however often Docker was restarted, the server's process is the same.
        assert fault.reboot or machine.run(STARTED).stdout == started
        for command in fault.holds:
            held = machine.run(command, check=False)
            assert held.returncode == 0, f"{command}\n{held.stdout}{held.stderr}\nafter: {ran.text}"
    finally:
        machine.run(fault.after, timeout_s=180)
        if fault.reboot_after:
            machine.reboot()
    host.repositories.reset()
    for step in fault.repaired_by:
        ran = run(host, step)
        assert ran.status == 0, f"{step}, after the fault was taken away: {ran.text}"
    wait_until_healthy(url_of(machine), within_s=30)
