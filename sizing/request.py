"""What is planned: host, model, goal and release."""

from dataclasses import dataclass

from hosts.spec import GpuSpec, HostSpec
from hosts.stack import Goal
from sizing.geometry import ModelGeometry
from sizing.kv import Device


@dataclass(frozen=True)
class PlanRequest:
    """The input of a plan."""

    host: HostSpec
    model: ModelGeometry
    goal: Goal
    vllm_version: str
    served_name: str
    port: int

    @property
    def gpu(self) -> GpuSpec:
        """The host's GPUs; ValueError on a host without one."""
        if self.host.gpu is None:
            raise ValueError(f"host '{self.host.name}' has no GPU")
        return self.host.gpu

    @property
    def device(self) -> Device:
        """One of the GPUs, as the KV planner takes it."""
        gpu = self.gpu
        return Device(name=gpu.name, compute_capability=gpu.capability, memory_bytes=gpu.memory_bytes)
