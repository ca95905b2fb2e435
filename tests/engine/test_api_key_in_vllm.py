"""The API key in vLLM itself: taken from its file, required, and out of its log."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hosts.sandbox import Sandbox
from tests.engine.conftest import made_by
from tests.engine.stacks.stack import CHECKOUT, Stack
from tests.engine.stacks.wish import Wish

pytestmark = [pytest.mark.model, pytest.mark.slow, pytest.mark.engine, pytest.mark.docker, pytest.mark.sandbox]


@pytest.fixture(scope="module")
def host(hosts_of: Callable[..., Sandbox]) -> Sandbox:
    return hosts_of("keyed-vllm", memory_gib=8)


def test_a_live_vllm_passes_every_infra_test_with_its_key(stack: Stack, host: Sandbox, model: Path) -> None:
    image = Path(made_by("sh", "toolchain/vllm_cpu/build.sh")) / "image.tar"
    key = secrets.token_hex(24)
    stack.wishes(Wish(hosts=(host,), image=image, model=model, context_tokens=1024, overrides={}))
    stack.run("config", "set", "--secret", "gpuhost:apiKey", key)
    stack.up()
    outputs = stack.folder / "outputs.json"
    outputs.write_text(json.dumps(stack.outputs))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/infra", "--outputs", str(outputs)],
        cwd=CHECKOUT,
        env=os.environ | {"GPUHOST_API_KEY": key},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout.replace(key, "KEY")
    stack.is_in_sync()
