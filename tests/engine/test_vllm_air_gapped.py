"""vLLM itself on a host that can reach nobody: image and model are carried over, and no connection is even tried.

It asks for an API key, so that one deployment with the real server shows that too.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from hosts.sandbox import Sandbox
from tests.engine.conftest import made_by
from tests.engine.stacks.serving import the_server
from tests.engine.stacks.stack import CHECKOUT, Stack
from tests.engine.stacks.wish import Wish

pytestmark = [pytest.mark.model, pytest.mark.slow, pytest.mark.engine, pytest.mark.docker, pytest.mark.sandbox]

# Whatever starts a connection out of the machine, itself or one of its containers, passes here and is counted.
GAP = "POSTROUTING -t mangle -o eth0 -m conntrack --ctstate NEW -j DROP"
ELSEWHERE = "import socket; socket.create_connection(('198.18.10.254', 9), timeout=0.2)"


@pytest.fixture(scope="module")
def host(hosts_of: Callable[..., Sandbox]) -> Sandbox:
    made = hosts_of("air-gapped", memory_gib=8)
    made.run(f"iptables -A {GAP}")
    return made


@dataclass(frozen=True)
class Deployment:
    stack: Stack
    key: str


@pytest.fixture(scope="module")
def deployment(stack: Stack, host: Sandbox, model: Path) -> Deployment:
    image = Path(made_by("sh", "toolchain/vllm_cpu/build.sh")) / "image.tar"
    key = secrets.token_hex(24)
    stack.wishes(Wish(hosts=(host,), image=image, model=model, context_tokens=1024, overrides={}))
    stack.run("config", "set", "--secret", "gpuhost:apiKey", key)
    stack.up()
    return Deployment(stack, key)


def packets_out(host: Sandbox) -> int:
    """How often something on the host tried to reach out."""
    listing = host.run("iptables -t mangle -nvxL POSTROUTING").stdout
    found = re.search(r"^\s*(\d+)\s+\d+\s+DROP.*NEW", listing, re.MULTILINE)
    assert found, listing
    return int(found[1])


def test_every_infra_test_passes(deployment: Deployment) -> None:
    outputs = deployment.stack.folder / "outputs.json"
    outputs.write_text(json.dumps(deployment.stack.outputs))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/infra", "--outputs", str(outputs)],
        cwd=CHECKOUT,
        env=os.environ | {"GPUHOST_API_KEY": deployment.key},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout.replace(deployment.key, "KEY")


def test_another_up_needs_nothing_either(deployment: Deployment) -> None:
    deployment.stack.is_in_sync()


def test_nobody_was_contacted(deployment: Deployment, host: Sandbox) -> None:
    assert packets_out(host) == 0


def test_the_gap_is_one(deployment: Deployment, host: Sandbox) -> None:
    before = packets_out(host)
    assert host.run(["python3", "-c", ELSEWHERE], check=False).returncode != 0
    from_host = packets_out(host)
    assert from_host > before
    assert host.run(["docker", "exec", the_server(host).name, "python3", "-c", ELSEWHERE], check=False).returncode != 0
    assert packets_out(host) > from_host
