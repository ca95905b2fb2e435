"""`NvidiaRuntime`: the GPUs reach containers, shown by one that really ran."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.access import HostAccess
from components.host_script import check_text, host_script
from hosts.nvidia_floors import InjectionPath

# What daemon.json needs, for either path. DockerEngine owns the file and merges these.
DAEMON_KEYS: Mapping[str, object] = {
    "features": {"cdi": True},
    "runtimes": {"nvidia": {"args": [], "path": "nvidia-container-runtime"}},
}


def gpu_options(path: InjectionPath, gpus: Sequence[str] = ("all",)) -> list[str]:
    """The options of `docker run` that inject these GPUs, by index or `all`. Never `--gpus`: on most engines
    that is the legacy hook, and its containers lose their GPUs at a daemon-reload.
    """
    if path == "cdi":
        return [f"--device=nvidia.com/gpu={gpu}" for gpu in gpus]
    return ["--runtime=nvidia", *(f"--env={key}={value}" for key, value in runtime_environment(gpus).items())]


def runtime_environment(gpus: Sequence[str]) -> dict[str, str]:
    """What tells the nvidia runtime which GPUs a container gets, and which parts of the driver."""
    return {"NVIDIA_VISIBLE_DEVICES": ",".join(gpus), "NVIDIA_DRIVER_CAPABILITIES": "compute,utility"}


@dataclass(frozen=True)
class NvidiaRuntimeArgs:
    """`path`: how GPUs reach a container; `docker_needed`: the oldest engine for it. `stamps` are the
    versions of driver, toolkit and engine: after a change of one, all is shown again.
    """

    path: InjectionPath
    docker_needed: str
    stamps: Sequence[pulumi.Input[str]] = ()
    after: Sequence[pulumi.Resource] = ()


class NvidiaRuntime(pulumi.ComponentResource):
    """Produces the CDI specification, equal to the host's GPUs and made again before Docker at every boot, and a
    smoke test: a container on the same path as the server's that lists the GPUs, before and after a
    `systemctl daemon-reload`.

    Outputs: `gpus` (the UUIDs a container saw, one a line). Wait for `ready`.
    """

    ready: pulumi.Resource
    gpus: pulumi.Output[str]

    def __init__(
        self, name: str, args: NvidiaRuntimeArgs, access: HostAccess, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("gpuhost:index:NvidiaRuntime", name, {"path": args.path}, opts)
        described = host_script(
            f"{name}-cdi",
            access,
            "nvidia_cdi.sh",
            ["apply", args.path, args.docker_needed, *args.stamps],
            pulumi.ResourceOptions(parent=self, depends_on=list(args.after)),
            undo=["remove"],
            drift=f"{name}-cdi",
        )
        shown = host_script(
            f"{name}-smoke",
            access,
            "nvidia_smoke.sh",
            ["apply", *args.stamps, described.stdout],
            pulumi.ResourceOptions(parent=self, depends_on=[described]),
            undo=["remove"],
            data={"gpu_options": "\n".join(gpu_options(args.path))},
        )
        self.ready = shown
        self.gpus = shown.stdout
        self.register_outputs({"gpus": self.gpus})


def runtime_checks(name: str) -> dict[str, str]:
    """Names what of the CDI specification is not as wished."""
    return {f"{name}-cdi": check_text("nvidia_cdi.sh", [])}
