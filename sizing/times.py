"""How long a start may take, and a stop."""

from hosts.spec import HostSpec
from sizing.choices import Bounds, Choices
from sizing.serving import Device
from sizing.sized import Sized

READ_BYTES_PER_S = 200 * 1024 * 1024
ENGINE_S = 45.0  # imports and engine, measured on 2 CPUs
COMPILE_S = 60.0
DEADLINE_LEAST_S = 240
DAY_S = 86_400


def decide_times(chosen: Choices, host: HostSpec, device: Device, weight_bytes: int, graph_sizes: int) -> None:
    """A start is: imports and engine, weights at 200 MiB/s from a cold disk, and on a GPU the cold compile and a
    second a CUDA graph. The deadline is three times that, since machines share their disks."""
    parts = {"engine": ENGINE_S * max(1.0, 2 / host.cpus), "weights": weight_bytes / READ_BYTES_PER_S}
    if device == "cuda":
        parts |= {"compile": COMPILE_S, "CUDA graphs": float(graph_sizes)}
    spelled = " + ".join(f"{name} {seconds:.0f} s" for name, seconds in parts.items())
    chosen.decide(
        Sized(
            name="start_expected_s",
            value=round(sum(parts.values())),
            unit="s",
            reason=f"{spelled}, caches cold",
            derived_from=("model", "host.cpus"),
        ),
        Bounds(1, DAY_S, why_most="no start takes longer than a day"),
    )
    expected = chosen.integer("start_expected_s")
    chosen.decide(
        Sized(
            name="health_deadline_s",
            value=max(DEADLINE_LEAST_S, -(-3 * expected // 10) * 10),
            unit="s",
            reason=f"three times the expected start, at least {DEADLINE_LEAST_S} s; then the old server returns",
            derived_from=("start_expected_s",),
        ),
        Bounds(min(expected, DAY_S), 3 * DAY_S, "the start is expected to take that long", "nobody waits longer"),
    )
    chosen.decide(
        Sized(
            name="health_start_period_s",
            value=chosen.integer("health_deadline_s"),
            unit="s",
            reason="Docker does not count failed checks while the model may still be loading",
            derived_from=("health_deadline_s",),
        ),
        Bounds(0, 3 * DAY_S, why_most="nobody waits longer"),
    )
    chosen.decide(
        Sized(
            name="stop_grace_s",
            value=30,
            unit="s",
            reason="vLLM stops within a second when idle; running answers get the rest",
        ),
        Bounds(0, 3600, why_most="an update would hang for hours"),
    )
