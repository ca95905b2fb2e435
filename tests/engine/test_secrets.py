"""No secret shows: not in the state, a log, a diff, a command line, or in what the host keeps and Docker tells."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

import pytest

from hosts.sandbox import Sandbox
from tests.engine.stacks.command_lines import command_lines
from tests.engine.stacks.stack import Stack
from tests.engine.stacks.wish import Wish

# All but the API key's own file, which is for root and the server alone.
_ON_HOST = """
find /var/lib/gpuhost /run/gpuhost /etc/docker /etc/sysctl.d /tmp \
  -path /var/lib/gpuhost/keys -prune -o -type f -size -1024k -exec cat {} +
"""
_DOCKER = "docker ps -aq | xargs docker inspect; docker volume ls -q | xargs docker volume inspect; docker info"


@dataclass
class Evidence:
    """Everything that a deployment printed, kept or showed, by where it was found."""

    secrets: dict[str, list[str]]
    found: dict[str, str] = field(default_factory=dict)

    def leaks(self, place: str) -> list[str]:
        """Which secrets the place shows; a line of a key counts as the key."""
        return [name for name, lines in self.secrets.items() if any(line in self.found[place] for line in lines)]


@pytest.fixture(scope="module")
def canaries(stack: Stack, wish: Wish, host: Sandbox) -> dict[str, list[str]]:
    """What must not show: the SSH key's lines, the passphrase, and secrets of the stack's config."""
    key = host.private_key_file.read_text().splitlines()
    values = {"gpuhost:apiKey": secrets.token_hex(24), "gpuhost:hubToken": f"hf_{secrets.token_hex(16)}"}
    stack.wishes(wish)
    for name, value in values.items():
        stack.run("config", "set", "--secret", name, value)
    return {
        "the private key": [line for line in key if not line.startswith("-----")],
        "the passphrase": [stack.passphrase],
        **{name: [value] for name, value in values.items()},
    }


@pytest.fixture(scope="module")
def evidence(stack: Stack, canaries: dict[str, list[str]], host: Sandbox) -> Evidence:
    """A first deployment with everything logged, and a look at each place where a secret could be.

    Short of the engine's level 9, which writes every value it passes on as it is.
    """
    with command_lines() as here, command_lines(host) as there:
        log = stack.run("up", "--yes", "--skip-preview", "-v=8", "--logtostderr", "--logflow").text
    stack.run("config", "set", "--path", "gpuhost:goal.parallel_requests", "3")
    return Evidence(
        canaries,
        {
            "log of up": log,
            "command lines here": "\n".join(here),
            "command lines on the host": "\n".join(there),
            "diff": stack.run("preview", "--diff", "--show-full-output").text,
            "state, exported": stack.run("stack", "export").text,
            "state, as it is kept": _text_below(stack),
            "outputs": stack.run("stack", "output", "--json").text,
            "Docker's records": host.run(_DOCKER).stdout,
            "files on the host": host.run(_ON_HOST).stdout,
        },
    )


def _text_below(stack: Stack) -> str:
    files = [path for path in stack.state_folder.rglob("*") if path.is_file()]
    return "\n".join(path.read_bytes().decode(errors="replace") for path in files)


@pytest.mark.parametrize(
    ("place", "sign"),
    [
        ("log of up", "gate"),
        ("command lines here", "pulumi-resource-command"),
        ("command lines on the host", "sh -s -- gate"),
        ("diff", "max-num-seqs"),
        ("state, exported", "gpuhost:index:VllmServer"),
        ("state, as it is kept", "gpuhost:index:VllmServer"),
        ("outputs", "plan_digest"),
        ("Docker's records", "gpuhost.digest"),
        ("files on the host", "live-restore"),
    ],
)
def test_no_secret_shows(evidence: Evidence, place: str, sign: str) -> None:
    assert sign in evidence.found[place], f"this is not what the {place} look like"
    assert not evidence.leaks(place)


def test_the_search_finds_what_is_there(stack: Stack, canaries: dict[str, list[str]], evidence: Evidence) -> None:
    shown = Evidence(canaries, {"state": stack.run("stack", "export", "--show-secrets").text})
    assert "the private key" in shown.leaks("state")
