"""A wrong stack file: the engine prints every mistake with its line, and no host hears of it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engine.stacks.stack import Stack

pytestmark = pytest.mark.engine

# Five mistakes, each on a line that says which. PORT is where a connection would be noticed.
_FIVE_MISTAKES = """\
config:
  gpuhost:hosts:
    - name: GPU_1                       # mistake: must be a lower-case DNS label
      shape: sandbox
      ssh:
        address: 127.0.0.1
        port: PORT
        user: root
        host_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
        pasword: secret                 # mistake: is not a key of this section
  gpuhost:model:
    name: tiny
    directory: MODEL
  gpuhost:goal:
    context_tokens: 4k                  # mistake: should be a valid integer
    parallel_requests: 0                # mistake: should be greater than or equal to 1
  gpuhost:server:
    vllm_version: latest                # mistake: must be a vLLM release
    image:
      archive: IMAGE
"""


_FINE = """\
config:
  gpuhost:hosts:
    - name: gpu-1
      shape: sandbox
      ssh:
        address: 127.0.0.1
        port: PORT
        host_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
  gpuhost:model: {name: tiny, directory: MODEL}
  gpuhost:goal: {context_tokens: 512}
  gpuhost:server:
    vllm_version: 0.32.0
    image: {archive: IMAGE}
    overrides: {}
"""


@dataclass
class Listener:
    """A port of this machine, and who connected to it."""

    port: int
    callers: list[str]


@pytest.fixture
def listener() -> Iterator[Listener]:
    callers: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, caller = server.accept()
                except OSError:
                    return
                callers.append(str(caller))
                connection.close()

        threading.Thread(target=accept, daemon=True).start()
        yield Listener(server.getsockname()[1], callers)
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def files(tiny_archive: Path, model: Path) -> dict[str, str]:
    """Where model and image are, by the words that stand for them."""
    return {"MODEL": str(model), "IMAGE": str(tiny_archive)}


def _filled(text: str, listener: Listener, files: dict[str, str]) -> str:
    for word, place in (files | {"PORT": str(listener.port)}).items():
        text = text.replace(word, place)
    return text


@pytest.mark.parametrize("command", [("preview",), ("up", "--yes", "--skip-preview")])
def test_all_mistakes_are_shown_at_once_with_their_lines(
    stack: Stack, listener: Listener, files: dict[str, str], command: tuple[str, ...]
) -> None:
    text = _filled(_FIVE_MISTAKES, listener, files)
    stack.write(text)

    said = stack.run(*command, fails=True)

    for number, line in enumerate(text.splitlines(), start=1):
        if "# mistake: " in line:
            why = line.split("# mistake: ")[1]
            assert said.lines(f"{stack.config_file.name}:{number}: ", why), (
                f"line {number}, {why}, not in:\n{said.text}"
            )
    assert "Traceback" not in said.text
    assert not listener.callers


def test_without_a_mistake_the_host_is_looked_at_and_planned_for(
    stack: Stack, listener: Listener, files: dict[str, str]
) -> None:
    stack.write(_filled(_FINE, listener, files))
    assert "to create" in stack.run("preview").text
    assert listener.callers


@pytest.mark.parametrize(
    ("value", "wrong", "sentence"),
    [
        ("context_tokens: 512", "context_tokens: 999999", "goal.context_tokens: 999999 exceed the model's own"),
        ("archive: ", "archive: /nowhere", "/image.json: lock: cannot be read (No such file or directory)"),
        (
            "overrides: {}",
            "overrides: {kv_cache_bytes: 1}",
            "server.overrides.kv_cache_bytes: '1' is too little: one request of 512 tokens",
        ),
        (
            "overrides: {}",
            "overrides: {cpu: 1}",
            "server.overrides.cpu: the plan has no such value to set; did you mean 'cpus'?",
        ),
    ],
    ids=["more context than the model has", "no image there", "no room for a request", "no such override"],
)
def test_what_cannot_be_is_refused_in_one_sentence(
    stack: Stack, listener: Listener, files: dict[str, str], value: str, wrong: str, sentence: str
) -> None:
    assert value in _FINE
    stack.write(_filled(_FINE.replace(value, wrong), listener, files))

    said = stack.run("preview", fails=True)

    assert said.lines(sentence), said.text
    assert "Traceback" not in said.text
    assert not listener.callers
