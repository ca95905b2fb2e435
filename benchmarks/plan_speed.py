"""How long planning takes: a host after import, 1,000 different hosts, a refusal, and the import itself.

`python -m benchmarks.plan_speed` prints a table, with --json one object. Each figure is a median over rounds with
its spread (10th and 90th percentile), since other work shares the machine.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).parents[1]
MODEL = PROJECT / "sizing" / "models" / "mistral-7b-instruct-v0.3-awq.json"
CARDS = (
    ("A10G", 22.06, "8.6"),
    ("L4", 22.03, "8.9"),
    ("RTX 3090", 23.56, "8.6"),
    ("RTX 4090", 23.52, "8.9"),
    ("A100-SXM4-80GB", 79.25, "8.0"),
    ("L40S", 44.42, "8.9"),
    ("H100-SXM5-80GB", 79.19, "9.0"),
    ("H200", 139.8, "9.0"),
)
PROFILES = ("basic", "full", "latency", "throughput")
MOST_MS_A_HOST = 50
MOST_S_FOR_ALL = 5


def spread(samples: list[float]) -> dict[str, float]:
    """Median and percentiles of the samples."""
    deciles = statistics.quantiles(samples, n=10) if len(samples) > 1 else samples * 9
    return {
        "median": round(statistics.median(samples), 3),
        "p10": round(deciles[0], 3),
        "p90": round(deciles[-1], 3),
        "max": round(max(samples), 3),
    }


def seconds(action: Callable[[], object]) -> float:
    """Wall-clock time of one call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def import_ms(rounds: int) -> list[float]:
    """A fresh process that imports the planner, less one that imports nothing."""

    def run(program: str) -> float:
        return seconds(lambda: subprocess.run([sys.executable, "-c", program], cwd=PROJECT, check=True))

    return [1000 * (run("import sizing.plan") - run("pass")) for _ in range(rounds)]


def first_plan_ms(rounds: int) -> list[float]:
    """The first plan of a fresh process, after import: tables and data files are read then."""
    program = (
        "import sys, time; from benchmarks.plan_speed import planner, requests; call = planner(requests(1)[0]);"
        "start = time.perf_counter(); call(); sys.stdout.write(str(time.perf_counter() - start))"
    )
    found = []
    for _ in range(rounds):
        done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, check=True, capture_output=True, text=True)
        found.append(1000 * float(done.stdout))
    return found


Request = tuple[dict[str, object], dict[str, object]]


def requests(many: int) -> list[Request]:
    """Different hosts, each with a goal on every axis, in turn over all cards and profiles."""
    found: list[Request] = []
    for number in range(many):
        name, memory_gib, capability = CARDS[number % len(CARDS)]
        gpu = {"name": name, "memory_gib": round(memory_gib - number % 7 * 0.01, 2), "compute_capability": capability}
        host = {"name": f"h{number}", "cpus": 4 + number % 61, "memory_gib": 24.0 + number * 0.5, "gpu": gpu}
        goal = {
            "context_tokens": 8192 + 16 * (number % 1000),
            "parallel_requests": 1 + number % 40,
            "requests_per_second": 0.5 + number % 9,
            "ttft_s": 1.0 + number % 5,
            "latency_s": 10.0,
            "prompt_tokens": 2000,
            "output_tokens": 200,
            "profile": PROFILES[number // len(CARDS) % len(PROFILES)],
        }
        found.append((host, goal))
    return found


def planner(request: Request) -> Callable[[], object]:
    """A call that plans the request, its input already validated."""
    from hosts.spec import HostSpec
    from hosts.stack import Goal
    from sizing.geometry import from_path
    from sizing.plan import plan

    model, host, goal = from_path(MODEL), HostSpec.model_validate(request[0]), Goal.model_validate(request[1])
    return lambda: plan(host, model, goal, "0.32.0", served_name="model")


def refusal() -> Callable[[], object]:
    """A call that ends in a refusal which names the longest context that fits."""
    host, _ = requests(1)[0]
    small = host | {"gpu": {"name": "RTX 3060", "memory_gib": 8, "compute_capability": "8.6"}}
    call = planner((small, {"context_tokens": 32768}))

    def refused() -> None:
        try:
            call()
        except ValueError:
            return
        raise AssertionError("8 GiB do not hold 32K")

    return refused


def measure(many: int, rounds: int) -> dict[str, object]:
    """All figures; times of one plan in milliseconds, of all hosts in seconds."""
    calls = [planner(request) for request in requests(many)]
    single: list[float] = []
    whole = []
    for _ in range(rounds):
        times = [1000 * seconds(call) for call in calls]
        single += times
        whole.append(sum(times) / 1000)
    return {
        "import_ms": spread(import_ms(rounds)),
        "first_plan_ms": spread(first_plan_ms(rounds)),
        "plan_ms": spread(single),
        "refusal_ms": spread([1000 * seconds(refusal()) for _ in range(rounds)]),
        f"{many}_hosts_s": spread(whole),
        "rounds": rounds,
        "within_target": statistics.median(single) < MOST_MS_A_HOST and statistics.median(whole) < MOST_S_FOR_ALL,
    }


def main() -> int:
    """Exit status 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plan_speed", description=__doc__)
    parser.add_argument("--hosts", type=int, default=1000, metavar="N", help="different hosts a round")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    found = measure(options.hosts, options.rounds)
    if options.json:
        print(json.dumps(found))
    else:
        for name, figures in found.items():
            if isinstance(figures, dict):
                print(
                    f"{name:<16} median {figures['median']:>9.3f}   "
                    f"p10 {figures['p10']:.3f}, p90 {figures['p90']:.3f}, max {figures['max']:.3f}"
                )
        print(f"targets: {MOST_MS_A_HOST} ms a host, {MOST_S_FOR_ALL} s for {options.hosts} hosts")
    return 0 if found["within_target"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
