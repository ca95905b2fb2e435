"""The settings around the server: limits, deadlines and kernel values, each with its evidence."""

from hosts.spec import HostSpec
from sizing.serving import Device
from sizing.sized import Sized

GIB = 1 << 30

NOFILE_WISHED = 65535
STACK_BYTES = 67108864
READ_BYTES_PER_S = 200 * 1024 * 1024
SOMAXCONN = 4096


def limit_values(host: HostSpec, device: Device) -> list[Sized]:
    """ulimits and process limit of the container, within what the host can grant."""
    nofile = min(NOFILE_WISHED, host.limits.nofile or NOFILE_WISHED)
    memlock = -1 if host.limits.memlock_kib is None else host.limits.memlock_kib * 1024
    stack = min(STACK_BYTES, (host.limits.stack_kib or STACK_BYTES) * 1024)
    capped = " (capped by the host's limits.nofile)" if nofile < NOFILE_WISHED else ""
    return [
        Sized(
            name="nofile",
            value=nofile,
            unit="files",
            reason=f"vLLM raises its soft limit to 65535 and warns where it cannot{capped}",
            derived_from=("limits.nofile",),
        ),
        Sized(
            name="memlock_bytes",
            value=memlock,
            unit="bytes",
            reason="NVIDIA's advice for pinned memory and RDMA; vLLM itself never locks memory"
            if memlock == -1
            else "the most this host grants; vLLM itself never locks memory",
            derived_from=("limits.memlock_kib",),
        ),
        Sized(
            name="stack_bytes",
            value=stack,
            unit="bytes",
            reason="NVIDIA's advice, 64 MiB; nothing in vLLM asks for it",
            derived_from=("limits.stack_kib",),
        ),
        Sized(
            name="pids_limit",
            value=1024 + 128 * host.cpus,
            unit="processes",
            reason="a fork bomb stays in its container; vLLM's thread pools grow with the CPUs",
            derived_from=("cpus",),
        ),
        Sized(
            name="cpus",
            value=host.cpus,
            unit="CPUs",
            reason="all of the host's: Docker refuses more than there are"
            + ("" if host.cpus >= (4 if device == "cuda" else 2) else "; vLLM asks for at least two cores a GPU"),
            derived_from=("cpus",),
        ),
        Sized(
            name="somaxconn",
            value=SOMAXCONN,
            unit="connections",
            reason="the API server's backlog of 2048 must not be cut; the default of current kernels",
        ),
    ]


def time_values(host: HostSpec, device: Device, weight_bytes: int, graph_sizes: int) -> list[Sized]:
    """How long a start may take, and a stop.

    A start is: imports and engine (45 s measured on 2 CPUs), weights at 200 MiB/s from a cold disk, and on a
    GPU the cold compile (60 s) and a second a CUDA graph. The deadline is three times that, since machines
    share their disks.
    """
    load_s = weight_bytes / READ_BYTES_PER_S
    parts = {"engine": 45.0 * max(1.0, 2 / host.cpus), "weights": load_s}
    if device == "cuda":
        parts |= {"compile": 60.0, "CUDA graphs": float(graph_sizes)}
    expected = sum(parts.values())
    spelled = " + ".join(f"{name} {seconds:.0f} s" for name, seconds in parts.items())
    deadline = max(240, -(-int(3 * expected) // 10) * 10)
    return [
        Sized(
            name="start_expected_s",
            value=round(expected),
            unit="s",
            reason=f"{spelled}, caches cold",
            derived_from=("weight_bytes", "cpus"),
        ),
        Sized(
            name="health_deadline_s",
            value=deadline,
            unit="s",
            reason="three times the expected start, at least 240 s; then the old server returns",
            derived_from=("start_expected_s",),
        ),
        Sized(
            name="health_start_period_s",
            value=deadline,
            unit="s",
            reason="Docker does not count failed checks while the model may still be loading",
            derived_from=("health_deadline_s",),
        ),
        Sized(
            name="stop_grace_s",
            value=30,
            unit="s",
            reason="vLLM stops within a second when idle; running answers get the rest",
        ),
    ]
