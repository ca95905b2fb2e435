"""A plan is a pure function: same input, same bytes, whatever the process's hash seed."""

import subprocess
import sys

import pytest

from hosts.stack import Goal
from sizing.plan import plan
from tests.unit.sizing.hosts_and_models import PROJECT, guide_model, host, model

PROGRAM = """
from hosts.stack import Goal
from sizing.plan import plan
from tests.unit.sizing.hosts_and_models import guide_model, host, model
goal = Goal(context_tokens=8192, parallel_requests=12, requests_per_second=0.7, ttft_s=2.5, latency_s=9.0,
            prompt_tokens=3000, output_tokens=333, profile="full")
for shape, of in (("guide-21g-8c-32g", guide_model()), ("h100-80g", model("Gemma-2-9B")),
                  ("h100-80g", model("DeepSeek-V2-Lite")), ("rtx-4090-workstation", model("gpt-oss-20b"))):
    print(plan(host(shape), of, goal, "0.32.0", served_name="m").digest)
print(plan(host("sandbox", memory_gib=64), guide_model(), goal, "0.32.0", served_name="m").digest)
"""


def digests(seed: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=PROJECT,
        env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(PROJECT), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_the_digest_does_not_depend_on_the_hash_seed() -> None:
    first = digests("0")
    assert len(set(first)) == 5
    assert digests("1") == digests("4242") == first


def test_the_order_of_values_does_not_matter() -> None:
    one = plan(host("guide-21g-8c-32g"), guide_model(), Goal(context_tokens=4096), "0.32.0", served_name="m")
    turned = one.model_copy(update={"values": dict(reversed(list(one.values.items())))})
    assert list(turned.values) != list(one.values)
    assert turned.digest == one.digest


def test_the_order_of_overrides_does_not_matter() -> None:
    forward = {"max_num_seqs": 4, "shm_mib": 2048, "kv_offload_gib": 1}
    backward = dict(reversed(forward.items()))
    found = [
        plan(host("guide-21g-8c-32g"), guide_model(), Goal(context_tokens=4096), "0.32.0", served_name="m", overrides=o)
        for o in (forward, backward)
    ]
    assert found[0].digest == found[1].digest


@pytest.mark.parametrize("changed", ["context_tokens", "parallel_requests", "ttft_s", "profile"])
def test_the_digest_changes_with_the_goal(changed: str) -> None:
    values = {"context_tokens": 4096, "parallel_requests": 4, "ttft_s": 4.0, "profile": "full"}
    base = Goal.model_validate({"context_tokens": 2048})
    other = base.model_copy(update=Goal.model_validate({"context_tokens": 4096, changed: values[changed]}).model_dump())
    machine = host("guide-21g-8c-32g")
    one, two = (plan(machine, guide_model(), goal, "0.32.0", served_name="m") for goal in (base, other))
    assert one.digest != two.digest


def test_the_digest_changes_with_the_model_and_the_host() -> None:
    goal = Goal(context_tokens=4096)
    found = {
        plan(machine, of, goal, "0.32.0", served_name="m").digest
        for machine in (host("h100-80g"), host("a100-80g"))
        for of in (guide_model(), model("Qwen3-8B"))
    }
    assert len(found) == 4
