"""Docker runs as wished: at or above the floor, with our settings in force, closed to the network."""

from facts.deployed import Deployed
from facts.versions import release


def test_it_is_at_or_above_the_floor(deployed: Deployed) -> None:
    assert release(deployed.docker.version) >= release(deployed.expected["docker"]["floor"])


def test_every_wished_key_is_in_its_file(deployed: Deployed) -> None:
    wished = deployed.expected["docker"]["keys"]
    there = deployed.docker.config
    fact = {
        key: {name: there.get(key, {}).get(name) for name in value} if isinstance(value, dict) else there.get(key)
        for key, value in wished.items()
    }
    assert fact == wished


def test_it_runs_with_that_file(deployed: Deployed) -> None:
    assert deployed.docker.runs_with_its_file


def test_nobody_but_root_writes_the_file(deployed: Deployed) -> None:
    owner, mode = deployed.docker.config_access
    assert owner == "root:root"
    assert mode & 0o022 == 0


def test_containers_survive_its_restart(deployed: Deployed) -> None:
    assert deployed.docker.info["LiveRestoreEnabled"]


def test_logs_are_bounded(deployed: Deployed) -> None:
    assert deployed.docker.config["log-opts"].keys() >= {"max-size", "max-file"}


def test_no_network_reaches_it(deployed: Deployed) -> None:
    assert not deployed.docker.listens_on_tcp


def test_its_socket_is_for_root_and_its_group_alone(deployed: Deployed) -> None:
    owner, mode = deployed.docker.socket_access
    # In the hour after Docker's install it may belong to the user who deploys, who is in the group anyway.
    assert owner in {"root:docker", f"{deployed.outputs['ssh']['user']}:docker"}
    assert mode == 0o660
