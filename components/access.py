"""A host's two ways in - commands and Docker - over SSH with a host key that is known beforehand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pulumi
import pulumi_command as command
import pulumi_docker as docker

from hosts.connection import SshConnection, SshEndpoint


@dataclass(frozen=True)
class Triggers:
    """What makes a component's scripts run again, by the name of its check; `away` where nobody could look."""

    by_name: Mapping[str, str] = field(default_factory=dict)
    away: bool = False


@dataclass(frozen=True)
class HostAccess:
    """What every component of one host is built with.

    `connection` runs commands (its private key is a Pulumi secret), `docker` is the host's own provider:
    a child without it would silently talk to the Docker socket of the operator's machine.
    """

    host: str
    connection: command.remote.ConnectionArgs
    docker: docker.Provider
    sudo: str
    triggers: Triggers

    def options(self, parent: pulumi.Resource, *depends_on: pulumi.Resource) -> pulumi.ResourceOptions:
        """Options of a child resource: this parent, this host's provider, after these."""
        return pulumi.ResourceOptions(parent=parent, provider=self.docker, depends_on=list(depends_on))


def access_to(host: str, ssh: SshConnection, folder: Path, parent: pulumi.Resource, triggers: Triggers) -> HostAccess:
    """Ways into `host`; relative paths in `ssh` start at `folder`, the project's.

    Writes the host's key to `.gpuhost/known_hosts/<host>`, since ssh itself reads keys from a file only.
    Raises ValueError or OSError where a key file cannot be read.
    """
    known_hosts = known_hosts_file(host, ssh, folder)
    return HostAccess(
        host=host,
        connection=_connection(ssh, folder),
        docker=docker.Provider(
            f"{host}-docker",
            host=f"ssh://{ssh.user}@{ssh.address}:{ssh.port}",
            ssh_opts=_ssh_options(ssh, known_hosts),
            opts=pulumi.ResourceOptions(parent=parent),
        ),
        sudo=sudo_for(ssh),
        triggers=triggers,
    )


def sudo_for(ssh: SshConnection) -> str:
    """What makes a command root's."""
    return "" if ssh.user == "root" else "sudo -n "


def ssh_command(host: str, ssh: SshConnection, folder: Path) -> list[str]:
    """ssh to `host` with its key checked, from `folder`, for a command to follow."""
    known_hosts = known_hosts_file(host, ssh, folder)
    return ["ssh", *_ssh_options(ssh, known_hosts), "-p", str(ssh.port), f"{ssh.user}@{ssh.address}"]


def known_hosts_file(host: str, ssh: SshConnection, folder: Path) -> Path:
    """The file with the keys of the host and its jump host, relative to `folder`: ssh reads keys from files only."""
    known_hosts = Path(".gpuhost/known_hosts") / host
    _write_known_hosts(folder / known_hosts, ssh, folder)
    return known_hosts


def _connection(ssh: SshConnection, folder: Path) -> command.remote.ConnectionArgs:
    proxy = None
    if ssh.jump is not None:
        proxy = command.remote.ProxyConnectionArgs(
            host=ssh.jump.address,
            port=ssh.jump.port,
            user=ssh.jump.user,
            host_key=ssh.jump.read_host_key(folder),
            private_key=_private_key(ssh.jump, folder),
            dial_error_limit=3,
        )
    return command.remote.ConnectionArgs(
        host=ssh.address,
        port=ssh.port,
        user=ssh.user,
        host_key=ssh.read_host_key(folder),
        private_key=_private_key(ssh, folder),
        dial_error_limit=3,
        proxy=proxy,
    )


def _private_key(endpoint: SshEndpoint, folder: Path) -> pulumi.Output[str] | None:
    key = endpoint.read_private_key(folder)
    return None if key is None else pulumi.Output.secret(key)


def _ssh_options(ssh: SshConnection, known_hosts: Path) -> list[str]:
    """Options for the ssh that the Docker provider starts; relative paths keep the state free of machines."""
    settings = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": str(known_hosts),
        "ConnectTimeout": "10",
        "ServerAliveInterval": "15",
        "ControlMaster": "auto",
        "ControlPath": ".gpuhost/%C",
        "ControlPersist": "30",
    }
    if ssh.private_key_file is not None:
        settings |= {"IdentityFile": str(ssh.private_key_file), "IdentitiesOnly": "yes"}
    if ssh.jump is not None:
        settings["ProxyJump"] = f"{ssh.jump.user}@{ssh.jump.address}:{ssh.jump.port}"
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def _write_known_hosts(path: Path, ssh: SshConnection, folder: Path) -> None:
    endpoints = [ssh] if ssh.jump is None else [ssh, ssh.jump]
    lines = "".join(f"{_known_as(each)} {each.read_host_key(folder)}\n" for each in endpoints)
    if path.is_file() and path.read_text(encoding="utf-8") == lines:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(lines, encoding="utf-8")


def _known_as(endpoint: SshEndpoint) -> str:
    return endpoint.address if endpoint.port == 22 else f"[{endpoint.address}]:{endpoint.port}"
