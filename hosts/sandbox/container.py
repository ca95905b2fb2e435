"""The sandbox as a container: how it is created, started, restarted and removed."""

import hashlib
import io
import re
import tarfile
import uuid
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container
from docker.types import EndpointConfig

from hosts.sandbox.addresses import NETWORK, address, inner_address, published_ports
from hosts.sandbox.apt_setup import AptSetup
from hosts.sandbox.errors import SandboxError
from hosts.sandbox.identity import Identity

NAME_LABEL = "gpuhost.sandbox"
NUMBER_LABEL = "gpuhost.number"
CHECKOUT_LABEL = "gpuhost.checkout"
FLAVOUR_LABEL = "gpuhost.flavour"
MEMORY_LABEL = "gpuhost.memory-gib"
CPUS_LABEL = "gpuhost.cpus"
IMAGE_LABEL = "gpuhost.image"
HOST_KEY_LABEL = "gpuhost.host-key"

REBOOT_GRACE_S = 20
RESOLVERS = "/etc/gpuhost/resolv.conf"  # read by pre_init.sh
# What an engine of the sandbox's own keeps; overlay file systems cannot be stacked on the container's.
_DATA = {"docker": "/var/lib/docker", "containerd": "/var/lib/containerd"}
_CAP_SYS_RESOURCE = 24


@dataclass(frozen=True)
class Shape:
    """What one sandbox is to be."""

    name: str
    number: int
    flavour: str
    memory_gib: int
    cpus: float
    checkout: Path
    image: str

    @property
    def container(self) -> str:
        return container_name(self.name, self.checkout)

    def labels(self, host_key: str) -> dict[str, str]:
        return {
            NAME_LABEL: self.name,
            NUMBER_LABEL: str(self.number),
            CHECKOUT_LABEL: str(self.checkout),
            FLAVOUR_LABEL: self.flavour,
            MEMORY_LABEL: str(self.memory_gib),
            CPUS_LABEL: f"{self.cpus:g}",
            IMAGE_LABEL: self.image,
            HOST_KEY_LABEL: host_key,
        }


def container_name(name: str, checkout: Path) -> str:
    """Two checkouts may have sandboxes of the same name."""
    return f"gpuhost-{name}-{hashlib.sha256(str(checkout).encode()).hexdigest()[:4]}"


def find(client: docker.DockerClient, container: str) -> Container | None:
    try:
        return client.containers.get(container)
    except NotFound:
        return None


def all_sandboxes(client: docker.DockerClient) -> list[Container]:
    """Of every checkout of this machine, running or not."""
    return client.containers.list(all=True, filters={"label": NAME_LABEL})


def create_and_start(client: docker.DockerClient, shape: Shape, identity: Identity, setup: AptSetup) -> Container:
    """A new container, started. Raises SandboxError where its addresses are taken or the engine refuses."""
    missing = missing_capabilities()
    try:
        return _start(_create(client, shape, identity, setup, drop=missing))
    except APIError as error:
        remove_container(client, shape.container)
        if missing or not re.search(r"(?i)\bcaps?\b|capabilit", str(error.explanation)):
            raise _start_error(shape.number, error) from error
    # An engine with fewer capabilities than this process has.
    try:
        return _start(_create(client, shape, identity, setup, drop=["SYS_RESOURCE"]))
    except APIError as error:
        remove_container(client, shape.container)
        raise _start_error(shape.number, error) from error


def start(container: Container, number: int) -> None:
    """Starts a stopped sandbox with its data. The machine may be on another network by now."""
    resolvers = (0o644, reachable_resolvers().encode())
    container.put_archive("/", archive_of({RESOLVERS: resolvers}))
    try:
        container.start()
    except APIError as error:
        raise _start_error(number, error) from error


def restart(client: docker.DockerClient, container: str) -> None:
    """Stops the container as a reboot would, and starts it."""
    client.containers.get(container).restart(timeout=REBOOT_GRACE_S)


def remove_container(client: docker.DockerClient, container: str) -> bool:
    """Whether there was anything: the container or one of its volumes."""
    found = find(client, container)
    if found is not None:
        found.remove(force=True, v=True)
    volumes = 0
    for part in _DATA:
        try:
            client.volumes.get(f"{container}-{part}").remove(force=True)
            volumes += 1
        except NotFound:
            pass
    return found is not None or volumes > 0


def _create(
    client: docker.DockerClient, shape: Shape, identity: Identity, setup: AptSetup, drop: list[str]
) -> Container:
    """All that a machine may do, short of `privileged`, which would hand over this machine's devices too."""
    labels = shape.labels(identity.host_key)
    for part in _DATA:
        client.volumes.create(f"{shape.container}-{part}", labels=labels)
    container = client.containers.create(
        shape.image,
        name=shape.container,
        hostname=shape.name,
        labels=labels,
        cap_add=["ALL"],
        cap_drop=drop,
        security_opt=["seccomp=unconfined", "apparmor=unconfined"],
        device_cgroup_rules=["a *:* rwm"],
        cgroupns="private",
        stop_signal="SIGRTMIN+3",  # systemd's own word for an orderly shutdown
        tmpfs={"/run": "", "/run/lock": "", "/tmp": "exec"},  # noqa: S108
        volumes={f"{shape.container}-{part}": {"bind": path, "mode": "rw"} for part, path in _DATA.items()},
        mem_limit=f"{shape.memory_gib}g",
        memswap_limit=f"{shape.memory_gib}g",
        shm_size=f"{shape.memory_gib * 512}m",  # half of the memory, as on a machine
        nano_cpus=round(shape.cpus * 1e9),
        network=NETWORK,
        networking_config={NETWORK: EndpointConfig(client.api.api_version, ipv4_address=inner_address(shape.number))},
        ports=published_ports(shape.number),
    )
    container.put_archive("/", archive_of(_own_files(identity, setup)))
    return container


def _start(container: Container) -> Container:
    container.start()
    return container


def _own_files(identity: Identity, setup: AptSetup) -> dict[str, tuple[int, bytes]]:
    """What makes this sandbox itself: path -> mode and content."""
    files = {path: (0o644, content) for path, content in setup.files().items()}
    files["/etc/ssh/ssh_host_ed25519_key"] = (0o600, identity.host_private_key_file.read_bytes())
    files["/etc/ssh/ssh_host_ed25519_key.pub"] = (0o644, identity.host_key_file.read_bytes())
    files["/root/.ssh/authorized_keys"] = (0o600, f"{identity.public_key}\n".encode())
    files["/etc/machine-id"] = (0o444, f"{uuid.uuid4().hex}\n".encode())
    files[RESOLVERS] = (0o644, reachable_resolvers().encode())
    return files


def reachable_resolvers(etc: Path = Path("/etc"), run: Path = Path("/run")) -> str:
    """The machine's resolv.conf, if the servers it names can be reached from a container; else nothing."""
    for file in (etc / "resolv.conf", run / "systemd/resolve/resolv.conf"):
        text = file.read_text() if file.is_file() else ""
        servers = re.findall(r"^nameserver\s+(\S+)", text, re.MULTILINE)
        if servers and not any(server.startswith("127.") or server == "::1" for server in servers):
            return text
    return ""


def archive_of(files: dict[str, tuple[int, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, (mode, content) in files.items():
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.mode, entry.size = mode, len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def missing_capabilities() -> list[str]:
    """Where this machine withholds CAP_SYS_RESOURCE from every process, asking for it fails the start."""
    status = Path("/proc/self/status")
    match = re.search(r"^CapBnd:\s+(\w+)", status.read_text(), re.MULTILINE) if status.is_file() else None
    has_it = match is None or int(match[1], 16) >> _CAP_SYS_RESOURCE & 1
    return [] if has_it else ["SYS_RESOURCE"]


def _start_error(number: int, error: APIError) -> SandboxError:
    words = error.explanation or str(error)
    if re.search(r"(?i)address already in use|port is already allocated", words):
        return SandboxError(
            f"something on this machine already listens on {address(number)}; see `ss -ltnp`, "
            f"or choose another sandbox number. The engine says: {words}"
        )
    return SandboxError(f"the engine did not start the sandbox: {words}")
