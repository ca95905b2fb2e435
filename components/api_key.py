"""`ApiKeyFile`: the server's API key as a file on the host, readable by root and by the server alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.access import HostAccess
from components.host_script import check_text, host_script
from components.stack_secrets import ApiKey
from hosts.folders import HOME

CONTAINER_FOLDER = "/run/gpuhost"

# Read when the server starts, by the Python that every vLLM image has: as an argument the key would be in
# `docker inspect` and in the process list, and in vLLM's log up to 0.28 at least even out of a --config file.
# Without a key in the file it does not start.
START_WITH_KEY = (
    "import os, sys; key = open(sys.argv[1]).read().strip() or sys.exit('the API key file is empty'); "
    "os.environ['VLLM_API_KEY'] = key; os.execvp('vllm', ['vllm', 'serve', *sys.argv[2:]])"
)


@dataclass(frozen=True)
class KeyMount:
    """Where the file of one key is. Every key has its own: the server before an update keeps the one it knows."""

    service: str
    fingerprint: str

    @property
    def host_folder(self) -> str:
        """The folder on the host that is mounted read-only at `CONTAINER_FOLDER`."""
        return f"{HOME}/keys/{self.service}"

    @property
    def container_file(self) -> str:
        """The file as the server sees it."""
        return f"{CONTAINER_FOLDER}/{self.fingerprint}"

    @property
    def entrypoint(self) -> list[str]:
        """What stands before the model's folder and vLLM's arguments."""
        return ["python3", "-c", START_WITH_KEY, self.container_file]


class ApiKeyFile(pulumi.ComponentResource):
    """Produces the file of the key, beside that of the key before it. Wait for `ready`."""

    ready: pulumi.Resource

    def __init__(
        self,
        name: str,
        mount: KeyMount,
        key: ApiKey,
        user: str,
        access: HostAccess,
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("gpuhost:index:ApiKeyFile", name, None, opts)
        self.ready = host_script(
            f"{name}-written",
            access,
            "api_key.sh",
            ["write", mount.service, mount.fingerprint, user],
            pulumi.ResourceOptions(parent=self, depends_on=list(after)),
            undo=["remove", mount.service],
            secrets={"api_key": key.value},
            drift=name,
        )
        self.register_outputs({})


def forget_earlier_keys(
    name: str, mount: KeyMount, access: HostAccess, parent: pulumi.Resource, after: Sequence[pulumi.Resource]
) -> None:
    """Once the server runs on its key, the files of earlier ones go."""
    host_script(
        name,
        access,
        "api_key.sh",
        ["settle", mount.service, mount.fingerprint],
        pulumi.ResourceOptions(parent=parent, depends_on=list(after)),
    )


def key_check(mount: KeyMount, user: str) -> str:
    """Says so where the key is not on the host, or its file is not as it was written."""
    return check_text("api_key.sh", [mount.service, mount.fingerprint, user])
