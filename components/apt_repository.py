"""A signed package repository on a host: key by fingerprint, keyring and list file of its own."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_command as command

from components.access import HostAccess
from components.host_script import check_text, host_script


@dataclass(frozen=True)
class AptRepositoryArgs:
    """`name` is that of its two files. `line` is the source line, with @KEYRING@ where the keyring's path goes.

    `conflicts`: extended regular expressions of other entries for the same packages.
    """

    name: str
    line: str
    key_url: str
    fingerprint: str
    conflicts: tuple[str, ...] = ()

    @property
    def keyring(self) -> str:
        """Where the script puts the key."""
        return f"/usr/share/keyrings/{self.name}-keyring.gpg"

    def script_data(self) -> dict[str, str]:
        """What the script is given beside its arguments."""
        return {"source_line": self.line, "conflicts": "\n".join(self.conflicts)}


def apt_repository(
    name: str,
    args: AptRepositoryArgs,
    access: HostAccess,
    parent: pulumi.Resource,
    after: Sequence[pulumi.Resource] = (),
) -> command.remote.Command:
    """The resource that adds the repository, and takes it away at destroy."""
    return host_script(
        name,
        access,
        "apt_repository.sh",
        ["apply", args.name, args.key_url, args.fingerprint],
        pulumi.ResourceOptions(parent=parent, depends_on=list(after)),
        undo=["remove", args.name],
        data=args.script_data(),
        parts=["apt.sh"],
        drift=name,
    )


def repository_check(args: AptRepositoryArgs) -> str:
    """Names what of the list file or the keyring is not as wished."""
    return check_text("apt_repository.sh", [args.name, args.fingerprint], args.script_data(), ["apt.sh"])
