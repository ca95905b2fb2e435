"""What a stack exports of a host: complete enough that tests/infra needs nothing else."""

import dataclasses
from collections.abc import Mapping

from components.docker_engine import BASE_KEYS
from components.gpu_host import SERVICE, GpuHost, GpuHostArgs
from components.limit_settings import THP, of_place
from components.server_container import MODEL_FOLDER
from hosts.stack import HostEntry
from sizing.container import CACHE_FOLDER
from sizing.serving import ServingPlan


def endpoint_of(entry: HostEntry, port: int) -> str:
    """The URL an operator uses; for an endpoint on the host's loopback, through the tunnel of `tunnel_to`."""
    address = entry.endpoint_address or entry.bind_address
    return f"http://{address}:{port}"


def tunnel_to(entry: HostEntry, port: int) -> str | None:
    """The ssh command that brings a loopback endpoint to the operator's machine; None where none is needed."""
    if entry.endpoint_address is not None or not entry.bind_address.startswith("127."):
        return None
    return f"ssh -N -L {port}:{entry.bind_address}:{port} -p {entry.ssh.port} {entry.ssh.user}@{entry.ssh.address}"


def host_outputs(entry: HostEntry, plan: ServingPlan, args: GpuHostArgs, host: GpuHost) -> Mapping[str, object]:
    """One entry of the `hosts` output."""
    terms = args.terms
    return {
        "address": entry.ssh.address,
        "ssh": entry.ssh.model_dump(mode="json", exclude={"host_key_file"})
        | {"host_key": entry.ssh.read_host_key(args.folder)},
        "endpoint": endpoint_of(entry, args.port),
        "tunnel": tunnel_to(entry, args.port),
        "container": host.container,
        "serving": host.serving,
        "docker_version": host.docker_version,
        "model": plan.model,
        "vllm_version": plan.vllm_version,
        "device": plan.device,
        "plan_digest": plan.digest,
        "verdict": plan.verdict,
        "plan": {
            name: sized.model_dump(
                mode="json", include={"value", "unit", "reason", "set_by", "low", "high"}, exclude_none=True
            )
            for name, sized in sorted(plan.values.items())
        },
        "warnings": list(plan.warnings),
        "expected": {
            "service": SERVICE,
            "image": args.image_key,
            "user": terms.user,
            "arguments": [MODEL_FOLDER, *args.arguments],
            "environment": dict(args.environment),
            "api_key": args.key is not None,
            "bind_address": args.bind_address,
            "port": args.port,
            "model_volume": args.model_volume,
            "model_folder": MODEL_FOLDER,
            "model_files": {
                file.path: {"size_bytes": file.size_bytes, "sha256": file.sha256} for file in args.model_lock.files
            },
            "cache_folder": CACHE_FOLDER,
            "ulimits": {limit.name: [limit.soft, limit.hard] for limit in terms.ulimits},
            "sysctls": dict(args.limits.sysctls),
            "transparent_hugepage": of_place(args.limits.settings, "tmpfiles.d").get(THP),
            "limits": [dataclasses.asdict(setting) for setting in args.limits.settings],
            "docker": {"floor": args.docker_floor, "keys": {**BASE_KEYS, **args.daemon_keys}},
            "gpu": _gpu(entry, args),
        },
    }


def _gpu(entry: HostEntry, args: GpuHostArgs) -> Mapping[str, object] | None:
    """What was promised of the GPUs; None on a host without."""
    nvidia, gpu = args.nvidia, entry.spec().gpu
    if nvidia is None or gpu is None:
        return None
    return {
        "path": nvidia.path,
        "indexes": list(args.terms.gpu_indexes),
        "toolkit_version": nvidia.toolkit_version,
        "memory_mib": gpu.memory_bytes >> 20,
        "source_line": nvidia.repository.line.replace("@KEYRING@", nvidia.repository.keyring),
        "fingerprint": nvidia.repository.fingerprint,
        "cuda_floor": nvidia.driver.cuda_floor,
        "branch_floors": {str(branch): floor for branch, floor in nvidia.driver.branch_floors.items()},
    }
