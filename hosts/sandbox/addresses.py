"""Where sandbox number N is: 198.18.10.N on its own network, 127.0.10.N from the machine, nowhere else."""

import docker
from docker.errors import APIError, NotFound
from docker.types import IPAMConfig, IPAMPool

from hosts.sandbox.errors import SandboxError

NETWORK = "gpuhost-sandbox"
# Of the range set aside for benchmarks (RFC 2544), which no office or home network uses.
SUBNET = "198.18.10.0/24"
GATEWAY = "198.18.10.254"
NUMBERS = range(1, 251)
SSH_PORT = 2222
# Port on the machine's loopback -> port inside: SSH, vLLM, the gateway, metrics.
PORTS = {SSH_PORT: 22, 8000: 8000, 8443: 8443, 9090: 9090}


def address(number: int) -> str:
    """The loopback address of the machine at which sandbox `number` is reached."""
    return f"127.0.10.{number}"


def inner_address(number: int) -> str:
    """The sandbox's own address, to which services inside it bind."""
    return f"198.18.10.{number}"


def published_ports(number: int) -> dict[str, tuple[str, int]]:
    """docker-py's `ports`: each port on the sandbox's loopback address alone."""
    return {f"{inside}/tcp": (address(number), outside) for outside, inside in PORTS.items()}


def ensure_network(client: docker.DockerClient) -> None:
    """Makes the network of all sandboxes, if missing. Raises SandboxError where its subnet is in use."""
    try:
        found = client.networks.get(NETWORK)
    except NotFound:
        pool = IPAMPool(subnet=SUBNET, gateway=GATEWAY)
        try:
            client.networks.create(NETWORK, driver="bridge", ipam=IPAMConfig(pool_configs=[pool]))
        except APIError as error:
            raise SandboxError(
                f"the engine refuses a network with subnet {SUBNET}: {error.explanation}; "
                "find its user with `ip route` and `docker network ls`"
            ) from error
        return
    subnets = [pool.get("Subnet") for pool in found.attrs["IPAM"]["Config"] or []]
    if subnets != [SUBNET]:
        raise SandboxError(
            f"the Docker network {NETWORK} has subnet {subnets}, not {SUBNET}; "
            f"remove it if nothing needs it: docker network rm {NETWORK}"
        )


def remove_network_if_unused(client: docker.DockerClient) -> bool:
    """Whether the network was there and went. One that another sandbox uses stays."""
    try:
        client.networks.get(NETWORK).remove()
    except NotFound:
        return False
    except APIError as error:
        if "active endpoints" in str(error.explanation):
            return False
        raise
    return True
