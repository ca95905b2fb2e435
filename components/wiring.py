"""From a plan to components: which planned value becomes which argument, and nothing else."""

import re
from pathlib import Path

from components.apt_repository import AptRepositoryArgs
from components.gpu_host import GpuHostArgs, NvidiaArgs
from components.host_limits import HostLimitsArgs
from components.limit_settings import limit_settings
from components.nvidia_toolkit import NvidiaDriverArgs
from components.server_image import ServerImageArgs
from components.server_terms import ServerTerms, Ulimit
from components.stack_secrets import StackSecrets
from hosts.connection import resolve
from hosts.lock import ImageLock, ModelLock
from hosts.nvidia_floors import floors
from hosts.runtime import AptRepository, NvidiaRepository
from hosts.stack import HostEntry, StackConfig
from sizing.serving import ServingPlan

CONTAINER_USER = "2000:0"
# Entries of NVIDIA's earlier repositories, which carry the same packages.
NVIDIA_REPOSITORIES = r"nvidia\.github\.io/(libnvidia-container|nvidia-docker|nvidia-container-runtime)"


def host_args(
    stack: StackConfig,
    entry: HostEntry,
    plan: ServingPlan,
    folder: Path,
    model_lock: ModelLock,
    image_lock: ImageLock | None,
    secrets: StackSecrets,
) -> GpuHostArgs:
    """The arguments of one `GpuHost`; `image_lock` belongs to an archive."""
    model, image = stack.model, stack.server.image
    return GpuHostArgs(
        ssh=entry.ssh,
        folder=folder,
        docker_floor=stack.docker.floor_for(gpu=entry.spec().gpu is not None),
        docker_policy=stack.docker.policy,
        docker_packages=stack.docker.package_names if stack.docker.policy == "install" else (),
        docker_repository=None if stack.docker.repository is None else _docker_repository(stack.docker.repository),
        nvidia=_nvidia(stack, entry),
        limits=HostLimitsArgs(limit_settings(plan, stack.kernel)),
        # Named by its content: another model never overwrites the one that an update may have to return to.
        model_volume=f"gpuhost-model-{model_lock.digest[:12]}",
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
        terms=_terms(stack, entry, plan),
        health_deadline_s=plan.integer("health_deadline_s"),
        health_start_period_s=plan.integer("health_start_period_s"),
        stop_grace_s=plan.integer("stop_grace_s"),
        model_download=model.hub or model.archive,
        hub_token=None if model.hub is None else secrets.hub_token,
        api_key=secrets.api_key,
    )


def _nvidia(stack: StackConfig, entry: HostEntry) -> NvidiaArgs | None:
    gpu, nvidia, tables = entry.spec().gpu, stack.nvidia, floors()
    if gpu is None:
        return None
    cuda = tables.image_cuda.major_of(stack.server.image.reference, stack.server.vllm_version)
    docker_floor = stack.docker.floor_for(gpu=True)
    packages = tables.driver_packages if nvidia.driver.packages is None else {"any": nvidia.driver.packages}
    return NvidiaArgs(
        driver=NvidiaDriverArgs(
            policy=nvidia.driver.policy,
            cuda_major=cuda,
            cuda_floor=tables.driver_for(cuda),
            gpus=gpu.count,
            branch_floors={each.branch: each.floor for each in tables.driver_branches},
            branch=nvidia.driver.branch,
            packages={
                distribution: tuple(name.format(branch=nvidia.driver.branch) for name in names)
                for distribution, names in packages.items()
            },
        ),
        toolkit_version=nvidia.toolkit.version,
        repository=_toolkit_repository(nvidia.toolkit.repository),
        path=nvidia.path_on(docker_floor),
        docker_needed=docker_floor,
    )


def _toolkit_repository(repository: NvidiaRepository) -> AptRepositoryArgs:
    return AptRepositoryArgs(
        name="nvidia-container-toolkit",
        line=f"deb [signed-by=@KEYRING@] {repository.url}/stable/deb/$(ARCH) /",
        key_url=repository.key_url,
        fingerprint=repository.fingerprint,
        conflicts=(NVIDIA_REPOSITORIES, re.escape(f"{repository.url}/stable/deb")),
    )


def _docker_repository(repository: AptRepository) -> AptRepositoryArgs:
    return AptRepositoryArgs(
        name="gpuhost-docker",
        line=f"deb [signed-by=@KEYRING@] {repository.url} {repository.suite} {' '.join(repository.components)}",
        key_url=repository.key,
        fingerprint=repository.fingerprint,
        conflicts=(re.escape(repository.url),),
    )


def _terms(stack: StackConfig, entry: HostEntry, plan: ServingPlan) -> ServerTerms:
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
        gpu_path=None if gpu is None else stack.nvidia.path_on(stack.docker.floor_for(gpu=True)),
        gpu_indexes=() if gpu is None else tuple(str(index) for index in range(gpu.count)),
    )
