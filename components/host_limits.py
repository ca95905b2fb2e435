"""`HostLimits`: the kernel settings of a serving host, each in the one place where it takes effect."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.access import HostAccess
from components.host_script import check_text, host_script
from components.limit_settings import LimitSetting, of_place


@dataclass(frozen=True)
class HostLimitsArgs:
    """The table of all limits. Those of the container are `VllmServer`'s to apply and stand here to be seen."""

    settings: tuple[LimitSetting, ...]

    @property
    def sysctls(self) -> Mapping[str, str]:
        """Kernel setting to value."""
        return of_place(self.settings, "sysctl.d")

    def sysctl_file(self) -> str:
        """`name = value` lines, each below its reason."""
        own = sorted((each for each in self.settings if each.place == "sysctl.d"), key=lambda each: each.key)
        return "".join(f"# {each.comment}\n{each.key} = {each.value}\n" for each in own)

    def tmpfiles_file(self) -> str:
        """Lines of tmpfiles.d(5) that write a file of /sys at every boot; empty where there are none."""
        own = [each for each in self.settings if each.place == "tmpfiles.d"]
        return "".join(f"# {each.comment}\nw {each.key} - - - - {each.value}\n" for each in own)


class HostLimits(pulumi.ComponentResource):
    """Produces `/etc/sysctl.d/60-gpuhost.conf` and, where something of /sys is asked for,
    `/etc/tmpfiles.d/60-gpuhost.conf`: written, applied and read back, and refused where a later file says
    otherwise. At destroy the files go and every setting returns to what it was.

    Outputs: `applied`. Wait for `ready`.
    """

    ready: pulumi.Resource
    applied: pulumi.Output[str]

    def __init__(
        self, name: str, args: HostLimitsArgs, access: HostAccess, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        table = {each.key: f"{each.value} ({each.place}: {each.comment})" for each in args.settings}
        super().__init__("gpuhost:index:HostLimits", name, table, opts)
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
    return {"settings": args.sysctl_file(), "tmpfiles": args.tmpfiles_file()}
