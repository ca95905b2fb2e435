"""The only way in is SSH, as root, with the recorded key on either side."""

import subprocess
from pathlib import Path

import docker
import pytest

from hosts.sandbox import Sandbox
from hosts.sandbox.addresses import PORTS


def _ssh(sandbox: Sandbox, *options: str) -> subprocess.CompletedProcess[str]:
    command = ["ssh", "-F", str(sandbox.ssh_config_file), *options, sandbox.name, "echo in"]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def test_the_recorded_keys_log_in(first: Sandbox) -> None:
    assert _ssh(first).stdout == "in\n"


def test_plain_ssh_options_are_enough(first: Sandbox) -> None:
    """What a deployment knows of a host: address, port, user, key files."""
    command = [
        "ssh", "-F", "/dev/null", "-i", str(first.private_key_file), "-p", str(first.ssh_port),
        "-o", f"UserKnownHostsFile={first.known_hosts_file}", "-o", "StrictHostKeyChecking=yes",
        "-o", "BatchMode=yes", f"{first.user}@{first.address}", "cat /etc/ssh/ssh_host_ed25519_key.pub",
    ]  # fmt: skip
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert shown == first.host_key == first.host_key_file.read_text().strip()
    assert first.host_key.startswith("ssh-ed25519 AAAA")


def test_another_host_key_is_refused(first: Sandbox, second: Sandbox, tmp_path: Path) -> None:
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(f"[{first.address}]:{first.ssh_port} {second.host_key}\n")
    refused = _ssh(first, "-o", f"UserKnownHostsFile={known_hosts}")
    assert refused.returncode == 255
    assert "Host key verification failed" in refused.stderr


def test_an_unknown_host_key_is_refused(first: Sandbox, tmp_path: Path) -> None:
    refused = _ssh(first, "-o", f"UserKnownHostsFile={tmp_path / 'none'}")
    assert refused.returncode == 255
    assert "Host key verification failed" in refused.stderr


def test_another_private_key_is_refused(first: Sandbox, second: Sandbox) -> None:
    command = [
        "ssh",
        "-i",
        str(second.private_key_file),
        "-o",
        "IdentitiesOnly=yes",
        "-p",
        str(first.ssh_port),
    ]
    options = ["-o", f"UserKnownHostsFile={first.known_hosts_file}", "-o", "BatchMode=yes"]
    refused = subprocess.run(
        [*command, *options, "-F", "/dev/null", f"root@{first.address}", "true"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert refused.returncode == 255
    assert "Permission denied (publickey)" in refused.stderr


@pytest.mark.parametrize("method", ["password", "keyboard-interactive"])
def test_passwords_are_not_asked_for(first: Sandbox, method: str) -> None:
    refused = _ssh(first, "-o", f"PreferredAuthentications={method}")
    assert refused.returncode == 255
    assert "Permission denied (publickey)" in refused.stderr


def test_private_keys_are_private(first: Sandbox) -> None:
    folder = first.private_key_file.parent
    for name in ("id_ed25519", "ssh_host_ed25519_key"):
        assert (folder / name).stat().st_mode & 0o077 == 0


def test_all_ports_are_published_on_its_own_loopback_address_alone(engine: docker.DockerClient, first: Sandbox) -> None:
    bindings = engine.containers.get(first.container).attrs["NetworkSettings"]["Ports"]
    published = {(inside, each["HostIp"], each["HostPort"]) for inside, all_of in bindings.items() for each in all_of}
    assert published == {(f"{inside}/tcp", first.address, str(outside)) for outside, inside in PORTS.items()}


def test_many_connections_at_once_are_let_in(second: Sandbox) -> None:
    """Docker over SSH opens one for each request."""
    started = [
        subprocess.Popen(second.ssh_command("sleep 2; echo in"), stdout=subprocess.PIPE, text=True) for _ in range(24)
    ]
    assert [process.communicate(timeout=60)[0] for process in started] == ["in\n"] * 24
