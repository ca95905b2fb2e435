"""From a plan to components: which planned value becomes which argument, and nothing else."""

from pathlib import Path

from components.gpu_host import GpuHostArgs
from components.server_image import ServerImageArgs
from components.server_terms import ServerTerms, Ulimit
from hosts.connection import resolve
from hosts.lock import ImageLock, ModelLock
from hosts.stack import HostEntry, StackConfig
from sizing.serving import ServingPlan

CONTAINER_USER = "2000:0"
# CDI devices need a daemon that reads the specification version the toolkit writes.
DOCKER_FLOOR = {"cpu": "24.0.0", "cuda": "26.1.0"}


def host_args(
    stack: StackConfig,
    entry: HostEntry,
    plan: ServingPlan,
    folder: Path,
    model_lock: ModelLock,
    image_lock: ImageLock | None,
) -> GpuHostArgs:
    """The arguments of one `GpuHost`; `image_lock` belongs to an archive."""
    model, image = stack.model, stack.server.image
    return GpuHostArgs(
        ssh=entry.ssh,
        folder=folder,
        docker_floor=DOCKER_FLOOR[plan.device],
        docker_policy="assert",
        sysctls={"net.core.somaxconn": str(plan["somaxconn"])},
        model_volume=model.volume,
        model_lock=model_lock,
        model_directory=None if model.directory is None else resolve(folder, model.directory),
        model_host_path=None if model.host_path is None else str(model.host_path),
        image=ServerImageArgs(
            reference=image.reference,
            archive=None if image.archive is None else resolve(folder, image.archive),
            lock=image_lock,
        ),
        image_key=image_lock.image_id if image_lock else str(image.reference),
        arguments=plan.vllm_arguments,
        environment=plan.environment,
        bind_address=entry.bind_address,
        port=stack.server.port,
        terms=_terms(entry, plan),
        health_deadline_s=plan.integer("health_deadline_s"),
        health_start_period_s=plan.integer("health_start_period_s"),
        stop_grace_s=plan.integer("stop_grace_s"),
    )


def _terms(entry: HostEntry, plan: ServingPlan) -> ServerTerms:
    gpu = entry.spec().gpu
    return ServerTerms(
        user=CONTAINER_USER,
        memory_mib=plan.integer("container_memory_mib"),
        memory_swap_mib=plan.integer("container_memory_swap_mib"),
        shm_mib=plan.integer("shm_mib"),
        cpus=str(plan["cpus"]),
        pids_limit=plan.integer("pids_limit"),
        ulimits=(
            Ulimit("memlock", plan.integer("memlock_bytes"), plan.integer("memlock_bytes")),
            Ulimit("nofile", plan.integer("nofile"), plan.integer("nofile")),
            Ulimit("stack", plan.integer("stack_bytes"), plan.integer("stack_bytes")),
        ),
        tmpfs={"/tmp": "rw,exec,nosuid,nodev,size=1g,mode=1777"},  # noqa: S108 - the container's own
        gpu_driver=None if gpu is None else "cdi",
        gpu_ids=() if gpu is None else tuple(f"nvidia.com/gpu={index}" for index in range(gpu.count)),
    )
