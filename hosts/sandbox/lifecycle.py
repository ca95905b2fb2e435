"""Bringing sandboxes up, finding them, taking them down."""

import os
import re
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import docker

from hosts.sandbox import container as containers
from hosts.sandbox.addresses import SSH_PORT, ensure_network, remove_network_if_unused
from hosts.sandbox.apt_setup import machine_distribution, read_apt_setup
from hosts.sandbox.engine import Report, connect, to_stderr
from hosts.sandbox.errors import SandboxError
from hosts.sandbox.image import Flavour, ensure_image, image_tag
from hosts.sandbox.inventory import (
    DEVELOPMENT,
    Entry,
    all_entries,
    check_free,
    choose_number,
    entry,
    identity_of,
    sandbox_of,
)
from hosts.sandbox.lock import cache_folder, only_one
from hosts.sandbox.readiness import wait_until_ready
from hosts.sandbox.sandbox import Sandbox

CHECKOUT = Path(__file__).resolve().parents[2]
_NAME = re.compile(r"[a-z][a-z0-9-]{0,29}")


@dataclass(frozen=True)
class Request:
    """What the caller asks for; None: as it is in a sandbox that exists, else the default."""

    name: str
    number: int | None
    flavour: Flavour | None
    memory_gib: int | None
    cpus: float | None
    checkout: Path

    def filled_from(self, found: Entry) -> "Request":
        """With the values of a sandbox that exists where nothing is asked."""
        fields = ("number", "flavour", "memory_gib", "cpus")
        kept = {field: getattr(found, field) for field in fields if getattr(self, field) is None}
        return replace(self, **kept)


def up(
    name: str = DEVELOPMENT,
    *,
    number: int | None = None,
    flavour: Flavour | None = None,
    memory_gib: int | None = None,
    cpus: float | None = None,
    recreate: bool = False,
    checkout: Path = CHECKOUT,
    report: Report = to_stderr,
) -> Sandbox:
    """The sandbox of that name, running and ready: made, started, or found so.

    What is left out keeps its value in a sandbox that exists, and is otherwise: number 1 for `dev` and the
    next free one from 2 for others, flavour docker, 8 GiB, 2 CPUs (or what the machine has).
    Raises SandboxError where the name or a value is not possible, the number is taken, or the sandbox that
    exists differs from what is asked; `recreate` then replaces it, with its number and keys, without its data.
    """
    _check_name(name)
    request = Request(name, number, flavour, memory_gib, cpus, checkout)
    client = connect()
    with only_one(_lock_file(name, checkout), report):
        container = containers.container_name(name, checkout)
        found = containers.find(client, container)
        # "created": an earlier run was killed half-way.
        if found is None or recreate or found.status == "created":
            if found is not None and recreate:
                request = request.filled_from(entry(found))
            containers.remove_container(client, container)
            return _make(client, request, report)
        return _reuse(client, request, entry(found), report)


def down(name: str = DEVELOPMENT, *, checkout: Path = CHECKOUT, report: Report = to_stderr) -> None:
    """Removes the sandbox with its data and keys, and the network with the last sandbox. Safe to repeat."""
    _check_name(name)
    client = connect()
    lock = _lock_file(name, checkout)
    folder = identity_of(name, checkout).folder
    with only_one(lock, report):
        was_there = containers.remove_container(client, containers.container_name(name, checkout))
        if folder.exists():
            was_there = True
            shutil.rmtree(folder)
        with only_one(_numbers_lock(), report):
            if not containers.all_sandboxes(client):
                remove_network_if_unused(client)
        lock.unlink(missing_ok=True)
    with suppress(OSError):  # another sandbox of this checkout
        lock.parent.rmdir()
    report(f"{name} removed" if was_there else f"there is no sandbox {name} in this checkout")


def get(name: str = DEVELOPMENT, *, checkout: Path = CHECKOUT) -> Sandbox:
    """A sandbox that runs already. Raises SandboxError where it does not."""
    _check_name(name)
    found = containers.find(connect(), containers.container_name(name, checkout))
    if found is None or found.status != "running":
        raise SandboxError(f"sandbox {name} does not run; `python -m hosts.sandbox up {name}` brings it up")
    identity = identity_of(name, checkout)
    _check_keys(entry(found), identity.is_complete() and identity.host_key)
    return sandbox_of(entry(found), identity)


def reboot(name: str = DEVELOPMENT, *, checkout: Path = CHECKOUT, report: Report = to_stderr) -> None:
    """Restarts a running sandbox as a reboot would and waits until it is ready again."""
    started = time.monotonic()
    get(name, checkout=checkout).reboot()
    report(f"{name} rebooted, ready again in {time.monotonic() - started:.1f} s")


def _make(client: docker.DockerClient, request: Request, report: Report) -> Sandbox:
    setup = read_apt_setup(os.environ)
    for warning in setup.warnings:
        report(f"warning: {warning}")
    memory_gib, cpus = _fit(client, request, report)
    flavour = request.flavour or "docker"
    image = ensure_image(client, flavour, setup, report)
    identity = identity_of(request.name, request.checkout)
    with only_one(_numbers_lock(), report):
        number = choose_number(request.name, request.number, all_entries(client))
        identity.create(number)
        ensure_network(client)
        shape = containers.Shape(request.name, number, flavour, memory_gib, cpus, request.checkout, image)
        started = time.monotonic()
        made = containers.create_and_start(client, shape, identity, setup)
    sandbox = sandbox_of(entry(made), identity)
    try:
        wait_until_ready(sandbox.ssh_command(), flavour, is_new=True, report=report)
    except SandboxError as error:
        look = f"docker exec {sandbox.container} journalctl -b"
        raise SandboxError(f"{error}\nIt is left as it is for a look: {look}; `down` removes it") from error
    report(f"{_where(sandbox)} made, ready {time.monotonic() - started:.1f} s after its start")
    return sandbox


def _reuse(client: docker.DockerClient, request: Request, found: Entry, report: Report) -> Sandbox:
    identity = identity_of(request.name, request.checkout)
    _check_keys(found, identity.is_complete() and identity.host_key)
    _check_same(found, request)
    if image_tag(found.flavour, machine_distribution()) != found.image:
        report(f"{found.name} is of an older recipe and stays so; --recreate makes it anew, without its data")
    sandbox = sandbox_of(found, identity)
    started = time.monotonic()
    if not found.is_running:
        with only_one(_numbers_lock(), report):
            check_free(found.number, found.container, all_entries(client))
            containers.start(client.containers.get(found.container), found.number)
    wait_until_ready(sandbox.ssh_command(), found.flavour, is_new=False, report=report)
    done = "already runs" if found.is_running else f"started again in {time.monotonic() - started:.1f} s"
    report(f"{_where(sandbox)} {done}")
    return sandbox


def _where(sandbox: Sandbox) -> str:
    return f"{sandbox.name} at {sandbox.address}:{SSH_PORT} ({sandbox.inner_address} inside)"


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise SandboxError(f"name: {name!r} must be 1 to 30 small letters, digits, hyphens; a letter first")


def _check_keys(found: Entry, host_key: str | bool) -> None:
    if found.host_key != host_key:
        raise SandboxError(
            f"the keys of sandbox {found.name} in {found.checkout}/.sandbox/{found.name} are missing or "
            f"not its own; `python -m hosts.sandbox up {found.name} --recreate` makes it anew, "
            "without its data"
        )


def _check_same(found: Entry, request: Request) -> None:
    wishes = {field: getattr(request, field) for field in ("number", "flavour", "memory_gib", "cpus")}
    differences = [
        f"{field} is {getattr(found, field)}, asked for {wish}"
        for field, wish in wishes.items()
        if wish is not None and wish != getattr(found, field)
    ]
    if differences:
        raise SandboxError(
            f"sandbox {found.name} exists and differs: {'; '.join(differences)}. "
            "--recreate makes it anew and loses its data"
        )


def _fit(client: docker.DockerClient, request: Request, report: Report) -> tuple[int, float]:
    """Memory and CPUs that this machine has. Raises SandboxError for a wish beyond them."""
    facts = client.info()
    machine_cpus, machine_gib = int(facts["NCPU"]), int(facts["MemTotal"]) / 2**30
    memory_gib = 8 if request.memory_gib is None else request.memory_gib
    if not 1 <= memory_gib <= machine_gib:
        raise SandboxError(f"memory_gib: {memory_gib} must be from 1 to {int(machine_gib)}, this machine's memory")
    cpus = min(2, machine_cpus) if request.cpus is None else request.cpus
    if not 0 < cpus <= machine_cpus:
        raise SandboxError(f"cpus: {cpus:g} must be above 0 and at most {machine_cpus}, this machine's CPUs")
    if request.cpus is None and machine_cpus < 2:
        report("this machine has one CPU, so the sandbox gets one instead of two")
    return memory_gib, float(cpus)


def _lock_file(name: str, checkout: Path) -> Path:
    return checkout / ".sandbox" / f"{name}.lock"


def _numbers_lock() -> Path:
    return cache_folder() / "sandbox-numbers.lock"
