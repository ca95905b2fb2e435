"""Where a model comes from decides what travels; a token travels on standard input, as a secret, and nowhere else."""

import ast
import dataclasses
import json
import sys
from pathlib import Path

import pytest

import hosts.download
from components.gpu_host import GpuHostArgs, checks
from hosts.model_source import ArchiveSource, HubSource
from tests.unit.components.conftest import Build

SECRET = "4dabf18193072939515e22adb298388d"
TOKEN = "hf_nobodysTokenNobodysToken"
HUB = HubSource(repository="acme/tiny", revision="ab" * 20)
ARCHIVE = ArchiveSource(url="https://files.example.com/tiny.tar.gz", sha256="cd" * 32)
CLIENT = sorted(Path(hosts.download.__file__).parent.glob("*.py"))


def fetching(args: GpuHostArgs, source: HubSource | ArchiveSource, token: str = "") -> GpuHostArgs:
    return dataclasses.replace(
        args,
        model_directory=None,
        model_download=source,
        hub_token=token or None,
    )


@pytest.mark.parametrize(("source", "kind"), [(HUB, "hub"), (ARCHIVE, "archive")])
def test_what_the_host_fetches_is_not_copied_to_it(
    build: Build, args: GpuHostArgs, source: HubSource | ArchiveSource, kind: str
) -> None:
    recorded = build(("one", fetching(args, source)))
    assert recorded.of_type("command:remote:CopyToRemote") == []
    verified = recorded.named("one-model-verified").inputs
    assert verified["create"] == "sh -s -- fetch gpuhost-model-tiny"
    asked = json.dumps({"kind": kind, **source.model_dump(mode="json")}, sort_keys=True)
    assert f"origin() {{\ncat <<'END_OF_ORIGIN'\n{asked}\nEND_OF_ORIGIN\n}}" in verified["stdin"]


def test_a_token_is_in_the_secret_standard_input_alone(build: Build, args: GpuHostArgs) -> None:
    recorded = build(("one", fetching(args, HUB, TOKEN)))
    stdin = recorded.named("one-model-verified").inputs["stdin"]
    assert stdin[SECRET]
    assert f"hub_token() {{\ncat <<'END_OF_HUB_TOKEN'\n{TOKEN}\nEND_OF_HUB_TOKEN\n}}" in stdin["value"]
    for resource in recorded.resources:
        others = {key: value for key, value in resource.inputs.items() if key != "stdin"}
        assert TOKEN not in str(others), resource.name
    assert TOKEN not in str(checks("one", fetching(args, HUB, TOKEN)))


def test_without_a_token_the_text_stays_readable(build: Build, args: GpuHostArgs) -> None:
    assert isinstance(build(("one", fetching(args, HUB))).named("one-model-verified").inputs["stdin"], str)


def test_two_sources_are_refused(build: Build, args: GpuHostArgs) -> None:
    both = dataclasses.replace(args, model_download=HUB)
    with pytest.raises(ValueError, match="exactly one of directory, host_path and download"):
        build(("one", both))


@pytest.mark.parametrize("module", CLIENT, ids=lambda path: path.name)
def test_the_client_needs_the_hosts_own_python_alone(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"), feature_version=(3, 8))
    for node in ast.walk(tree):
        names = [node.module] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            assert str(name).startswith("hosts.download") or str(name).split(".")[0] in sys.stdlib_module_names, name
