"""The image's name changes with its recipe; names and limits follow their rules."""

import os
import shutil
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from hosts.sandbox import image
from hosts.sandbox.apt_sources import distribution
from hosts.sandbox.container import container_name, reachable_resolvers
from hosts.sandbox.lock import cache_folder
from hosts.sandbox.sandbox import Limits, parse_limits

DEBIAN = distribution("ID=debian\nVERSION_CODENAME=bookworm\n")


def test_flavour_release_and_every_file_change_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Path(shutil.copytree(image.RECIPE, tmp_path / "image"))
    monkeypatch.setattr(image, "RECIPE", recipe)
    tags = {image.image_tag("docker", DEBIAN), image.image_tag("bare", DEBIAN)}
    tags.add(image.image_tag("docker", replace(DEBIAN, suite="forky")))
    for file in sorted(recipe.iterdir()):
        file.write_text(file.read_text() + "\n")
        tags.add(image.image_tag("docker", DEBIAN))
    assert len(tags) == 3 + len(list(recipe.iterdir()))


def test_the_two_newest_recipes_of_a_flavour_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    names = ["docker-1", "docker-3", "docker-2", "bare-1"]
    for age, name in enumerate(names):
        archive = cache_folder() / f"sandbox-{name}.tar"
        archive.touch()
        os.utime(archive, (1000 - age, 1000 - age))
    client = Mock()
    image._forget_older(client, "docker", lambda _: None)
    assert sorted(file.name for file in cache_folder().iterdir()) == [
        "sandbox-bare-1.tar",
        "sandbox-docker-1.tar",
        "sandbox-docker-3.tar",
    ]
    client.images.remove.assert_called_once_with("gpuhost-sandbox:docker-2")


def test_bare_has_no_container_engine() -> None:
    assert not [name for name in image.packages("bare", DEBIAN) if "docker" in name or "containerd" in name]
    assert {"docker.io", "docker-cli"} <= set(image.packages("docker", DEBIAN))


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
