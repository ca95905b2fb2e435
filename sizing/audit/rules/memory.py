"""Shared memory, KV offload and the container's limits against the host."""

from sizing.audit.finding import GIB, Case, Findings, fatal, fine, harmful, redundant

# Two rings of 160 and 240 MiB, sparse, whenever the executor has worker processes.
RINGS_BYTES = 400 << 20
OFFLOAD_RESERVE_GIB = 12
OFFLOAD_LIMIT_GIB = 9


def memory_findings(case: Case) -> Findings:
    """In the order: offload, shared memory, limits."""
    yield from _offload(case)
    if case.contained:
        yield from _shared_memory(case)
        yield from _limits(case)
        yield from _ulimits(case)


def _offload(case: Case) -> Findings:
    size = case.number("kv_offloading_size")
    if size is None or size <= 0 or case.target.device != "cuda":
        return
    setting = case.spelled("kv_offloading_size")
    available = case.shm_bytes() if case.contained else None
    right = f"--shm-size={size + 1:g}g, private IPC, --memory={size + OFFLOAD_LIMIT_GIB:g}g"
    place = "the host's /dev/shm (half of its RAM)" if case.settings.ipc == "host" else "the container's /dev/shm"
    if available is not None and available < size * GIB:
        yield fatal(
            setting,
            f"vLLM maps a file of {size:g} GiB in /dev/shm and refuses to start where less is free; {place} has "
            f"{available / GIB:.2f} GiB",
            right,
        )
    if case.host is not None and size > case.host.memory_gib - OFFLOAD_RESERVE_GIB:
        yield harmful(
            setting,
            f"the region is pinned RAM; beside it the engine, API servers and system need about {OFFLOAD_RESERVE_GIB} "
            f"GiB of {case.host.memory_gib:g}",
            f"at most {max(0.0, case.host.memory_gib - OFFLOAD_RESERVE_GIB):g}",
        )
    limit = case.settings.memory_bytes
    if limit is not None and 0 < limit < (size + 4) * GIB:
        yield harmful(
            setting,
            f"its pages count against --memory ({limit / GIB:g} GiB) and cannot be reclaimed: the OOM killer ends it",
            right,
        )
    yield fine(
        setting,
        "a second-level prefix cache; the number of running requests is computed from GPU blocks alone",
        "only for prefixes that return after they fell out of the GPU's cache",
    )


def _shared_memory(case: Case) -> Findings:
    settings = case.settings
    if settings.ipc == "host":
        yield harmful(
            "--ipc=host",
            "shares the host's /dev/shm and IPC with the container; one GPU needs none of it",
            "private IPC with --shm-size=1g",
        )
        if settings.shm_bytes is not None:
            yield redundant(
                f"--shm-size={settings.shm_bytes / GIB:g}g",
                "with --ipc=host the container uses the host's /dev/shm; the size is not applied",
            )
        return
    workers = (case.number("tensor_parallel_size") or 1) * (case.number("pipeline_parallel_size") or 1) > 1
    available = case.shm_bytes()
    if (workers or case.target.device == "cpu") and available is not None and available < RINGS_BYTES:
        yield fatal(
            "--shm-size",
            f"worker processes share rings of 160 and 240 MiB; /dev/shm has {available >> 20} MiB and vLLM aborts",
            "--shm-size=1g",
        )
        return
    large = settings.shm_bytes is not None and settings.shm_bytes > 2 * GIB
    if large and not workers and not case.number("kv_offloading_size"):
        yield redundant(
            f"--shm-size={(settings.shm_bytes or 0) / GIB:g}g",
            "on one GPU the engine runs in one process and puts next to nothing into /dev/shm",
            "--shm-size=1g is plenty",
        )


def _limits(case: Case) -> Findings:
    settings, host = case.settings, case.host
    for bad in settings.bad_sizes:
        yield fatal(bad, "is no size the engine understands", "a number with k, m or g")
    limit = settings.memory_bytes
    if limit is not None and limit > 0:
        setting = f"--memory={limit / GIB:g}g"
        if host is not None and limit >= host.memory_gib * GIB:
            yield harmful(
                setting,
                f"the host has {host.memory_gib:g} GiB: it limits nothing, and a runaway server takes all",
                "what the plan says, below the host's RAM by the system's reserve",
            )
        if settings.memory_swap_bytes is None:
            yield harmful(
                setting, "without --memory-swap the container may swap as much again", "--memory-swap equal to --memory"
            )
    if settings.cpus is not None and host is not None:
        if settings.cpus > host.cpus:
            yield fatal(
                f"--cpus={settings.cpus:g}",
                f"the host has {host.cpus} CPUs and Docker refuses more",
                f"--cpus={host.cpus}",
            )
        elif settings.cpus == host.cpus:
            yield redundant(f"--cpus={settings.cpus:g}", f"the host has {host.cpus} CPUs: it limits nothing")


def _ulimits(case: Case) -> Findings:
    for limit in case.settings.ulimits:
        setting = f"--ulimit {limit.name}={limit.value}"
        if limit.name == "memlock":
            yield redundant(setting, "vLLM never locks memory through this limit; harmless", "drop it or keep it")
        elif limit.name == "stack":
            yield redundant(setting, "nothing in vLLM asks for a larger stack")
        elif limit.name == "nofile":
            yield fine(setting, "vLLM raises this limit to 65535 and warns where it cannot")
