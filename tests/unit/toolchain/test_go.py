"""The Go compiler: the one on PATH if it is new enough, else the package."""

import pytest

from tests.unit.toolchain.conftest import Checkout

# pip in place of the real one: logs its arguments and puts a compiler where it was told to.
FAKE_PIP = r"""
echo "$*" >>"$LOG"
for argument; do
    case $previous in --target) target=$argument ;; esac
    previous=$argument
done
mkdir -p "$target/go/bin"
printf '#!/bin/sh\necho go1.26.6\n' >"$target/go/bin/go"
chmod 755 "$target/go/bin/go"
"""


@pytest.mark.parametrize("version", ["go1.25.11", "go1.26", "go1.26.8", "go1.100.1", "go1.27.1-custom", "go2.0"])
def test_a_new_enough_compiler_on_path_is_used(checkout: Checkout, version: str) -> None:
    found = checkout.fake("go", f"echo {version}")
    done = checkout.run("toolchain/go.sh")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(found)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo go1.25.10", "go is 1.25.10, 1.25.11 or newer is needed"),
        ("echo go1.9.7", "go is 1.9.7, 1.25.11 or newer is needed"),
        ("exit 1", "go is broken, 1.25.11 or newer is needed"),
        (None, "no go on PATH"),
    ],
)
def test_otherwise_the_package_is_installed_once_with_its_reason(
    checkout: Checkout, script: str | None, reason: str
) -> None:
    if script is not None:
        checkout.fake("go", script)
    checkout.fake("python", FAKE_PIP, checkout.root / ".venv" / "bin")
    log = checkout.home / "log"
    first, second = (checkout.run("toolchain/go.sh", LOG=str(log)) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert reason in first.stderr
    (installed,) = checkout.cache.glob("go-*/go/bin/go")
    assert first.stdout.strip() == second.stdout.strip() == str(installed)
    installs = [line for line in log.read_text().splitlines() if "install" in line]
    assert len(installs) == 1
    assert "--require-hashes" in installs[0]
