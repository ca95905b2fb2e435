"""command:remote:CopyToRemote."""

from __future__ import annotations

from toolchain.plugins.command.protocol.engine_log import ResourceLog
from toolchain.plugins.command.protocol.values import Properties
from toolchain.plugins.command.resources.resource import Plain, unique_id
from toolchain.plugins.command.ssh.pools import SharedPool


class CopyToRemote:
    """A file, text or directory on a host; deleting the resource leaves it there."""

    def __init__(self, pool: SharedPool) -> None:
        self._pool = pool

    def new_id(self, name: str, *, preview: bool) -> str:  # noqa: ARG002 - the name is no part of it
        """Eight digits, and none in a preview."""
        return "" if preview else unique_id("")

    def initial(self) -> Properties:
        """It has no outputs but its inputs."""
        return {}

    def create(self, inputs: Plain, log: ResourceLog) -> Properties:
        """Copies."""
        from toolchain.plugins.command.ssh.copy import copy
        from toolchain.plugins.command.ssh.endpoint import endpoint

        copy(self._pool.get(), endpoint(inputs["connection"]), inputs["source"], inputs["remotePath"], log)
        return {}

    def update(self, state: Plain, inputs: Plain, log: ResourceLog) -> Properties:
        """Copies again if content or destination differ; a new connection alone moves nothing."""
        moved = inputs["remotePath"] != state.get("remotePath")
        if moved or inputs["source"].hash != getattr(state.get("source"), "hash", None):
            return self.create(inputs, log)
        return {}

    def delete(self, state: Plain, log: ResourceLog) -> None:
        """Leaves the copy where it is."""
