"""A server with an API key: started with its file, named by a fingerprint, the key itself in one secret alone."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pulumi
import pytest

from components.api_key import START_WITH_KEY
from components.gpu_host import GpuHostArgs, checks
from components.stack_secrets import ApiKey, fingerprint, read_secrets
from tests.unit.components.conftest import Build

SECRET = "4dabf18193072939515e22adb298388d"
KEY = "0123456789abcdef0123456789abcdef"


def keyed(args: GpuHostArgs, key: str = KEY) -> GpuHostArgs:
    return dataclasses.replace(args, api_key=ApiKey(key, fingerprint(key, "unit")))


def test_the_key_is_in_the_secret_standard_input_alone(build: Build, args: GpuHostArgs) -> None:
    recorded = build(("one", keyed(args)))
    stdin = recorded.named("one-key-written").inputs["stdin"]
    assert stdin[SECRET]
    assert KEY in stdin["value"]
    for resource in recorded.resources:
        if resource.name != "one-key-written":
            assert KEY not in str(resource.inputs), resource.name
    assert KEY not in str(checks("one", keyed(args)))
    assert KEY not in repr(keyed(args))


def test_the_server_starts_with_the_file_of_this_key(build: Build, args: GpuHostArgs) -> None:
    container = build(("one", keyed(args))).of_type("docker:index/container:Container")[0].inputs
    name = fingerprint(KEY, "unit")
    assert container["entrypoints"] == ["python3", "-c", START_WITH_KEY, f"/run/gpuhost/{name}"]
    mount = next(volume for volume in container["volumes"] if volume["containerPath"] == "/run/gpuhost")
    assert mount == {"containerPath": "/run/gpuhost", "hostPath": "/var/lib/gpuhost/keys/vllm", "readOnly": True}


def test_another_key_is_another_server(build: Build, args: GpuHostArgs) -> None:
    names = {
        build(("one", each)).of_type("docker:index/container:Container")[0].inputs["name"]
        for each in (args, keyed(args), keyed(args, KEY[::-1]))
    }
    assert len(names) == 3


def test_without_a_key_there_is_no_trace_of_one(build: Build, args: GpuHostArgs) -> None:
    recorded = build(("one", args))
    assert [resource.name for resource in recorded.resources if "key" in resource.name] == []
    assert "entrypoints" not in recorded.of_type("docker:index/container:Container")[0].inputs


def test_fingerprints_differ_with_key_and_stack_and_show_neither() -> None:
    prints = {fingerprint(KEY, "one"), fingerprint(KEY, "two"), fingerprint(KEY + "x", "one")}
    assert len(prints) == 3
    assert fingerprint(KEY, "one") == fingerprint(KEY, "one")
    assert all(len(each) == 16 and each not in KEY for each in prints)


def started(tmp_path: Path, content: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "key").write_text(content)
    (tmp_path / "vllm").write_text('#!/bin/sh\nprintf "%s\\n" "$VLLM_API_KEY" "$@"\n')
    (tmp_path / "vllm").chmod(0o755)
    return subprocess.run(
        [sys.executable, "-c", START_WITH_KEY, str(tmp_path / "key"), "/models", "--port", "8000"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_start_hands_the_key_over_and_the_arguments_on(tmp_path: Path) -> None:
    assert started(tmp_path, f"{KEY}\n").stdout.split() == [KEY, "serve", "/models", "--port", "8000"]


def test_an_empty_file_starts_no_open_server(tmp_path: Path) -> None:
    done = started(tmp_path, "\n")
    assert (done.returncode, done.stdout) == (1, "")
    assert "the API key file is empty" in done.stderr


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch) -> pulumi.Config:
    pulumi.runtime.set_all_config({"gpuhost:apiKey": KEY}, ["gpuhost:apiKey"])
    return pulumi.Config("gpuhost")


def test_a_key_is_read_from_the_stack(config: pulumi.Config) -> None:
    key = read_secrets(config, "unit").api_key
    assert key is not None
    assert key.fingerprint == fingerprint(KEY, "unit")


def test_a_key_in_the_clear_is_refused(config: pulumi.Config) -> None:
    pulumi.runtime.set_all_config({"gpuhost:apiKey": KEY}, [])
    with pytest.raises(ValueError, match="gpuhost:apiKey stands in the clear") as caught:
        read_secrets(config, "unit")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("key", ["short", "a key with spaces in it", "x" * 257, "naïve-key-naïve-key"], ids=len)
def test_what_no_header_can_carry_is_refused_unseen(config: pulumi.Config, key: str) -> None:
    pulumi.runtime.set_all_config({"gpuhost:apiKey": key}, ["gpuhost:apiKey"])
    with pytest.raises(ValueError, match="gpuhost:apiKey must be 16 to 256") as caught:
        read_secrets(config, "unit")
    assert key not in str(caught.value)
