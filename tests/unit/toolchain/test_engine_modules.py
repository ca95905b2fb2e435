"""The build from modules: what it asks of Go, and how it goes on after it was cut off."""

from pathlib import Path

import pytest

from tests.unit.toolchain.conftest import Checkout

# A compiler that writes what it was told into a log, and a small script in place of what it builds.
FAKE_GO = r"""
case "$*" in
    *GOVERSION*) echo go1.99.0; exit ;;
    *"list -m"*) echo "$SDK"; exit ;;
    *" list -deps "*) exit ;;
esac
echo "$GOMODCACHE $GOCACHE $GOTOOLCHAIN $GOFLAGS $CGO_ENABLED :: $*" >>"$LOG"
touch "$GOCACHE.compiled"
for argument; do
    case $previous in -o) output=$argument ;; esac
    previous=$argument
done
case $output in *"${BREAK:-nothing}") echo "out of memory"; exit 1 ;; esac
printf '#!/bin/sh\necho v3.259.0\n' >"$output"
"""


@pytest.fixture
def log(checkout: Checkout, tmp_path: Path) -> Path:
    sdk = tmp_path / "sdk"
    for name in ("cmd/pulumi-language-python-exec", "dist/pulumi-resource-pulumi-python"):
        file = sdk / "python" / name
        file.parent.mkdir(parents=True)
        file.write_text("#!/bin/sh\n")
        file.chmod(0o444)  # as the module cache keeps them
    checkout.fake("go", FAKE_GO)
    checkout.environment.update(SDK=str(sdk), LOG=str(tmp_path / "log"), GPUHOST_ENGINE="modules")
    return tmp_path / "log"


def test_the_engine_its_host_and_their_scripts_lie_side_by_side(checkout: Checkout, log: Path) -> None:
    done = checkout.run("toolchain/engine.sh")
    assert done.returncode == 0, done.stderr
    assert checkout.origin == "modules"
    directory = checkout.linked_engine.resolve().parent
    assert {file.name for file in directory.iterdir()} == {
        "pulumi",
        "pulumi-language-python",
        "pulumi-language-python-exec",
        "pulumi-resource-pulumi-python",
    }
    assert all(file.stat().st_mode & 0o111 == 0o111 for file in directory.iterdir())
    built = log.read_text()
    assert "version.Version=v3.259.0" in built
    assert "version.Version=v3.79.0" in built


def test_the_build_keeps_out_of_the_users_go_caches_and_cleans_up(checkout: Checkout, log: Path) -> None:
    checkout.run("toolchain/engine.sh")
    for line in log.read_text().splitlines():
        modules, compiled, toolchain, *_ = line.split(" ")
        assert Path(modules).parent == Path(compiled).parent
        assert Path(modules).is_relative_to(checkout.cache)
        assert toolchain == "local"
    assert [file.name for file in checkout.cache.iterdir() if file.name.endswith((".work", ".partial"))] == []


def test_a_build_that_was_cut_off_goes_on_with_what_it_had(checkout: Checkout, log: Path) -> None:
    broken = checkout.run("toolchain/engine.sh", BREAK="/pulumi")
    assert broken.returncode != 0
    assert "out of memory" in broken.stderr
    assert not checkout.linked_engine.exists()
    (work,) = (file for file in checkout.cache.iterdir() if file.name.endswith(".work"))
    assert (work / "compiled.compiled").exists()
    first = log.read_text().split(" ")[:2]

    whole = checkout.run("toolchain/engine.sh")
    assert whole.returncode == 0, whole.stderr
    assert log.read_text().splitlines()[-1].split(" ")[:2] == first
    assert not work.exists()


def test_a_finished_build_is_not_repeated(checkout: Checkout, log: Path) -> None:
    checkout.run("toolchain/engine.sh")
    before = log.read_text()
    done = checkout.run("toolchain/engine.sh")
    assert done.returncode == 0
    assert log.read_text() == before


def test_other_pins_are_another_build(checkout: Checkout, log: Path) -> None:
    checkout.run("toolchain/engine.sh")
    before = checkout.linked_engine.resolve()
    with (checkout.root / "toolchain" / "engine" / "go.sum").open("a") as sums:
        sums.write("example.org/other v1.0.0 h1:other=\n")
    checkout.run("toolchain/engine.sh")
    assert checkout.linked_engine.resolve() != before
    assert before.exists()
