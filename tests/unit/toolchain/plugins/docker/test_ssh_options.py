"""The options of ssh that a provider configuration may hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from toolchain.plugins.docker.errors import PluginError
from toolchain.plugins.docker.host.ssh_options import parse_ssh_options
from toolchain.plugins.docker.host.ssh_url import SshUrl


def test_nothing_given_means_strict() -> None:
    options = parse_ssh_options([])
    assert options.strict_host_key_checking == "yes"
    assert options.user_known_hosts_files is None
    assert options.identity_files == []
    assert options.connect_timeout_seconds == 30


def test_the_options_of_a_deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    first = ["-o", "UserKnownHostsFile=known_hosts", "-oStrictHostKeyChecking=yes", "-i", "~/.ssh/key", "-p", "2222"]
    second = ["-o", "IdentitiesOnly yes", "-o", "BatchMode=yes", "-o", "connecttimeout=7", "-l", "deploy"]
    options = parse_ssh_options([*first, *second])
    assert options.user_known_hosts_files == [tmp_path / "known_hosts"]
    assert options.identity_files == [Path("/home/me/.ssh/key")]
    assert (options.port, options.user, options.connect_timeout_seconds) == (2222, "deploy", 7)
    assert options.identities_only


def test_the_first_value_counts() -> None:
    assert parse_ssh_options(["-p", "1", "-o", "Port=2"]).port == 1


@pytest.mark.parametrize(
    ("value", "meaning"),
    [("ask", "yes"), ("yes", "yes"), ("no", "no"), ("off", "no"), ("accept-new", "accept-new")],
)
def test_strictness(value: str, meaning: str) -> None:
    assert parse_ssh_options(["-o", f"StrictHostKeyChecking={value}"]).strict_host_key_checking == meaning


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "Wibble=1"], "the ssh option 'Wibble' is not supported"),
        (["-o", "ProxyCommand=nc %h %p"], "'ProxyCommand' is not supported"),
        (["-J", "jump"], "'proxyjump' is not supported"),
        (["-L", "1:2:3"], "the ssh option '-L' is not supported"),
        (["host"], "'host' is not an option of ssh"),
        (["-i"], "-i needs a value"),
        (["-o", "Port"], "-o Port needs a value"),
        (["-p", "ssh"], "port must be a whole number, got 'ssh'"),
        (["-o", "StrictHostKeyChecking=perhaps"], "must be yes, no, ask or accept-new"),
    ],
)
def test_what_is_refused(arguments: list[str], message: str) -> None:
    with pytest.raises(PluginError, match=re.escape(message)):
        parse_ssh_options(arguments)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("ssh://root@gpu.example:2222", SshUrl("gpu.example", "root", 2222)),
        ("ssh://gpu.example", SshUrl("gpu.example")),
        ("ssh://[::1]:22", SshUrl("::1", None, 22)),
    ],
)
def test_addresses(text: str, url: SshUrl) -> None:
    assert SshUrl.parse(text) == url


@pytest.mark.parametrize("text", ["ssh://", "ssh://root:secret@host", "ssh://host/path", "ssh://host:port"])
def test_no_addresses(text: str) -> None:
    with pytest.raises(PluginError, match="host: ") as refused:
        SshUrl.parse(text)
    assert "secret" not in str(refused.value)


def test_the_command_in_errors() -> None:
    assert SshUrl("h", "root", 22).command(["-o", "BatchMode=yes"]) == (
        "ssh -l root -p 22 -o BatchMode=yes -o ConnectTimeout=30 -T -- h docker system dial-stdio"
    )
