"""`HostLimits`: the kernel settings of a serving host."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.access import HostAccess
from components.host_script import check_text, host_script


@dataclass(frozen=True)
class HostLimitsArgs:
    """`sysctls`: kernel setting to value."""

    sysctls: Mapping[str, str]


class HostLimits(pulumi.ComponentResource):
    """Produces `/etc/sysctl.d/60-gpuhost.conf` with the settings, applied and read back; at destroy the file
    goes and every setting returns to what it was.

    Container limits are not set here: they belong to the container, see `VllmServer`.
    Outputs: `applied`. Wait for `ready`.
    """

    ready: pulumi.Resource
    applied: pulumi.Output[str]

    def __init__(
        self, name: str, args: HostLimitsArgs, access: HostAccess, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("gpuhost:index:HostLimits", name, dict(args.sysctls), opts)
        script = host_script(
            f"{name}-sysctl",
            access,
            "host_limits.sh",
            ["apply"],
            pulumi.ResourceOptions(parent=self),
            undo=["remove"],
            data=_data(args),
            drift=name,
        )
        self.ready = script
        self.applied = script.stdout
        self.register_outputs({"applied": self.applied})


def limits_check(args: HostLimitsArgs) -> str:
    """Names each kernel setting that is not as wished."""
    return check_text("host_limits.sh", [], _data(args))


def _data(args: HostLimitsArgs) -> dict[str, str]:
    return {"settings": "".join(f"{key} = {value}\n" for key, value in sorted(args.sysctls.items()))}
