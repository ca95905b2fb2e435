"""`DockerEngine`: the engine itself, and the one owner of /etc/docker/daemon.json."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pulumi

from components.access import HostAccess
from components.apt_repository import AptRepositoryArgs, apt_repository
from components.host_script import check_text, host_script

_MERGE = Path(__file__).with_name("daemon_json.py")

# What every serving host wants of its daemon, and why.
BASE_KEYS: Mapping[str, object] = {
    "live-restore": True,  # a daemon restart is not a model load
    "log-driver": "json-file",
    "log-opts": {"max-size": "50m", "max-file": "3"},  # a chatty server must not fill the disk
    "userland-proxy": False,  # the kernel forwards ports; no proxy process per port
    "icc": False,  # containers on the default bridge do not reach each other
}


@dataclass(frozen=True)
class DockerEngineArgs:
    """`floor`: the oldest engine that will do. `policy`: assert it is there, or install `packages`, from
    `repository` where one is named.

    `keys`: daemon.json keys that other components need, beside `BASE_KEYS`. `after`: what must be on the host
    before Docker's one restart, so that nothing needs a second.
    """

    floor: str
    policy: Literal["assert", "install"]
    keys: Mapping[str, object]
    packages: Sequence[str] = ()
    repository: AptRepositoryArgs | None = None
    after: Sequence[pulumi.Resource] = ()

    def daemon_keys(self) -> dict[str, object]:
        """Our keys in full; ValueError where another component contradicts the base."""
        clash = sorted(key for key in self.keys if key in BASE_KEYS and self.keys[key] != BASE_KEYS[key])
        if clash:
            raise ValueError(f"daemon.json key '{clash[0]}' is wished twice with different values")
        return {**BASE_KEYS, **self.keys}

    def script_data(self) -> dict[str, str]:
        """What the script is given beside its arguments."""
        return {
            "wishes": json.dumps(self.daemon_keys(), indent=2, sort_keys=True),
            "merge_program": _MERGE.read_text(encoding="utf-8"),
        }


class DockerEngine(pulumi.ComponentResource):
    """Produces a Docker Engine at or above the floor, with our keys merged into its daemon.json: foreign
    keys stay, the file is validated first, Docker restarts at most once and not at all without a change, and
    the old returns where Docker does not. At destroy the file is what it was, unless someone changed it.

    Outputs: `version` of the engine. Wait for `ready`.
    """

    ready: pulumi.Resource
    version: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: DockerEngineArgs,
        access: HostAccess,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        keys = args.daemon_keys()
        super().__init__("gpuhost:index:DockerEngine", name, {"keys": keys}, opts)
        after = list(args.after)
        if args.repository is not None:
            after.append(apt_repository(f"{name}-repository", args.repository, access, self, after))
        script = host_script(
            f"{name}-configured",
            access,
            "docker_engine.sh",
            ["apply", args.floor, args.policy, *args.packages],
            pulumi.ResourceOptions(parent=self, depends_on=after),
            undo=["remove"],
            parts=["apt.sh"],
            data=args.script_data(),
            drift=name,
        )
        self.ready = script
        self.version = script.stdout
        self.register_outputs({"version": self.version})


def engine_check(args: DockerEngineArgs) -> str:
    """Names what of the engine or its daemon.json is not as wished."""
    return check_text("docker_engine.sh", [args.floor], args.script_data(), ["apt.sh"])
