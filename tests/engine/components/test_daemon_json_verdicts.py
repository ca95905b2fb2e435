"""What a real dockerd says of the files before and after the merge."""

import io
import json
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from components.daemon_json import KEYS, DaemonJsonError, merge
from components.docker_engine import BASE_KEYS
from hosts.sandbox import Sandbox

pytestmark = [pytest.mark.sandbox, pytest.mark.docker, pytest.mark.slow]

DATA = Path(__file__).parents[2] / "unit" / "components" / "data" / "daemon_json.json"
CASES: list[dict[str, Any]] = json.loads(DATA.read_text(encoding="utf-8"))["cases"]

WISHES: Mapping[str, Mapping[str, Any]] = {
    "base": BASE_KEYS,
    "gpu": {
        **BASE_KEYS,
        "runtimes": {"nvidia": {"args": [], "path": "nvidia-container-runtime"}},
        "features": {"cdi": True},
        "default-ulimits": {"memlock": {"Name": "memlock", "Soft": -1, "Hard": -1}},
        "exec-opts": ["native.cgroupdriver=cgroupfs"],
    },
    "removal": {"runtimes": None, "log-opts": None, "live-restore": None, "storage-opts": None},
}

# Values of every type, for every key: who refuses which.
VALUES = ["null", "true", '"x"', "1", "1.5", '["a"]', '{"a": "b"}', '""']
# Their verdict hangs on files of the machine, or changes the machine.
OF_THE_MACHINE = {"tls", "tlsverify", "userland-proxy-path", "userns-remap", "init-path", "rootless"}

_VALIDATE = """
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; tar -C "$folder" -xf -
for file in "$folder"/*.json; do
  verdict=no; dockerd --validate --config-file "$file" > /dev/null 2>&1 && verdict=ok; echo "${file##*/} $verdict"
done
"""

Judge = Callable[[list[str]], list[bool]]


@pytest.fixture(scope="module")
def judge(hosts_of: Callable[..., Sandbox]) -> Judge:
    """Asks the dockerd of a sandbox of its own whether it validates each text."""
    sandbox = hosts_of("daemon-json", memory_gib=2)
    version = sandbox.run(["dockerd", "--version"]).stdout
    if " 26.1." not in version:
        pytest.skip(f"the verdicts and tables are of dockerd 26.1, the sandbox has {version.strip()}")

    def ask(texts: list[str]) -> list[bool]:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for number, text in enumerate(texts):
                entry = tarfile.TarInfo(f"{number:05}.json")
                entry.size = len(text.encode())
                archive.addfile(entry, io.BytesIO(text.encode()))
        said = subprocess.run(
            sandbox.ssh_command(_VALIDATE), input=packed.getvalue(), capture_output=True, check=True, timeout=500
        )
        verdicts = [line.split()[1] == "ok" for line in said.stdout.decode().splitlines()]
        assert len(verdicts) == len(texts)
        return verdicts

    return ask


@pytest.mark.timeout(600)
@pytest.mark.parametrize("wishes", WISHES.values(), ids=WISHES)
def test_what_dockerd_validated_it_validates_merged(judge: Judge, wishes: Mapping[str, Any]) -> None:
    accepted = [case for case in CASES if case["validate_26_1_5"]["ok"]]
    verdicts = judge([merge(case["text"], wishes) for case in accepted])
    refused = [case["id"] for case, verdict in zip(accepted, verdicts, strict=True) if not verdict]
    assert refused == []


@pytest.mark.timeout(600)
def test_the_table_of_keys_says_what_dockerd_says(judge: Judge) -> None:
    keys = [key for key in [*KEYS, "graph", "host", "hots", "Debug", "http-proxy"] if key not in OF_THE_MACHINE]
    texts = [f'{{"{key}": {value}}}' for key in keys for value in VALUES]
    differ = []
    for text, verdict in zip(texts, judge(texts), strict=True):
        try:
            merge(text, {})
            ours = True
        except DaemonJsonError:
            ours = False
        if ours != verdict:
            differ.append((text, "validates" if verdict else "refused"))
    assert differ == []
