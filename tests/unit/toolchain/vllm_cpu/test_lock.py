"""The lock is complete, hashed, and leaves out what the overrides leave out; one version is named throughout."""

import json
import re
from pathlib import Path

HERE = Path(__file__).parents[4] / "toolchain/vllm_cpu"
LOCKED = re.compile(r"^([a-z0-9._-]+)==(\S+) \\$", re.MULTILINE)


def locked() -> dict[str, str]:
    return dict(LOCKED.findall((HERE / "requirements.txt").read_text()))


def test_every_package_is_hashed_and_no_index_is_named() -> None:
    text = (HERE / "requirements.txt").read_text()
    packages = [block for block in re.split(r"^(?=\S)", text, flags=re.MULTILINE) if "==" in block]
    assert len(packages) == len(locked()) > 100
    for package in packages:
        assert "--hash=sha256:" in package, package
    assert "://" not in text


def test_what_the_overrides_leave_out_is_left_out() -> None:
    lines = (HERE / "overrides.in").read_text().splitlines()
    left_out = {line.split("==")[0] for line in lines if "sys_platform == 'never'" in line}
    assert "triton" in left_out
    assert not left_out & set(locked())
    assert not [name for name in locked() if name.startswith(("nvidia-", "cuda-"))]
    overridden = [line.split()[0] for line in lines if "==" in line and "never" not in line]
    assert overridden == [f"torch=={locked()['torch']}"]


def test_one_version_of_vllm_is_built_labelled_and_locked() -> None:
    built = re.search(r"^version=(\S+)$", (HERE / "build.sh").read_text(), re.MULTILINE)
    assert built is not None
    assert built[1] == locked()["vllm-cpu"]
    process = json.loads((HERE / "process.json").read_text())
    assert process["Labels"]["org.opencontainers.image.version"] == built[1]


def test_the_image_runs_as_the_official_one_does() -> None:
    process = json.loads((HERE / "process.json").read_text())
    assert process["Entrypoint"] == ["vllm", "serve"]
    assert process["User"] == "2000:0"
    assert "Cmd" not in process
