"""The tables of `nvidia_floors.yaml`: advisories, driver floors, and the way GPUs reach a container."""

from functools import cache
from pathlib import Path
from typing import Literal

import yaml

from hosts.spec import Spec

InjectionPath = Literal["cdi", "runtime"]


def release(text: str) -> tuple[int, ...]:
    """A dotted release as numbers, so that 1.9 comes before 1.10."""
    return tuple(int(part) for part in text.split("."))


class Advisory(Spec):
    """A vulnerability of the container toolkit, and the release that fixed it."""

    fixed: str
    cve: str
    what: str


class ToolkitReleases(Spec):
    """The container toolkit's releases: the one used by default, and what older ones lack."""

    known_good: str
    advisories: tuple[Advisory, ...]
    source: str

    @property
    def floor(self) -> str:
        """The oldest release without a known vulnerability."""
        return max((advisory.fixed for advisory in self.advisories), key=release)

    def missing_in(self, version: str) -> tuple[Advisory, ...]:
        """Advisories that `version` has not fixed."""
        return tuple(each for each in self.advisories if release(version) < release(each.fixed))


class CudaFloor(Spec):
    """The oldest driver for a CUDA major release."""

    major: int
    driver: str


class BranchFloor(Spec):
    """The oldest release of a driver branch that is fit to run."""

    branch: int
    floor: str


class ImageSuffix(Spec):
    """A tag suffix that names the image's CUDA."""

    suffix: str
    major: int


class ImageRelease(Spec):
    """From this vLLM release on, the plain tag holds this CUDA."""

    since: str
    major: int


class ImageCuda(Spec):
    """The CUDA inside vLLM's images."""

    suffixes: tuple[ImageSuffix, ...]
    releases: tuple[ImageRelease, ...]
    source: str

    def major_of(self, reference: str | None, vllm_version: str) -> int:
        """CUDA's major release in the image of that reference (None: carried over) and vLLM release."""
        tag = (reference or "").split("@")[0]
        for each in self.suffixes:
            if tag.endswith(each.suffix):
                return each.major
        return max(
            (each for each in self.releases if release(each.since) <= release(vllm_version)),
            key=lambda each: release(each.since),
        ).major


class Injection(Spec):
    """One way into the container, the oldest Docker for it, and why."""

    docker: str
    path: InjectionPath
    reason: str


class NvidiaFloors(Spec):
    """All of the file."""

    toolkit: ToolkitReleases
    cuda: tuple[CudaFloor, ...]
    cuda_source: str
    driver_branches: tuple[BranchFloor, ...]
    driver_source: str
    image_cuda: ImageCuda
    driver_packages: dict[str, tuple[str, ...]]
    injection: tuple[Injection, ...]

    def driver_for(self, cuda_major: int) -> str:
        """The oldest driver for that CUDA; ValueError where the table has no such release."""
        for each in self.cuda:
            if each.major == cuda_major:
                return each.driver
        raise ValueError(f"CUDA {cuda_major} is not in hosts/nvidia_floors.yaml")

    def injection_for(self, docker_floor: str) -> Injection:
        """The way that works on every Docker from `docker_floor` on; ValueError below the oldest."""
        for each in self.injection:
            if release(docker_floor) >= release(each.docker):
                return each
        raise ValueError(f"Docker {docker_floor} is older than {self.injection[-1].docker}, the oldest with any way")


@cache
def floors() -> NvidiaFloors:
    """The tables, read once."""
    text = Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")
    return NvidiaFloors.model_validate(yaml.safe_load(text))
