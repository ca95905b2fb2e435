"""A sandbox that stands for a machine with an NVIDIA GPU, and the two repositories that serve it."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from components.apt_repository import AptRepositoryArgs
from components.docker_engine import DockerEngineArgs
from components.host_script import script_text, sent_text
from components.nvidia_runtime import DAEMON_KEYS
from components.wiring import NVIDIA_REPOSITORIES
from hosts.nvidia_floors import floors
from hosts.runtime import DISTRIBUTION_DOCKER
from hosts.sandbox import Sandbox
from tests.engine.nvidia.repository import Mirror, SigningKey, publish

DRIVER = "580.159.03"
TOOLKIT = floors().toolkit.known_good
ARCHITECTURE = subprocess.run(
    ["dpkg", "--print-architecture"], check=True, capture_output=True, text=True
).stdout.strip()
DRIVER_PACKAGES = ("nvidia-kernel-dkms", "libnvidia-ml1", "nvidia-smi", "libcuda1")
TOOLKIT_PACKAGES = (
    "nvidia-container-toolkit",
    "nvidia-container-toolkit-base",
    "libnvidia-container-tools",
    "libnvidia-container1",
)


@dataclass(frozen=True)
class Repositories:
    """NVIDIA's toolkit repository and one with the STAND-IN driver, as `url`/stable/deb/ARCH and `url`/driver."""

    mirror: Mirror
    packages: Path
    key: SigningKey

    @property
    def url(self) -> str:
        return self.mirror.url

    @property
    def toolkit_folder(self) -> Path:
        return self.mirror.folder / "stable/deb" / ARCHITECTURE

    def reset(self, key: SigningKey | None = None, shown: SigningKey | None = None, without: str = "nothing") -> None:
        """Publishes all there is but what matches `without`, signed with `key`, and `shown` as the key to trust."""
        toolkit = [file for file in sorted(self.packages.glob("toolkit/*.deb")) if not re.match(without, file.name)]
        publish(self.toolkit_folder, toolkit, key or self.key)
        publish(self.mirror.folder / "driver", sorted(self.packages.glob("driver/*.deb")), self.key)
        (shown or self.key).public(self.mirror.folder / "gpgkey")

    def args(self, url: str | None = None, fingerprint: str | None = None) -> AptRepositoryArgs:
        """As the component takes it."""
        base = url or self.url
        return AptRepositoryArgs(
            name="nvidia-container-toolkit",
            line=f"deb [signed-by=@KEYRING@] {base}/stable/deb/$(ARCH) /",
            key_url=f"{base}/gpgkey",
            fingerprint=fingerprint or self.key.fingerprint,
            conflicts=(NVIDIA_REPOSITORIES, re.escape(f"{base}/stable/deb")),
        )


@dataclass(frozen=True)
class Ran:
    """How a script ended and what it said."""

    status: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        return self.stdout + self.stderr


@dataclass(frozen=True)
class NvidiaHost:
    """The host, and our scripts as the components send them to it."""

    sandbox: Sandbox
    repositories: Repositories

    def script(
        self, name: str, *arguments: str, data: dict[str, str] | None = None, apt_wait_s: int | None = None
    ) -> Ran:
        """Runs `components/<name>` as the component does: over SSH, on standard input."""
        parts = (
            ["apt.sh"]
            if name in {"apt_repository.sh", "nvidia_toolkit.sh", "nvidia_driver.sh", "docker_engine.sh"}
            else []
        )
        setting = "" if apt_wait_s is None else f"GPUHOST_APT_WAIT_S={apt_wait_s} "
        call = f"{setting}sh -s -- {' '.join(arguments)}"
        done = self.sandbox.run(call, check=False, stdin=sent_text(script_text(name, data, parts)), timeout_s=300)
        return Ran(done.returncode, done.stdout, done.stderr)

    def repository(self, args: AptRepositoryArgs | None = None, apt_wait_s: int | None = None) -> Ran:
        args = args or self.repositories.args()
        return self.script(
            "apt_repository.sh",
            "apply",
            args.name,
            args.key_url,
            args.fingerprint,
            data=args.script_data(),
            apt_wait_s=apt_wait_s,
        )

    def toolkit(self, version: str = TOOLKIT, apt_wait_s: int | None = None) -> Ran:
        return self.script("nvidia_toolkit.sh", "apply", version, apt_wait_s=apt_wait_s)

    def driver(self, policy: str = "assert", *, cuda: int = 13, branch: int | None = None, gpus: int = 1) -> Ran:
        tables = floors()
        data = {
            "branches": "\n".join(f"{each.branch} {each.floor}" for each in tables.driver_branches),
            "packages": f"any {' '.join(DRIVER_PACKAGES)}",
        }
        given = [] if branch is None else [str(branch)]
        return self.script(
            "nvidia_driver.sh", "apply", policy, str(cuda), tables.driver_for(cuda), str(gpus), *given, data=data
        )

    def engine(self, policy: Literal["assert", "install"] = "install", floor: str = "26.1.0") -> Ran:
        """DockerEngine's script with the keys of a host that has GPUs."""
        wished = DockerEngineArgs(floor, policy, DAEMON_KEYS, DISTRIBUTION_DOCKER)
        return self.script("docker_engine.sh", "apply", floor, policy, *wished.packages, data=wished.script_data())

    def cdi(self, path: str = "cdi") -> Ran:
        return self.script("nvidia_cdi.sh", "apply", path, "26.1.0")

    def smoke(self, options: str = "--device=nvidia.com/gpu=all") -> Ran:
        return self.script("nvidia_smoke.sh", "apply", data={"gpu_options": options})

    def add_operator(self) -> str:
        """A user as cloud images have one: sudo without a password, the same SSH key, no group of Docker's."""
        self.sandbox.run(
            """set -e
            id -u ops >/dev/null 2>&1 || useradd -m -s /bin/bash ops
            echo 'ops ALL=(ALL) NOPASSWD:ALL' > /etc/sudoers.d/ops
            install -d -m 0700 -o ops -g ops /home/ops/.ssh
            install -m 0600 -o ops -g ops /root/.ssh/authorized_keys /home/ops/.ssh/"""
        )
        return "ops"

    def add_driver_source(self) -> None:
        """The repository of the STAND-IN driver, trusted by its key as any other."""
        self.sandbox.run(
            "cat > /etc/apt/keyrings/driver.asc", stdin=(self.repositories.mirror.folder / "gpgkey").read_text()
        )
        line = f"deb [signed-by=/etc/apt/keyrings/driver.asc] {self.repositories.url}/driver /"
        self.sandbox.run(f"echo '{line}' > /etc/apt/sources.list.d/driver.list && apt-get -q update", timeout_s=180)

    def install_driver(self, version: str = DRIVER) -> None:
        """What the machine's owner did before: a driver, loaded."""
        names = " ".join(f"{name}={version}-1" for name in DRIVER_PACKAGES)
        options = "-qy --allow-downgrades --allow-change-held-packages"
        self.sandbox.run(f"DEBIAN_FRONTEND=noninteractive apt-get {options} install {names}", timeout_s=180)

    def installed(self, package: str) -> str:
        return self.sandbox.run(f"dpkg-query -W -f '${{Version}}' {package}", check=False).stdout

    @property
    def versions(self) -> dict[str, str]:
        return {name: self.installed(name) for name in TOOLKIT_PACKAGES}

    @property
    def held(self) -> set[str]:
        return set(self.sandbox.run("apt-mark showhold").stdout.split())

    @property
    def uuids(self) -> list[str]:
        return re.findall(r"GPU-[0-9a-f-]{36}", self.sandbox.run("nvidia-smi -L").stdout)
