"""`NvidiaToolkit`: NVIDIA's driver, seen to be fit, and its container toolkit, pinned and held."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi

from components.access import HostAccess
from components.apt_repository import AptRepositoryArgs, apt_repository, repository_check
from components.host_script import check_text, host_script


@dataclass(frozen=True)
class NvidiaDriverArgs:
    """What the driver must be: `cuda_floor` for the image's `cuda_major`, and its branch's entry in
    `branch_floors`; `gpus` devices at least. With policy `install`, `packages` (by distribution) of `branch`.
    """

    policy: Literal["assert", "install"]
    cuda_major: int
    cuda_floor: str
    gpus: int
    branch_floors: Mapping[int, str]
    branch: int | None
    packages: Mapping[str, tuple[str, ...]]

    def script_data(self) -> dict[str, str]:
        """What the script is given beside its arguments."""
        return {
            "branches": "\n".join(f"{branch} {floor}" for branch, floor in sorted(self.branch_floors.items())),
            "packages": "\n".join(" ".join((distribution, *names)) for distribution, names in self.packages.items()),
        }


@dataclass(frozen=True)
class NvidiaToolkitArgs:
    """The driver, the toolkit's one version, the repository it comes from, and what must be done before."""

    driver: NvidiaDriverArgs
    version: str
    repository: AptRepositoryArgs
    after: Sequence[pulumi.Resource] = ()


class NvidiaToolkit(pulumi.ComponentResource):
    """Produces, in this order: the driver's check (or its install; never a reboot), NVIDIA's repository with an
    exact keyring, and the toolkit's four packages at one version, held and kept from unattended upgrades. At
    destroy the packages stay and are no longer held.

    Outputs: `driver_version`, `toolkit_version`. Wait for `ready`.
    """

    ready: pulumi.Resource
    driver_version: pulumi.Output[str]
    toolkit_version: pulumi.Output[str]

    def __init__(
        self, name: str, args: NvidiaToolkitArgs, access: HostAccess, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("gpuhost:index:NvidiaToolkit", name, {"version": args.version}, opts)
        driver = args.driver
        fit = host_script(
            f"{name}-driver",
            access,
            "nvidia_driver.sh",
            [
                "apply",
                driver.policy,
                str(driver.cuda_major),
                driver.cuda_floor,
                str(driver.gpus),
                *([] if driver.branch is None else [str(driver.branch)]),
            ],
            pulumi.ResourceOptions(parent=self, depends_on=list(args.after)),
            undo=["remove"],
            data=driver.script_data(),
            drift=f"{name}-driver",
            parts=["apt.sh"],
        )
        repository = apt_repository(f"{name}-repository", args.repository, access, self, [fit])
        installed = host_script(
            f"{name}-packages",
            access,
            "nvidia_toolkit.sh",
            ["apply", args.version],
            pulumi.ResourceOptions(parent=self, depends_on=[repository]),
            undo=["remove"],
            parts=["apt.sh"],
            drift=f"{name}-packages",
        )
        self.ready = installed
        self.driver_version, self.toolkit_version = fit.stdout, installed.stdout
        self.register_outputs({"driver_version": self.driver_version, "toolkit_version": self.toolkit_version})


def toolkit_checks(name: str, args: NvidiaToolkitArgs) -> dict[str, str]:
    """Names what of driver, repository and packages is not as wished, each by its resource's name."""
    driver = args.driver
    return {
        f"{name}-driver": check_text("nvidia_driver.sh", [driver.cuda_floor], driver.script_data(), ["apt.sh"]),
        f"{name}-repository": repository_check(args.repository),
        f"{name}-packages": check_text("nvidia_toolkit.sh", [args.version], None, ["apt.sh"]),
    }
