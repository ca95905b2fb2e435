"""Which sandboxes exist on this machine, and which numbers they hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.models.containers import Container

from hosts.sandbox import container as containers
from hosts.sandbox.addresses import NUMBERS, SSH_PORT, address, inner_address
from hosts.sandbox.errors import SandboxError
from hosts.sandbox.identity import Identity
from hosts.sandbox.image import Flavour
from hosts.sandbox.sandbox import Sandbox

DEVELOPMENT = "dev"


@dataclass(frozen=True)
class Entry:
    """One sandbox of any checkout, as its container's labels tell."""

    name: str
    number: int
    flavour: Flavour
    memory_gib: int
    cpus: float
    checkout: str
    container: str
    state: str
    image: str
    host_key: str

    @property
    def is_running(self) -> bool:
        return self.state == "running"


def entry(container: Container) -> Entry:
    """Reads one container's labels."""
    labels = container.labels
    return Entry(
        name=labels[containers.NAME_LABEL],
        number=int(labels[containers.NUMBER_LABEL]),
        flavour="bare" if labels[containers.FLAVOUR_LABEL] == "bare" else "docker",
        memory_gib=int(labels[containers.MEMORY_LABEL]),
        cpus=float(labels[containers.CPUS_LABEL]),
        checkout=labels[containers.CHECKOUT_LABEL],
        container=container.name or "",
        state=container.status,
        image=labels[containers.IMAGE_LABEL],
        host_key=labels[containers.HOST_KEY_LABEL],
    )


def all_entries(client: docker.DockerClient) -> list[Entry]:
    """Every sandbox of every checkout, by number."""
    return sorted(map(entry, containers.all_sandboxes(client)), key=lambda each: (each.number, each.checkout))


def choose_number(name: str, wanted: int | None, entries: Sequence[Entry]) -> int:
    """The number of a new sandbox: the wanted one, 1 for `dev`, else the first from 2 that none holds.

    Raises SandboxError where it is out of range or a running sandbox has it.
    """
    if wanted is None and name != DEVELOPMENT:
        held = {each.number for each in entries}
        free = next((number for number in NUMBERS if number not in held and number != 1), None)
        if free is None:
            raise SandboxError("all sandbox numbers are in use; see `python -m hosts.sandbox list`")
        return free
    number = wanted or 1
    if wanted is not None and wanted not in NUMBERS:
        raise SandboxError(f"number: {wanted} is outside {NUMBERS[0]} to {NUMBERS[-1]}")
    check_free(number, "", entries)
    return number


def check_free(number: int, own_container: str, entries: Sequence[Entry]) -> None:
    """Raises SandboxError that names the running sandbox which has the number."""
    for other in entries:
        if other.number == number and other.is_running and other.container != own_container:
            raise SandboxError(
                f"{address(number)} is taken by the running sandbox {other.name!r} of the checkout "
                f"{other.checkout}. "
                f"Stop it with `docker stop {other.container}` (keeps its data) or "
                f"`cd {other.checkout} && python -m hosts.sandbox down {other.name}` (removes it), "
                "or choose another number with --number"
            )


def sandbox_of(found: Entry, identity: Identity) -> Sandbox:
    """What `up` hands out for it."""
    return Sandbox(
        name=found.name,
        number=found.number,
        flavour=found.flavour,
        memory_gib=found.memory_gib,
        cpus=found.cpus,
        container=found.container,
        address=address(found.number),
        inner_address=inner_address(found.number),
        ssh_port=SSH_PORT,
        user="root",
        host_key=identity.host_key,
        host_key_file=identity.host_key_file,
        private_key_file=identity.private_key_file,
        known_hosts_file=identity.known_hosts_file,
        ssh_config_file=identity.ssh_config_file,
    )


def identity_of(name: str, checkout: Path) -> Identity:
    """Where that sandbox's keys are, or would be."""
    return Identity(name, checkout / ".sandbox" / name)
