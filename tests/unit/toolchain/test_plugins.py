"""The official plugins where they can be had, stand-ins where they cannot, all in the project's own home."""

import subprocess
from pathlib import Path

import pytest

from tests.unit.toolchain.conftest import Checkout, executable

PLUGINS = {"docker": "5.1.1", "command": "1.2.1"}
NO_DOWNLOAD = 'echo "$*" >>"$0.log"; echo "could not be downloaded"; exit 1'
DOWNLOAD = r"""
echo "$*" >>"$0.log"
directory=$PULUMI_HOME/plugins/resource-$4-v$5
mkdir -p "$directory"
printf '#!/bin/sh\necho official\n' >"$directory/pulumi-resource-$4"
chmod 755 "$directory/pulumi-resource-$4"
"""


def prepare(checkout: Checkout, origin: str, pulumi: str = "exit 1", stand_ins: bool = True) -> None:
    executable(checkout.linked_engine, pulumi)
    (checkout.root / ".gpuhost" / "engine-origin").write_text(f"{origin}\n")
    if stand_ins:
        for name in PLUGINS:
            script = checkout.root / "toolchain" / "plugins" / name / f"pulumi-resource-{name}"
            script.parent.mkdir(parents=True)
            script.write_text(f"import sys\nprint('{name} stand-in', *sys.argv[1:])\n")


def installed(checkout: Checkout, name: str) -> Path:
    return checkout.root / f".pulumi-home/plugins/resource-{name}-v{PLUGINS[name]}/pulumi-resource-{name}"


def test_an_engine_from_modules_gets_stand_ins_that_say_so(checkout: Checkout) -> None:
    prepare(checkout, "modules")
    done = checkout.run("toolchain/plugins.sh")
    assert done.returncode == 0, done.stderr
    for name in PLUGINS:
        assert f"STAND-IN for the {name} plugin {PLUGINS[name]}" in done.stderr
        launcher = installed(checkout, name)
        assert "STAND-IN" in launcher.read_text()
        answer = subprocess.run([launcher, "127.0.0.1:1", "a b"], capture_output=True, text=True, check=True)
        assert answer.stdout.strip() == f"{name} stand-in 127.0.0.1:1 a b"


def test_a_second_run_changes_and_says_nothing(checkout: Checkout) -> None:
    prepare(checkout, "modules")
    checkout.run("toolchain/plugins.sh")
    before = [installed(checkout, name).stat().st_ino for name in PLUGINS]
    done = checkout.run("toolchain/plugins.sh")
    assert (done.returncode, done.stderr) == (0, "")
    assert [installed(checkout, name).stat().st_ino for name in PLUGINS] == before


@pytest.mark.parametrize("origin", ["release", "path"])
def test_a_released_engine_fetches_the_official_plugins_once(checkout: Checkout, origin: str) -> None:
    prepare(checkout, origin, DOWNLOAD)
    for _ in range(2):
        done = checkout.run("toolchain/plugins.sh")
        assert done.returncode == 0, done.stderr
    log = checkout.linked_engine.with_name("pulumi.log").read_text().splitlines()
    assert log == [f"plugin install resource {name} {version}" for name, version in PLUGINS.items()]
    assert all("official" in installed(checkout, name).read_text() for name in PLUGINS)


def test_where_they_cannot_be_fetched_stand_ins_take_their_place(checkout: Checkout) -> None:
    prepare(checkout, "path", NO_DOWNLOAD)
    done = checkout.run("toolchain/plugins.sh")
    assert done.returncode == 0, done.stderr
    assert "could not be downloaded" in done.stderr
    assert all("STAND-IN" in installed(checkout, name).read_text() for name in PLUGINS)


def test_official_plugins_replace_stand_ins_when_insisted_on(checkout: Checkout) -> None:
    prepare(checkout, "modules", DOWNLOAD)
    checkout.run("toolchain/plugins.sh")
    done = checkout.run("toolchain/plugins.sh", GPUHOST_PLUGINS="official")
    assert done.returncode == 0, done.stderr
    assert all("official" in installed(checkout, name).read_text() for name in PLUGINS)


def test_official_plugins_insisted_on_but_out_of_reach_fail(checkout: Checkout) -> None:
    prepare(checkout, "release", NO_DOWNLOAD)
    done = checkout.run("toolchain/plugins.sh", GPUHOST_PLUGINS="official")
    assert done.returncode != 0
    assert not any(installed(checkout, name).exists() for name in PLUGINS)


def test_without_any_stand_in_the_missing_ones_are_named(checkout: Checkout) -> None:
    prepare(checkout, "modules", stand_ins=False)
    done = checkout.run("toolchain/plugins.sh")
    assert done.returncode != 0
    for name in PLUGINS:
        assert f"no stand-in for the {name} plugin" in done.stderr


def test_an_unknown_choice_is_refused_by_name(checkout: Checkout) -> None:
    prepare(checkout, "modules")
    done = checkout.run("toolchain/plugins.sh", GPUHOST_PLUGINS="fake")
    assert done.returncode != 0
    assert "GPUHOST_PLUGINS=fake is unknown; it may be official or stand-in" in done.stderr


def test_nothing_is_written_into_the_users_home(checkout: Checkout) -> None:
    prepare(checkout, "modules")
    checkout.run("toolchain/plugins.sh")
    assert list(checkout.home.iterdir()) == []
