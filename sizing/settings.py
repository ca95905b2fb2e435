"""The limits around the server, each with its evidence, within what the host can grant."""

from hosts.spec import HostSpec
from sizing.choices import Bounds, Choices
from sizing.serving import Device
from sizing.sized import Sized

NOFILE_WISHED = 65535
NOFILE_MOST = 1 << 20  # the kernel's fs.nr_open
STACK_BYTES = 67108864
STACK_LEAST_BYTES = 1 << 20
SOMAXCONN = 4096
BACKLOG = 2048
PIDS_LEAST = 256
PIDS_MOST = 1 << 22  # the kernel's largest pid_max


def decide_limits(chosen: Choices, host: HostSpec, device: Device) -> None:
    """ulimits, process and CPU limit of the container, and the host's connection backlog."""
    _ulimits(chosen, host)
    chosen.decide(
        Sized(
            name="pids_limit",
            value=1024 + 128 * host.cpus,
            unit="processes",
            reason="a fork bomb stays in its container; vLLM's thread pools grow with the CPUs",
            derived_from=("host.cpus",),
        ),
        Bounds(PIDS_LEAST, PIDS_MOST, "vLLM's processes and thread pools take that many", "the kernel has no more"),
    )
    chosen.decide(
        Sized(
            name="cpus",
            value=host.cpus,
            unit="CPUs",
            reason="all of the host's: Docker refuses more than there are"
            + ("" if host.cpus >= (4 if device == "cuda" else 2) else "; vLLM asks for at least two cores a GPU"),
            derived_from=("host.cpus",),
        ),
        Bounds(1, host.cpus, "the server needs one", "Docker refuses more than the host has"),
    )
    chosen.decide(
        Sized(
            name="somaxconn",
            value=SOMAXCONN,
            unit="connections",
            reason="the API server's backlog of 2048 must not be cut; the default of current kernels",
        ),
        Bounds(BACKLOG, 1 << 16, "the API server's backlog of 2048 would be cut", "no backlog is that long"),
    )


def _ulimits(chosen: Choices, host: HostSpec) -> None:
    granted = host.limits
    nofile = min(NOFILE_WISHED, granted.nofile or NOFILE_WISHED)
    memlock = -1 if granted.memlock_kib is None else granted.memlock_kib * 1024
    stack = min(STACK_BYTES, (granted.stack_kib or STACK_BYTES) * 1024)
    capped = " (capped by the host's limits.nofile)" if nofile < NOFILE_WISHED else ""
    chosen.decide(
        Sized(
            name="nofile",
            value=nofile,
            unit="files",
            reason=f"vLLM raises its soft limit to 65535 and warns where it cannot{capped}",
            derived_from=("host.limits",),
        ),
        Bounds(1024, granted.nofile or NOFILE_MOST, "sockets and files of the server", "the host grants no more"),
    )
    chosen.decide(
        Sized(
            name="memlock_bytes",
            value=memlock,
            unit="bytes",
            reason="NVIDIA's advice for pinned memory and RDMA; vLLM itself never locks memory"
            if memlock == -1
            else "the most this host grants; vLLM itself never locks memory",
            derived_from=("host.limits",),
        ),
        Bounds(65536, 1 << 60, also=(-1,))
        if memlock == -1
        else Bounds(min(65536, memlock), memlock, "the kernel's own default", "the host grants no more"),
    )
    chosen.decide(
        Sized(
            name="stack_bytes",
            value=stack,
            unit="bytes",
            reason="NVIDIA's advice, 64 MiB; nothing in vLLM asks for it",
            derived_from=("host.limits",),
        ),
        Bounds(
            STACK_LEAST_BYTES,
            granted.stack_kib * 1024 if granted.stack_kib else 1 << 40,
            "threads need that much",
            "the host grants no more",
        ),
    )
