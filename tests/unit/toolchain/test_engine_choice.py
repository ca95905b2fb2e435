"""Where the engine comes from: PATH, then the cache, then Pulumi's release, then its modules."""

import pytest

from tests.unit.toolchain.conftest import Checkout

PINNED = "v3.259.0"
NOWHERE = "http://127.0.0.1:9"  # nothing listens on the discard port


def put_on_path(checkout: Checkout, version: str = PINNED, language_host: bool = True) -> None:
    checkout.fake("pulumi", f"echo {version}")
    if language_host:
        checkout.fake("pulumi-language-python", "")


def put_into_cache(checkout: Checkout, kind: str) -> None:
    """A finished part of the cache, under the very name that the script looks for."""
    script = checkout.root / "toolchain" / f"engine_{kind}.sh"
    text = script.read_text()
    probe = script.with_name("probe.sh")
    probe.write_text(text[: text.index("\n", text.index("\npart=") + 1)] + '\necho "$part"\n')
    part = checkout.run(str(probe)).stdout.strip()
    probe.unlink()
    checkout.fake("bin/pulumi", f"echo {PINNED}", directory=checkout.cache / part)
    checkout.fake("bin/pulumi-language-python", "", directory=checkout.cache / part)


def test_the_pinned_version_on_path_is_used(checkout: Checkout) -> None:
    put_on_path(checkout)
    done = checkout.run("toolchain/engine.sh")
    assert done.returncode == 0, done.stderr
    assert checkout.origin == "path"
    assert checkout.linked_engine.resolve() == checkout.fakes / "pulumi"
    assert "the one on PATH" in done.stderr


@pytest.mark.parametrize(
    ("version", "language_host", "reason"),
    [
        ("v3.258.9", True, "is v3.258.9, not v3.259.0"),
        (PINNED, False, "has no pulumi-language-python beside it"),
    ],
)
def test_another_version_or_half_an_engine_on_path_is_not(
    checkout: Checkout, version: str, language_host: bool, reason: str
) -> None:
    put_on_path(checkout, version, language_host)
    done = checkout.run("toolchain/engine.sh", GPUHOST_ENGINE="path")
    assert done.returncode != 0
    assert reason in done.stderr
    assert not checkout.linked_engine.exists()


def test_our_own_link_on_path_is_not_the_users_engine(checkout: Checkout) -> None:
    put_into_cache(checkout, "modules")
    checkout.run("toolchain/engine.sh")
    assert checkout.origin == "modules"
    path = f"{checkout.linked_engine.parent}:{checkout.environment['PATH']}"
    done = checkout.run("toolchain/engine.sh", PATH=path)
    assert done.returncode == 0, done.stderr
    assert checkout.origin == "modules"


@pytest.mark.parametrize("kind", ["release", "modules"])
def test_what_the_cache_holds_is_used_without_any_fetch(checkout: Checkout, kind: str) -> None:
    put_into_cache(checkout, kind)
    checkout.fake("go", "echo the compiler was called >&2; exit 1")
    checkout.fake("python", "echo python was called >&2; exit 1", checkout.root / ".venv/bin")
    done = checkout.run("toolchain/engine.sh")
    assert done.returncode == 0, done.stderr
    assert checkout.origin == kind
    assert "was called" not in done.stderr


def test_path_comes_before_the_cache_and_release_before_modules(checkout: Checkout) -> None:
    put_into_cache(checkout, "modules")
    put_into_cache(checkout, "release")
    checkout.run("toolchain/engine.sh")
    assert checkout.origin == "release"
    put_on_path(checkout)
    checkout.run("toolchain/engine.sh")
    assert checkout.origin == "path"


def test_a_choice_can_be_forced(checkout: Checkout) -> None:
    put_on_path(checkout)
    put_into_cache(checkout, "release")
    put_into_cache(checkout, "modules")
    for kind in ("release", "modules", "path"):
        done = checkout.run("toolchain/engine.sh", GPUHOST_ENGINE=kind)
        assert done.returncode == 0, done.stderr
        assert checkout.origin == kind


def test_an_unknown_choice_is_refused_by_name(checkout: Checkout) -> None:
    put_on_path(checkout)
    done = checkout.run("toolchain/engine.sh", GPUHOST_ENGINE="realease")
    assert done.returncode != 0
    assert "GPUHOST_ENGINE=realease is unknown" in done.stderr
    assert "path, release or modules" in done.stderr
    assert not checkout.linked_engine.exists()


def test_forced_release_out_of_reach_fails_and_says_so(checkout: Checkout) -> None:
    done = checkout.run("toolchain/engine.sh", GPUHOST_ENGINE="release", GPUHOST_PULUMI_RELEASES=NOWHERE)
    assert done.returncode != 0
    assert f"cannot fetch {NOWHERE}" in done.stderr
    assert "GPUHOST_ENGINE=release allows no other" in done.stderr


def test_building_from_modules_says_why(checkout: Checkout) -> None:
    checkout.fake("go", 'case "$*" in *GOVERSION*) echo go1.99.0 ;; *) exit 1 ;; esac')
    done = checkout.run("toolchain/engine.sh", GPUHOST_PULUMI_RELEASES=NOWHERE)
    assert done.returncode != 0
    assert (
        "building Pulumi 3.259.0 from its Go modules: no pulumi on PATH and its download is out of reach" in done.stderr
    )
    assert "run the same again to go on where it stopped" in done.stderr
