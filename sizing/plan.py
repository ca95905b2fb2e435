"""From host, model and goal to the plan: the one function everything else is for."""

from collections.abc import Mapping

from hosts.spec import HostSpec
from hosts.stack import Goal
from sizing.cpu_server import BLOCK_TOKENS, MAX_BATCHED_TOKENS, cpu_kv_cache
from sizing.flags import render_args
from sizing.geometry import ModelGeometry
from sizing.host_ram import RamNeeds, plan_host_ram
from sizing.serving import Device, InfeasibleError, ServingPlan
from sizing.settings import limit_values, time_values
from sizing.sized import Sized, Value

MIB = 1 << 20
DEFAULT_PORT = 8000


def plan(
    host: HostSpec,
    model: ModelGeometry,
    goal: Goal,
    vllm_version: str,
    *,
    served_name: str,
    port: int = DEFAULT_PORT,
    overrides: Mapping[str, Value] | None = None,
) -> ServingPlan:
    """What `host` should run to serve `model` for `goal` with this vLLM release.

    Pure: the same input gives the same plan and digest. Raises InfeasibleError where the host cannot carry
    the goal, with what would be feasible; ValueError where an override names no value of the plan.
    """
    if goal.context_tokens > model.context_tokens:
        raise InfeasibleError(
            f"goal.context_tokens: {goal.context_tokens} exceed the model's own {model.context_tokens}"
        )
    chosen = Choices(dict(overrides or {}))
    if host.gpu is None:
        return _on_cpu(host, model, goal, vllm_version, served_name, port, chosen)
    from sizing.gpu_server import plan_on_gpu

    return plan_on_gpu(host, model, goal, vllm_version, served_name, port, chosen)


class Choices:
    """The values of a plan in the making: a rule proposes, an override by the same name wins."""

    def __init__(self, overrides: Mapping[str, Value]) -> None:
        self._overrides = dict(overrides)
        self.values: dict[str, Sized] = {}

    def take(self, *proposed: Sized) -> None:
        """Adds values, each replaced by the user's where one is set."""
        for sized in proposed:
            value = self._overrides.pop(sized.name, None)
            self.values[sized.name] = sized if value is None else sized.overridden(_like(sized, value))

    def asked(self, name: str) -> Value | None:
        """The override of a value that is not decided yet."""
        return self._overrides.get(name)

    def integer(self, name: str) -> int:
        """A whole-number value that is decided."""
        value = self.values[name].value
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name} is {value!r}, not a whole number")
        return value

    def finished(self) -> dict[str, Sized]:
        """All values; ValueError where an override was never used."""
        if self._overrides:
            name = sorted(self._overrides)[0]
            known = ", ".join(sorted(self.values))
            raise ValueError(f"server.overrides.{name}: the plan has no such value; it has {known}")
        return self.values


def _like(sized: Sized, value: Value) -> Value:
    number = isinstance(sized.value, int | float) and not isinstance(sized.value, bool)
    if number != (isinstance(value, int | float) and not isinstance(value, bool)):
        raise ValueError(
            f"server.overrides.{sized.name}: '{value}' must be "
            + (f"a number of {sized.unit}" if number else f"like '{sized.value}'")
        )
    if number and isinstance(sized.value, int) and not isinstance(value, int):
        raise ValueError(f"server.overrides.{sized.name}: {value} must be a whole number of {sized.unit}")
    return value


def _on_cpu(
    host: HostSpec,
    model: ModelGeometry,
    goal: Goal,
    vllm_version: str,
    served_name: str,
    port: int,
    chosen: Choices,
) -> ServingPlan:
    asked = chosen.asked("kv_cache_bytes")
    if asked is not None and (isinstance(asked, bool) or not isinstance(asked, int)):
        raise ValueError(f"server.overrides.kv_cache_bytes: '{asked}' must be a whole number of bytes")
    wished = cpu_kv_cache(model, goal)
    kv = cpu_kv_cache(model, goal, asked)
    chosen.take(
        Sized(
            name="max_model_len",
            value=goal.context_tokens,
            unit="tokens",
            reason="the goal's context",
            derived_from=("goal.context_tokens",),
        ),
        Sized(
            name="max_num_seqs",
            value=goal.parallel_requests,
            unit="sequences",
            reason="the goal's parallel requests; further ones queue",
            derived_from=("goal.parallel_requests",),
        ),
        Sized(
            name="max_num_batched_tokens",
            value=max(MAX_BATCHED_TOKENS, goal.parallel_requests),
            unit="tokens",
            reason="a step of 2048 tokens keeps the wait between tokens short on CPUs",
        ),
        Sized(
            name="kv_cache_bytes",
            value=wished.size_bytes,
            unit="bytes",
            reason=f"{goal.parallel_requests} requests of {goal.context_tokens} tokens at "
            f"{kv.bytes_per_token} bytes a token, in whole blocks, with the one vLLM reserves",
            derived_from=("goal.parallel_requests", "goal.context_tokens", "model"),
        ),
    )
    chosen.take(
        Sized(name="kv_block_tokens", value=BLOCK_TOKENS, unit="tokens", reason="the CPU backend's block"),
        Sized(
            name="kv_bytes_per_token",
            value=kv.bytes_per_token,
            unit="bytes",
            reason="2 (K and V) x layers x KV heads x head size x bytes per element",
            derived_from=("model",),
        ),
        Sized(
            name="kv_blocks",
            value=kv.blocks,
            unit="blocks",
            reason="whole blocks in the KV cache, the reserved one included",
            derived_from=("kv_cache_bytes",),
        ),
        Sized(
            name="kv_tokens",
            value=kv.tokens,
            unit="tokens",
            reason="what vLLM will report as its KV cache size",
            derived_from=("kv_blocks", "max_model_len"),
        ),
        Sized(
            name="kv_concurrency",
            value=round(kv.concurrency, 4),
            unit="requests",
            reason="requests of full length that run at once",
            derived_from=("kv_blocks", "max_model_len"),
        ),
    )
    ram = plan_host_ram(
        host.memory_bytes,
        RamNeeds(device="cpu", weight_bytes=model.loaded_weight_bytes, kv_in_ram_bytes=kv.size_bytes),
    )
    chosen.take(*memory_values(ram.container_bytes, ram.shm_bytes, "cpu"))
    chosen.take(*limit_values(host, "cpu"), *time_values(host, "cpu", model.loaded_weight_bytes, 0))
    flags = {
        "served_model_name": [served_name],
        "port": port,
        "max_model_len": chosen.integer("max_model_len"),
        "max_num_seqs": chosen.integer("max_num_seqs"),
        "max_num_batched_tokens": chosen.integer("max_num_batched_tokens"),
        "kv_cache_memory_bytes": kv.size_bytes,
        # On CPU there are no CUDA graphs to gain, and a cold compile doubles the start.
        "enforce_eager": True,
    }
    return ServingPlan(
        host=host.name,
        model=served_name,
        device="cpu",
        vllm_version=vllm_version,
        profile=goal.profile.value,
        values=chosen.finished(),
        host_ram=ram.budget,
        vllm_arguments=render_args(flags, vllm_version, None, "cpu"),
        environment=environment("cpu"),
    )


def memory_values(container_bytes: int, shm_bytes: int, device: Device) -> tuple[Sized, ...]:
    """The container's memory limit, its swap and its /dev/shm."""
    memory_mib = container_bytes // MIB
    return (
        Sized(
            name="container_memory_mib",
            value=memory_mib,
            unit="MiB",
            reason="what the processes need and the weights in page cache, beside the system's reserve",
            derived_from=("host_ram",),
        ),
        Sized(
            name="container_memory_swap_mib",
            value=memory_mib,
            unit="MiB",
            reason="equal to the memory limit: no swap, a swapping server is worse than a stopped one",
            derived_from=("container_memory_mib",),
        ),
        Sized(
            name="shm_mib",
            value=shm_bytes // MIB,
            unit="MiB",
            reason="1 GiB for message rings (vLLM aborts at Docker's 64 MiB), and the KV offload region"
            if device == "cpu"
            else "1 GiB, and the KV offload region, which lives in /dev/shm",
            derived_from=("kv_offload_bytes",) if device == "cuda" else (),
        ),
    )


def environment(device: Device) -> dict[str, str]:
    """Variables of the container: no network for models, no usage reports, caches on their volume."""
    shared = {
        "HF_HUB_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "HOME": "/tmp",  # noqa: S108 - the container's own tmpfs; its root is read-only
        "XDG_CACHE_HOME": "/cache",
        "VLLM_CACHE_ROOT": "/cache/vllm",
    }
    return shared | ({"TRITON_CACHE_DIR": "/cache/triton"} if device == "cuda" else {})
