"""The tables about NVIDIA's software are sound, and the rules that read them."""

import pytest

from hosts.nvidia_floors import floors, release
from hosts.runtime import DockerEntry, NvidiaEntry

TABLES = floors()


def test_the_default_toolkit_has_every_fix() -> None:
    assert TABLES.toolkit.missing_in(TABLES.toolkit.known_good) == ()


def test_the_floor_is_the_last_fix_and_one_below_is_not_enough() -> None:
    floor = release(TABLES.toolkit.floor)
    assert TABLES.toolkit.missing_in(TABLES.toolkit.floor) == ()
    below = ".".join(map(str, (*floor[:2], floor[2] - 1)))
    assert [each.fixed for each in TABLES.toolkit.missing_in(below)] == [TABLES.toolkit.floor]


def test_releases_are_compared_as_numbers() -> None:
    assert release("1.9.0") < release("1.10.0")
    assert release("580.65.06") < release("580.159.03")


@pytest.mark.parametrize(
    ("reference", "version", "major"),
    [
        ("vllm/vllm-openai:v0.19.1", "0.19.1", 12),
        ("vllm/vllm-openai:v0.20.0@sha256:" + "0" * 64, "0.20.0", 13),
        ("vllm/vllm-openai:v0.32.0-cu129@sha256:" + "0" * 64, "0.32.0", 12),
        ("mirror.example.com:5000/vllm-openai:v0.32.0-cu130", "0.32.0", 13),
        (None, "0.32.0", 13),
        (None, "0.9.2", 12),
    ],
)
def test_an_image_says_its_cuda(reference: str | None, version: str, major: int) -> None:
    assert TABLES.image_cuda.major_of(reference, version) == major


def test_every_cuda_of_an_image_has_a_driver_floor() -> None:
    images = TABLES.image_cuda
    majors = {each.major for each in images.suffixes} | {each.major for each in images.releases}
    assert {major: bool(TABLES.driver_for(major)) for major in majors} == dict.fromkeys(majors, True)


def test_a_newer_cuda_needs_a_newer_driver() -> None:
    ordered = sorted(TABLES.cuda, key=lambda each: each.major)
    drivers = [release(each.driver) for each in ordered]
    assert drivers == sorted(drivers)


def test_every_branch_floor_is_of_its_branch() -> None:
    assert all(release(each.floor)[0] == each.branch for each in TABLES.driver_branches)


@pytest.mark.parametrize(
    ("docker", "path"),
    [("20.10.24", "runtime"), ("24.0.0", "runtime"), ("26.1.5", "runtime"), ("28.1.1", "runtime"), ("28.2.0", "cdi")],
)
def test_the_path_is_one_that_works_at_boot_on_that_docker(docker: str, path: str) -> None:
    assert TABLES.injection_for(docker).path == path


def test_a_path_holds_for_every_newer_docker() -> None:
    """What was chosen for a floor must not stop working above it: the runtime works everywhere."""
    assert NvidiaEntry(injection="runtime").path_on("29.7.2") == "runtime"


def test_cdi_on_a_docker_that_forgets_it_at_boot_is_refused() -> None:
    with pytest.raises(ValueError, match=r"28\.2\.0 or newer, and docker\.floor is 26\.1\.0"):
        NvidiaEntry(injection="cdi").path_on("26.1.0")


def test_docker_comes_from_the_distribution_unless_a_repository_is_named() -> None:
    assert DockerEntry(policy="install").package_names == ("docker.io",)
