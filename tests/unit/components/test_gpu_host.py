"""A host's resources: each with its own providers, in order, complete."""

import dataclasses

from components.gpu_host import GpuHostArgs
from hosts.connection import SshConnection
from tests.unit.components.conftest import HOST_KEY, PRIVATE_KEY, Build

SECRET = "4dabf18193072939515e22adb298388d"


def test_every_docker_resource_uses_its_own_hosts_provider(build: Build, args: GpuHostArgs) -> None:
    other = dataclasses.replace(args, ssh=args.ssh.model_copy(update={"address": "192.0.2.8"}))
    recorded = build(("one", args), ("two", other))
    children = [resource for resource in recorded.resources if resource.typ.startswith("docker:")]
    assert len(children) == 8
    for child in children:
        host = child.name.split("-", 1)[0]
        assert f"pulumi:providers:docker::{host}-docker::" in str(child.provider), child.name


def test_every_command_goes_to_its_own_host_with_the_key_checked(build: Build, args: GpuHostArgs) -> None:
    recorded = build(("one", args))
    commands = [resource for resource in recorded.resources if resource.typ.startswith("command:remote:")]
    assert len(commands) == 6
    for command in commands:
        connection = command.inputs["connection"]
        assert connection[SECRET], f"{command.name} keeps its connection in clear"
        assert connection["value"]["host"] == "192.0.2.7"
        assert connection["value"]["hostKey"] == HOST_KEY


def test_the_private_key_is_in_no_input_but_the_secret_connection(build: Build, args: GpuHostArgs) -> None:
    for resource in build(("one", args)).resources:
        inputs = dict(resource.inputs)
        inputs.pop("connection", None)
        assert PRIVATE_KEY.splitlines()[1] not in str(inputs), resource.name


def test_docker_checks_the_same_host_key(build: Build, args: GpuHostArgs) -> None:
    recorded = build(("one", args))
    options = str(recorded.named("one-docker").inputs["sshOpts"])
    assert "StrictHostKeyChecking=yes" in options
    assert "UserKnownHostsFile=.gpuhost/known_hosts/one" in options
    written = (args.folder / ".gpuhost/known_hosts/one").read_text()
    assert written == f"[192.0.2.7]:2222 {HOST_KEY}\n"


def test_a_jump_host_is_checked_too(build: Build, args: GpuHostArgs) -> None:
    jump = SshConnection(address="bastion.example.com", user="ops", host_key=HOST_KEY)
    through = dataclasses.replace(args, ssh=args.ssh.model_copy(update={"jump": jump}))
    recorded = build(("one", through))
    assert "ProxyJump=ops@bastion.example.com:22" in str(recorded.named("one-docker").inputs["sshOpts"])
    proxy = recorded.named("one-engine-configured").inputs["connection"]["value"]["proxy"]
    assert (proxy["host"], proxy["hostKey"]) == ("bastion.example.com", HOST_KEY)
    assert f"bastion.example.com {HOST_KEY}" in (args.folder / ".gpuhost/known_hosts/one").read_text()


def test_another_user_runs_scripts_with_sudo(build: Build, args: GpuHostArgs) -> None:
    recorded = build(("one", dataclasses.replace(args, ssh=args.ssh.model_copy(update={"user": "ubuntu"}))))
    assert recorded.named("one-engine-configured").inputs["create"].startswith("sudo -n sh -s -- apply ")


def test_a_preview_without_a_host_shows_all_of_it(build: Build, args: GpuHostArgs) -> None:
    there = {resource.name for resource in build(("one", args)).resources}
    ahead = {resource.name for resource in build(("one", args), preview=True).resources}
    assert ahead == there
