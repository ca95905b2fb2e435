"""The values of a plan in the making: a rule proposes, an override by the same name wins."""

from collections.abc import Mapping

from sizing.serving import Device
from sizing.sized import Sized, Value

MIB = 1 << 20


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
