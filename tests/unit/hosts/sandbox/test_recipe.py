"""The image's name changes with its recipe and with nothing else."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from hosts.sandbox import image
from hosts.sandbox.apt_setup import AptSetup
from hosts.sandbox.apt_sources import Source, distribution
from hosts.sandbox.container import container_name, reachable_resolvers
from hosts.sandbox.sandbox import Limits, parse_limits

DEBIAN = distribution("ID=debian\nVERSION_CODENAME=bookworm\n")
SETUP = AptSetup(DEBIAN, (Source("http://a.example/debian", "trixie", ("main",)),), ())


def test_the_mirror_is_not_part_of_the_recipe() -> None:
    elsewhere = replace(SETUP, sources=(Source("http://b.example/debian", "trixie", ("main",)),))
    assert image.image_tag("docker", SETUP) == image.image_tag("docker", elsewhere)


def test_flavour_release_and_every_file_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Path(shutil.copytree(image.RECIPE, tmp_path / "image"))
    monkeypatch.setattr(image, "RECIPE", recipe)
    tags = {image.image_tag("docker", SETUP), image.image_tag("bare", SETUP)}
    tags.add(image.image_tag("docker", replace(SETUP, target=replace(DEBIAN, suite="forky"))))
    for file in sorted(recipe.iterdir()):
        file.write_text(file.read_text() + "\n")
        tags.add(image.image_tag("docker", SETUP))
    assert len(tags) == 3 + len(list(recipe.iterdir()))


def test_bare_has_no_container_engine() -> None:
    assert not [name for name in image.packages("bare", SETUP) if "docker" in name or "containerd" in name]
    assert {"docker.io", "docker-cli"} <= set(image.packages("docker", SETUP))


def test_equal_names_of_two_checkouts_are_two_containers() -> None:
    one, other = container_name("dev", Path("/src/one")), container_name("dev", Path("/src/two"))
    assert one != other
    assert one.startswith("gpuhost-dev-")


@pytest.mark.parametrize(
    ("etc", "run", "expected"),
    [
        ("nameserver 192.0.2.1\nsearch a.example\n", None, "nameserver 192.0.2.1\nsearch a.example\n"),
        ("nameserver 127.0.0.53\n", "nameserver 192.0.2.2\n", "nameserver 192.0.2.2\n"),
        ("nameserver 127.0.0.1\n", None, ""),
        ("nameserver ::1\n", None, ""),
        (None, None, ""),
    ],
)
def test_only_resolvers_that_a_container_reaches(
    tmp_path: Path, etc: str | None, run: str | None, expected: str
) -> None:
    files = {tmp_path / "etc/resolv.conf": etc, tmp_path / "run/systemd/resolve/resolv.conf": run}
    for file, text in files.items():
        file.parent.mkdir(parents=True)
        if text is not None:
            file.write_text(text)
    assert reachable_resolvers(tmp_path / "etc", tmp_path / "run") == expected


@pytest.mark.parametrize(
    ("nofile", "memlock", "bounding", "expected"),
    [
        ("20000", "8388608", "000001fffeffffff", Limits(20000, 8192)),
        ("1024", "65536", "000001ffffffffff", Limits(1048576, None)),
        ("4096", "unlimited", "000001fffeffffff", Limits(4096, None)),
        ("unlimited", "8388608", "000001fffeffffff", Limits(1048576, 8192)),
    ],
)
def test_limits_depend_on_who_may_raise_them(nofile: str, memlock: str, bounding: str, expected: Limits) -> None:
    facts = {"nofile": nofile, "memlock": memlock, "bounding": bounding, "nr_open": "1048576"}
    assert parse_limits(facts) == expected
