"""What runs containers on a host: Docker Engine, NVIDIA's driver and container toolkit. All optional."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from hosts.nvidia_floors import InjectionPath, floors, release
from hosts.spec import Integer, Spec

Policy = Literal["assert", "install"]

OLDEST_DOCKER = "20.10.0"
# Where docker.floor is not given. 26.1 is what the supported Debian and Ubuntu releases have at least.
DEFAULT_FLOOR = "24.0.0"
DEFAULT_GPU_FLOOR = "26.1.0"
# Debian's and Ubuntu's own engine, and the packages of Docker's repository.
DISTRIBUTION_DOCKER = ("docker.io",)
DOCKER_CE = ("docker-ce", "docker-ce-cli", "containerd.io")
NVIDIA_URL = "https://nvidia.github.io/libnvidia-container"
NVIDIA_FINGERPRINT = "C95B321B61E88C1809C4F759DDCAE044F796ECB0"

_RELEASE = re.compile(r"^\d+\.\d+\.\d+$")
_URL = re.compile(r"^https?://[A-Za-z0-9]([\w.:-]*\w)?(/[\w.~%+/-]*)?$")
_FINGERPRINT = re.compile(r"^[0-9A-F]{40}$")
_WORD = re.compile(r"^[A-Za-z0-9][A-Za-z0-9.+_-]*$")
_PACKAGE = re.compile(r"^[a-z0-9][a-z0-9.+-]+$")


def _release(value: str) -> str:
    if not _RELEASE.match(value):
        raise ValueError("must be a release in three numbers, such as '1.20.0'")
    return value


def _docker_floor(value: str) -> str:
    if release(_release(value)) < release(OLDEST_DOCKER):
        raise ValueError(f"is older than {OLDEST_DOCKER}, the oldest Docker that runs these containers")
    return value


def _toolkit(value: str) -> str:
    missing = floors().toolkit.missing_in(_release(value))
    if missing:
        lacks = ", ".join(f"{each.cve} ({each.what})" for each in missing)
        raise ValueError(f"lacks the fix of {lacks}; the oldest release without is {floors().toolkit.floor}")
    return value


def _url(value: str) -> str:
    if not _URL.match(value):
        raise ValueError("must be an http or https URL without user, query or fragment")
    return value.rstrip("/")


def _fingerprint(value: str) -> str:
    packed = value.replace(" ", "").upper()
    if not _FINGERPRINT.match(packed):
        raise ValueError("must be the 40 hexadecimal digits that `gpg --show-keys` prints below 'pub'")
    return packed


def _word(value: str) -> str:
    if not _WORD.match(value):
        raise ValueError("must be one word of letters, digits, '.', '+', '_' and '-'")
    return value


def _package(value: str) -> str:
    if not _PACKAGE.match(value):
        raise ValueError("must be a package's name")
    return value


Release = Annotated[str, AfterValidator(_release)]
Url = Annotated[str, AfterValidator(_url)]
Fingerprint = Annotated[str, AfterValidator(_fingerprint)]
Word = Annotated[str, AfterValidator(_word)]
Packages = Annotated[tuple[Annotated[str, AfterValidator(_package)], ...], Field(min_length=1, max_length=16)]


class AptRepository(Spec):
    """A signed package repository with suites: Docker's own, or a mirror of it."""

    url: Url
    suite: Word
    components: Annotated[tuple[Word, ...], Field(min_length=1)] = ("stable",)
    key: Url
    fingerprint: Fingerprint


class DockerEntry(Spec):
    """Docker Engine on every host: there already, or installed from the distribution or a repository."""

    policy: Policy = "assert"
    floor: Annotated[str, AfterValidator(_docker_floor)] | None = None
    repository: AptRepository | None = None
    packages: Packages | None = None

    @model_validator(mode="after")
    def _installs(self) -> Self:
        given = [key for key in ("repository", "packages") if getattr(self, key) is not None]
        if self.policy == "assert" and given:
            raise ValueError(f"{given[0]} says what to install, and policy is 'assert': set policy to 'install'")
        return self

    def floor_for(self, *, gpu: bool) -> str:
        """The oldest engine that will do on a host with or without a GPU."""
        return self.floor or (DEFAULT_GPU_FLOOR if gpu else DEFAULT_FLOOR)

    @property
    def package_names(self) -> tuple[str, ...]:
        """What is installed where the policy says so."""
        return self.packages or (DISTRIBUTION_DOCKER if self.repository is None else DOCKER_CE)


class NvidiaRepository(Spec):
    """NVIDIA's repository of the container toolkit, or a mirror: key in `<url>/gpgkey` unless named."""

    url: Url = NVIDIA_URL
    key: Url | None = None
    fingerprint: Fingerprint = NVIDIA_FINGERPRINT

    @property
    def key_url(self) -> str:
        """Where the signing key is; it is used only if its fingerprint is the one above."""
        return self.key or f"{self.url}/gpgkey"


class ToolkitEntry(Spec):
    """The container toolkit: one release for all four packages, held."""

    version: Annotated[str, AfterValidator(_toolkit)] = floors().toolkit.known_good
    repository: NvidiaRepository = NvidiaRepository()


class DriverEntry(Spec):
    """The driver: there already, or installed as the distribution's packages of a branch. Never a reboot."""

    policy: Policy = "assert"
    branch: Annotated[Integer, Field(ge=500, le=999)] | None = None
    packages: Packages | None = None

    @model_validator(mode="after")
    def _installs(self) -> Self:
        if self.policy == "install" and self.branch is None:
            known = ", ".join(str(each.branch) for each in floors().driver_branches)
            raise ValueError(f"policy 'install' needs the branch to install, for example branch: 580 (known: {known})")
        if self.policy == "assert" and self.packages is not None:
            raise ValueError("packages says what to install, and policy is 'assert': set policy to 'install'")
        return self


class NvidiaEntry(Spec):
    """NVIDIA's software on every host that has a GPU."""

    driver: DriverEntry = DriverEntry()
    toolkit: ToolkitEntry = ToolkitEntry()
    injection: Literal["auto"] | InjectionPath = "auto"

    def path_on(self, docker_floor: str) -> InjectionPath:
        """How GPUs reach a container on every Docker from that floor on.

        Raises ValueError where the way asked for does not work there.
        """
        fitting = floors().injection_for(docker_floor)
        if self.injection == "cdi" and fitting.path != "cdi":
            needed = floors().injection[0].docker
            raise ValueError(
                f"nvidia.injection: 'cdi' needs Docker {needed} or newer, and docker.floor is {docker_floor}"
            )
        return fitting.path if self.injection == "auto" else self.injection
