"""What a plan starts from, in words, by the names its values refer to."""

from collections.abc import Mapping

from sizing.commands.stacks import PlannedStack
from sizing.draw.bars import readable


def inputs_of(stack: PlannedStack, host: str) -> Mapping[str, str]:
    """Every input of the plan of `host`."""
    goal, model = stack.stack.goal, stack.model
    spec = next(entry.spec() for entry in stack.stack.hosts if entry.name == host)
    gpu = spec.gpu
    quantization = model.quantization.method if model.quantization else "unquantised"
    stated = goal.model_dump(mode="json")
    return {f"goal.{name}": "not stated" if value is None else str(value) for name, value in stated.items()} | {
        "model": f"{stack.stack.model.name}, {model.architecture}, {model.layers} layers, {quantization}, "
        f"{readable(model.loaded_weight_bytes)}",
        "host.cpus": f"{spec.cpus}, as the stack or its shape says",
        "host.memory_gib": f"{spec.memory_gib:g}, as the stack or its shape says",
        "host.gpu": "none"
        if gpu is None
        else f"{gpu.count} x {gpu.name}, {gpu.memory_gib:g} GiB, compute capability {gpu.compute_capability}",
        "host.limits": ", ".join(
            f"{name} {'no ceiling' if value is None else value}" for name, value in spec.limits.model_dump().items()
        ),
        "vllm_version": stack.stack.server.vllm_version,
    }
