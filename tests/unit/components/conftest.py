"""Components built against Pulumi's mocks: every registered resource is kept for the test to look at."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import pulumi
import pytest

from components.access import Triggers
from components.gpu_host import GpuHost, GpuHostArgs
from components.host_limits import HostLimitsArgs
from components.limit_settings import LimitSetting
from components.server_image import ServerImageArgs
from components.server_terms import ServerTerms, Ulimit
from hosts.connection import SshConnection
from hosts.lock import LockedFile, ModelLock

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5m0m7m0m7m0m7m0m7m0m7m0m7m0m7m0m7m0m7m0m7m"
PRIVATE_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nnobody's\n-----END OPENSSH PRIVATE KEY-----\n"


@dataclass
class Recorded(pulumi.runtime.Mocks):
    """Accepts every resource; ids are names, command output is empty."""

    resources: list[pulumi.runtime.MockResourceArgs] = field(default_factory=list)

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.resources.append(args)
        return f"{args.name}-id", dict(args.inputs) | {"stdout": "", "stderr": "", "imageId": "sha256:" + "1" * 64}

    def call(self, args: pulumi.runtime.MockCallArgs) -> NoReturn:
        raise AssertionError(f"nothing here looks anything up, yet {args.token} was called")

    def named(self, name: str) -> pulumi.runtime.MockResourceArgs:
        found = [resource for resource in self.resources if resource.name == name]
        assert len(found) == 1, f"{name}: {[resource.name for resource in self.resources]}"
        return found[0]

    def of_type(self, token: str) -> list[pulumi.runtime.MockResourceArgs]:
        return [resource for resource in self.resources if resource.typ == token]


@pytest.fixture
def args(tmp_path: Path) -> GpuHostArgs:
    """A complete host with a carried-over model and a pulled image."""
    (tmp_path / "id").write_text(PRIVATE_KEY)
    model = tmp_path / "model"
    model.mkdir()
    return GpuHostArgs(
        ssh=SshConnection(address="192.0.2.7", port=2222, host_key=HOST_KEY, private_key_file=Path("id")),
        folder=tmp_path,
        docker_floor="26.1.0",
        docker_policy="assert",
        docker_packages=(),
        docker_repository=None,
        nvidia=None,
        limits=HostLimitsArgs(
            (LimitSetting("net.core.somaxconn", "4096", "connections", "sysctl.d", "needed", "the backlog of 2048"),)
        ),
        model_volume="gpuhost-model-tiny",
        model_lock=ModelLock(
            name="tiny", files=(LockedFile(path="config.json", size_bytes=2, sha256="a" * 64),), total_bytes=2
        ),
        model_directory=model,
        model_host_path=None,
        image=ServerImageArgs(reference="vllm/vllm-openai:v0.32.0@sha256:" + "0" * 64),
        image_key="vllm/vllm-openai:v0.32.0@sha256:" + "0" * 64,
        arguments=("--max-model-len", "2048"),
        environment={"HF_HUB_OFFLINE": "1"},
        bind_address="192.0.2.7",
        port=8000,
        terms=ServerTerms(
            user="2000:0",
            memory_mib=4096,
            memory_swap_mib=4096,
            shm_mib=1024,
            cpus="8",
            pids_limit=2048,
            ulimits=(Ulimit("nofile", 65535, 65535),),
            tmpfs={"/tmp": "rw"},
        ),
        health_deadline_s=300,
        health_start_period_s=300,
        stop_grace_s=30,
    )


Build = Callable[..., Recorded]


@pytest.fixture
def build() -> Build:
    """Builds one host of each (name, args) and gives back what was registered."""

    def run(*hosts: tuple[str, GpuHostArgs], preview: bool = False) -> Recorded:
        recorded = Recorded()
        asyncio.set_event_loop(asyncio.new_event_loop())
        pulumi.runtime.set_mocks(recorded, project="gpuhost", stack="unit", preview=preview)

        @pulumi.runtime.test  # type: ignore[untyped-decorator]
        def program() -> pulumi.Output[Any]:
            return pulumi.Output.all(*(GpuHost(name, args, Triggers()).container for name, args in hosts))

        program()
        return recorded

    return run
