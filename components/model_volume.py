"""`ModelVolume`: a model's files on the host, proved against their lock, in a lasting volume."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pulumi
import pulumi_command as command
import pulumi_docker as docker

import hosts.download
from components.access import HostAccess
from components.host_script import check_text, host_script
from hosts.folders import INCOMING
from hosts.lock import ModelLock
from hosts.model_source import ArchiveSource, HubSource

_CLIENT = Path(hosts.download.__file__).parent


@dataclass(frozen=True)
class ModelVolumeArgs:
    """What the volume holds, and where the files come from: exactly one of the three.

    `hub_token` is for a repository that is private or gated; it goes to the host on standard input alone.
    """

    volume: str
    lock: ModelLock
    directory: Path | None = None  # on the operator's machine
    host_path: str | None = None  # on the host already
    download: HubSource | ArchiveSource | None = None  # fetched by the host
    hub_token: str | None = field(default=None, repr=False)
    after: Sequence[pulumi.Resource] = ()


class ModelVolume(pulumi.ComponentResource):
    """Produces:

    - a Docker volume that no destroy deletes, and that says so: a model is hours of download;
    - for a directory on the operator's machine, its copy on the host, gone again once it is in the volume;
    - the download, where the host fetches the files: only those that are not there and right, resumed;
    - the verification of every file by size and SHA-256, before any server that depends on it starts.

    Outputs: `volume` (its name), `files` (a sentence of what was proved). Wait for `ready`.
    """

    ready: pulumi.Resource
    volume: pulumi.Output[str]
    files: pulumi.Output[str]

    def __init__(
        self, name: str, args: ModelVolumeArgs, access: HostAccess, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("gpuhost:index:ModelVolume", name, {"lock": args.lock.digest}, opts)
        if [args.directory, args.host_path, args.download].count(None) != 2:
            raise ValueError(f"{name}: needs exactly one of directory, host_path and download")
        volume = docker.Volume(
            f"{name}-volume",
            name=args.volume,
            # Every input of a volume replaces it: only the name is given, and it never changes. Kept on the
            # host rather than `protect`ed in the state: a protected resource keeps all it depends on, and
            # destroy could not give the host its old daemon.json back.
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=access.docker,
                depends_on=list(args.after),
                retain_on_delete=True,
            ),
        )
        arguments = ["fetch", args.volume]
        if args.host_path is not None:
            arguments = ["install", args.volume, args.host_path, "keep"]
        after: list[pulumi.Resource] = [volume]
        if args.directory is not None:
            incoming = f"{INCOMING}/{args.lock.digest[:16]}"
            arguments = ["install", args.volume, incoming]
            copy = command.remote.CopyToRemote(
                f"{name}-files",
                connection=access.connection,
                source=pulumi.FileArchive(str(args.directory)),
                remote_path=incoming,
                triggers=[args.lock.digest, access.triggers.by_name.get(name, "")],
                opts=pulumi.ResourceOptions(
                    parent=self,
                    depends_on=list(args.after),
                    ignore_changes=["triggers"] if access.triggers.away else None,
                ),
            )
            after.append(copy)
        verified = host_script(
            f"{name}-verified",
            access,
            "model_volume.sh",
            arguments,
            pulumi.ResourceOptions(parent=self, depends_on=after),
            undo=["keep", args.volume],
            data=_data(args.lock) | _client(args.download),
            drift=name,
            secrets=None if args.hub_token is None else {"hub_token": args.hub_token},
        )
        self.ready = verified
        self.files = verified.stdout
        self.volume = volume.name
        self.register_outputs({"volume": self.volume, "files": self.files})


def model_check(volume: str, lock: ModelLock) -> str:
    """Names each file of the volume that is missing, altered or foreign."""
    return check_text("model_volume.sh", [volume], _data(lock))


def _data(lock: ModelLock) -> dict[str, str]:
    return {"hashes": lock.sha256_lines(), "sizes": lock.size_lines()}


def _client(source: HubSource | ArchiveSource | None) -> dict[str, str]:
    """The download client with its source, for the host's own Python; nothing where nothing is fetched."""
    if source is None:
        return {}
    kind = "hub" if isinstance(source, HubSource) else "archive"
    modules = {path.stem: path.read_text(encoding="utf-8") for path in sorted(_CLIENT.glob("*.py"))}
    return {
        "origin": json.dumps({"kind": kind, **source.model_dump(mode="json")}, sort_keys=True),
        "hub_token": "",
        "client_files": "\n".join(modules),
        **{f"client_{name}": text for name, text in modules.items()},
    }
