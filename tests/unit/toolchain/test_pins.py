"""Every version is pinned once for each of the places that need it, and the places agree."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
PINS = dict(
    line.split("#")[0].strip().split("=", 1)
    for line in (PROJECT / "toolchain" / "pins.env").read_text().splitlines()
    if re.match(r"[A-Z]\w*=", line)
)
LOCKS = ("requirements", "requirements-dev", "toolchain/go")


def required(name: str) -> dict[str, str]:
    """The pins of a requirements file that a person edits."""
    text = (PROJECT / f"{name}.in").read_text()
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE))


def test_plugins_and_engine_are_the_ones_that_the_python_packages_ask_for() -> None:
    packages = required("requirements")
    assert PINS["PULUMI_VERSION"] == packages["pulumi"]
    assert PINS["DOCKER_PLUGIN_VERSION"] == packages["pulumi-docker"]
    assert PINS["COMMAND_PLUGIN_VERSION"] == packages["pulumi-command"]


def test_the_go_modules_are_of_the_pinned_versions() -> None:
    engine = (PROJECT / "toolchain" / "engine" / "go.mod").read_text()
    for module in ("pkg", "sdk"):
        assert f"github.com/pulumi/pulumi/{module}/v3 v{PINS['PULUMI_VERSION']} " in engine
    assert f"\ngo {PINS['GO_VERSION_NEEDED']}\n" in engine
    language = (PROJECT / "toolchain" / "language" / "go.mod").read_text()
    assert f"github.com/pulumi/pulumi/sdk/v3 v{PINS['LANGUAGE_SDK_VERSION']} " in language


@pytest.mark.parametrize("name", LOCKS)
def test_each_requirement_is_exact_and_has_its_reason(name: str) -> None:
    lines = [
        line for line in (PROJECT / f"{name}.in").read_text().splitlines() if line and not line.startswith(("#", "-c "))
    ]
    for line in lines:
        assert re.fullmatch(r"[\w.-]+==[\w.]+\s+# \S.{10,}", line), line


@pytest.mark.parametrize("name", LOCKS)
def test_each_lock_file_has_the_pins_hashes_for_all_and_no_index(name: str) -> None:
    text = (PROJECT / f"{name}.txt").read_text()
    blocks = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)
    locked = {}
    for block in blocks:
        match = re.match(r"([\w.-]+)==([\w.]+)", block)
        if match:
            locked[match[1]] = match[2]
            assert "--hash=sha256:" in block, f"{name}: {match[1]} has no hash"
        else:
            assert not block.strip(), block
    for package, version in required(name).items():
        assert locked[package.lower().replace(".", "-")] == version, f"{package}: run make lock"
    assert "://" not in text
    assert "--index" not in text


def test_release_archives_have_well_formed_digests() -> None:
    digests = {name: value for name, value in PINS.items() if name.startswith("PULUMI_SHA256_")}
    assert set(digests) == {"PULUMI_SHA256_linux_x64", "PULUMI_SHA256_linux_arm64"}
    assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in digests.values())
