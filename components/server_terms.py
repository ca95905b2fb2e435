"""The terms a server container runs under, and their two spellings: Pulumi's and the docker command's."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi_docker as docker

from components.nvidia_runtime import gpu_options, runtime_environment
from hosts.nvidia_floors import InjectionPath


@dataclass(frozen=True)
class Ulimit:
    """One resource limit, in the unit setrlimit counts (bytes, files); -1 is unlimited."""

    name: str
    soft: int
    hard: int


@dataclass(frozen=True)
class ServerTerms:
    """Limits and hardening of a container; every figure comes from the plan.

    `tmpfs` maps a folder to mount options; `gpu_path` is how the GPUs `gpu_indexes` come in, or None on a host
    without a GPU.
    """

    user: str
    memory_mib: int
    memory_swap_mib: int
    shm_mib: int
    cpus: str
    pids_limit: int
    ulimits: tuple[Ulimit, ...]
    tmpfs: Mapping[str, str] = field(default_factory=dict)
    gpu_path: InjectionPath | None = None
    gpu_indexes: tuple[str, ...] = ()

    @property
    def gpu_environment(self) -> dict[str, str]:
        """Variables that the nvidia runtime reads; CDI needs none."""
        return runtime_environment(self.gpu_indexes) if self.gpu_path == "runtime" else {}


def trial_options(terms: ServerTerms) -> list[str]:
    """The terms as options of `docker run`, for the trial that precedes a handover."""
    options = [
        f"--user={terms.user}",
        f"--memory={terms.memory_mib}m",
        f"--memory-swap={terms.memory_swap_mib}m",
        f"--shm-size={terms.shm_mib}m",
        f"--cpus={terms.cpus}",
        f"--pids-limit={terms.pids_limit}",
        "--ipc=private",
        "--read-only",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges:true",
    ]
    options += [f"--ulimit={limit.name}={limit.soft}:{limit.hard}" for limit in terms.ulimits]
    options += [f"--tmpfs={folder}:{how}" for folder, how in sorted(terms.tmpfs.items())]
    if terms.gpu_path is not None:
        options += gpu_options(terms.gpu_path, terms.gpu_indexes)
    return options


def device_requests(terms: ServerTerms) -> list[docker.ContainerDeviceRequestArgs] | None:
    """The GPUs as CDI devices; None without one, and where the nvidia runtime brings them."""
    if terms.gpu_path != "cdi":
        return None
    devices = [f"nvidia.com/gpu={index}" for index in terms.gpu_indexes]
    return [docker.ContainerDeviceRequestArgs(driver="cdi", device_ids=devices)]


def go_duration(seconds: int) -> str:
    """Seconds as Go prints them (`90` is `1m30s`): any other spelling is a difference on every run."""
    if seconds <= 0:
        return "0s"
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{left}s"
    return f"{minutes}m{left}s" if minutes else f"{left}s"


def healthcheck(port: int, start_period_s: int) -> docker.ContainerHealthcheckArgs:
    """Asks /health inside the container, with the Python that every vLLM image has."""
    ask = (
        "import sys, urllib.request as r; ask = r.build_opener(r.ProxyHandler({})).open; "
        f"sys.exit(ask('http://127.0.0.1:{port}/health', timeout=4).status != 200)"
    )
    return docker.ContainerHealthcheckArgs(
        tests=["CMD", "python3", "-c", ask],
        interval=go_duration(30),
        timeout=go_duration(10),
        start_period=go_duration(start_period_s),
        retries=3,
    )
