"""The whole loop with real vLLM, in the order of a service's life; each test goes on where the last one stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hosts.sandbox import Sandbox
from tests.engine.conftest import made_by
from tests.engine.stacks.infra import infra
from tests.engine.stacks.serving import the_server
from tests.engine.stacks.stack import Stack
from tests.engine.stacks.wish import Wish

pytestmark = [pytest.mark.slow, pytest.mark.engine, pytest.mark.docker, pytest.mark.sandbox]


@pytest.fixture(scope="module")
def vllm_host(hosts_of: Callable[..., Sandbox]) -> Sandbox:
    """A sandbox with room for real vLLM."""
    return hosts_of("real", memory_gib=8)


@pytest.fixture(scope="module")
def real(vllm_host: Sandbox, model: Path) -> Wish:
    """Real vLLM, with everything sized and nothing overridden."""
    archive = Path(made_by("sh", "toolchain/vllm_cpu/build.sh")) / "image.tar"
    return Wish(hosts=(vllm_host,), image=archive, model=model, overrides={})


def holds_every_promise(stack: Stack) -> bool:
    """Whether tests/infra passes against this stack's outputs; the test shows each failure otherwise."""
    found = infra(stack.outputs, stack.folder)
    assert [each for each in found if each.failure] == []
    return len(found) > 30


def test_a_preview_shows_all_of_it_and_touches_nothing(stack: Stack, real: Wish, vllm_host: Sandbox) -> None:
    stack.wishes(real)
    said = stack.run("preview", "--suppress-outputs")
    assert said.lines("docker:index:Container", "create")
    assert vllm_host.run("docker ps --all --quiet; docker volume ls --quiet").stdout == ""


def test_up_ends_with_a_server_that_answers(stack: Stack, vllm_host: Sandbox) -> None:
    assert stack.up().lines("is healthy after")
    assert stack.outputs["hosts"]["real"]["container"] == the_server(vllm_host).name


def test_up_again_changes_nothing(stack: Stack) -> None:
    stack.is_in_sync()


def test_the_live_host_holds_every_promise(stack: Stack) -> None:
    assert holds_every_promise(stack)


def test_a_refresh_finds_no_surprise(stack: Stack) -> None:
    said = stack.run("refresh", "--preview-only", "--expect-no-changes")
    assert said.lines("unchanged")


def test_a_changed_setting_is_another_container_in_preview_and_in_fact(
    stack: Stack, real: Wish, vllm_host: Sandbox
) -> None:
    before = the_server(vllm_host)
    stack.wishes(real.but(context_tokens=1024))
    said = stack.run("preview", "--suppress-outputs")
    assert said.lines("docker:index:Container", "create")
    assert said.lines("docker:index:Container", before.name.removeprefix("vllm-"), "delete")
    assert the_server(vllm_host) == before
    stack.up()
    assert the_server(vllm_host).name != before.name
    assert holds_every_promise(stack)
    stack.is_in_sync()


def test_destroy_keeps_the_model_and_says_so(stack: Stack, vllm_host: Sandbox) -> None:
    volume = next(iter(stack.outputs["hosts"].values()))["expected"]["model_volume"]
    said = stack.destroy()
    assert said.lines(f"volume {volume} stays on this host")
    assert vllm_host.run("docker volume ls --quiet").stdout.split() == [volume]
    ours = "/var/lib/gpuhost /run/gpuhost /etc/sysctl.d/60-gpuhost.conf /etc/docker/daemon.json"
    left = vllm_host.run(f"docker ps --all --quiet; ls {ours} 2>/dev/null; true")
    assert left.stdout == ""
