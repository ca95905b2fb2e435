"""`ServerImage`: the server's image on the host, by digest, pulled there or carried over as an archive."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_command as command
import pulumi_docker as docker

from components.access import HostAccess
from components.host_script import check_text, host_script
from hosts.folders import INCOMING
from hosts.lock import ImageLock


@dataclass(frozen=True)
class ServerImageArgs:
    """Exactly one of the two: a pinned reference that the host pulls, or an archive with its lock."""

    reference: str | None = None
    archive: Path | None = None
    lock: ImageLock | None = None


class ServerImage(pulumi.ComponentResource):
    """Produces either a RemoteImage (kept on the host at destroy: it is gigabytes, and others may use it),
    or the copy of an archive and its load into Docker, verified by SHA-256 before and by image ID after.

    Outputs: `image` (the image's ID). Wait for `ready`.
    """

    image: pulumi.Output[str]
    ready: pulumi.Resource

    def __init__(
        self,
        name: str,
        args: ServerImageArgs,
        access: HostAccess,
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("gpuhost:index:ServerImage", name, None, opts)
        if args.reference is not None:
            self.image = self._pulled(name, args.reference, access, after)
        elif args.archive is not None and args.lock is not None:
            self.image = self._carried(name, args.archive, args.lock, access, after)
        else:
            raise ValueError(f"{name}: needs a reference, or an archive with its lock")
        self.register_outputs({"image": self.image})

    def _pulled(
        self, name: str, reference: str, access: HostAccess, after: Sequence[pulumi.Resource]
    ) -> pulumi.Output[str]:
        image = docker.RemoteImage(
            f"{name}-pulled",
            name=reference,
            keep_locally=True,
            pull_triggers=[access.triggers.by_name.get(name, "")],
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=access.docker,
                depends_on=list(after),
                custom_timeouts=pulumi.CustomTimeouts(create="60m"),  # 10 GB over a slow line
            ),
        )
        self.ready = image
        return image.image_id

    def _carried(
        self, name: str, archive: Path, lock: ImageLock, access: HostAccess, after: Sequence[pulumi.Resource]
    ) -> pulumi.Output[str]:
        remote = f"{INCOMING}/{lock.sha256[:16]}.tar"
        copy = command.remote.CopyToRemote(
            f"{name}-archive",
            connection=access.connection,
            source=pulumi.FileAsset(str(archive)),
            remote_path=remote,
            triggers=[lock.sha256, access.triggers.by_name.get(name, "")],
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=list(after),
                ignore_changes=["triggers"] if access.triggers.away else None,
            ),
        )
        loaded = host_script(
            f"{name}-loaded",
            access,
            "server_image.sh",
            ["load", remote, lock.sha256, lock.image_id, lock.reference],
            pulumi.ResourceOptions(parent=self, depends_on=[copy]),
            triggers=[lock.image_id],
            drift=name,
        )
        self.ready = loaded
        return pulumi.Output.from_input(lock.image_id)


def image_check(image: str) -> str:
    """Says so where the image is not on the host."""
    return check_text("server_image.sh", [image])
