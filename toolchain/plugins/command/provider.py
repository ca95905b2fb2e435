"""The plugin's operations on typed properties, apart from gRPC."""

from __future__ import annotations

from pulumi.provider.experimental.provider import (
    CheckRequest,
    CheckResponse,
    ConfigureRequest,
    ConfigureResponse,
    DiffRequest,
    DiffResponse,
    Provider,
)

from toolchain.plugins.command.local.run import Processes
from toolchain.plugins.command.protocol.engine_log import ResourceLog
from toolchain.plugins.command.protocol.errors import CommandError, NotImplementedHereError
from toolchain.plugins.command.protocol.values import Properties, Value, plain
from toolchain.plugins.command.resources.copy_to_remote import CopyToRemote
from toolchain.plugins.command.resources.local_command import LocalCommand
from toolchain.plugins.command.resources.remote_command import RemoteCommand
from toolchain.plugins.command.resources.resource import Resource
from toolchain.plugins.command.rules.check import check
from toolchain.plugins.command.rules.decode import Failure, decode, summary
from toolchain.plugins.command.rules.diff import Change, diff
from toolchain.plugins.command.rules.preview import create_preview, update_preview
from toolchain.plugins.command.schema.resources import (
    COPY_TO_REMOTE,
    INPUTS,
    LOCAL_COMMAND,
    LOCAL_RUN,
    REMOTE_COMMAND,
    RUN_INPUTS,
    STATE,
)
from toolchain.plugins.command.ssh.pools import SharedPool


class CommandProvider(Provider):
    """The resources, by type. What is not async blocks; the servicer runs it in threads."""

    def __init__(self) -> None:
        self.processes = Processes()
        self.pool = SharedPool()
        local = LocalCommand(self.processes)
        self._local = local
        self._resources: dict[str, Resource] = {
            LOCAL_COMMAND: local,
            REMOTE_COMMAND: RemoteCommand(self.pool),
            COPY_TO_REMOTE: CopyToRemote(self.pool),
        }

    async def check_config(self, request: CheckRequest) -> CheckResponse:
        """The provider itself has no settings; whatever came is kept."""
        return CheckResponse(inputs=request.new_inputs)

    async def diff_config(self, request: DiffRequest) -> DiffResponse:  # noqa: ARG002
        """Settings that do not exist cannot change."""
        return DiffResponse(changes=False)

    async def configure(self, request: ConfigureRequest) -> ConfigureResponse:  # noqa: ARG002
        """Secrets stay marked, and previews run here too."""
        return ConfigureResponse(accept_secrets=True, supports_preview=True, accept_resources=True, accept_outputs=True)

    async def cancel(self) -> None:
        """Ends the processes that run on this machine and all attempts to connect to others."""
        self.processes.cancel()
        self.pool.cancel()

    def check_inputs(self, token: str, inputs: Properties) -> tuple[Properties, list[Failure]]:
        """Checked inputs and what is wrong with them."""
        self._resource(token)
        return check(token, inputs)

    def changes(self, token: str, state: Properties, inputs: Properties, ignored: list[str]) -> list[Change]:
        """What a deployment would change."""
        self._resource(token)
        return diff(token, state, inputs, ignored)

    def create_resource(
        self, token: str, name: str, properties: Properties, log: ResourceLog, *, preview: bool
    ) -> tuple[str, Properties]:
        """The id and state of a new resource."""
        resource = self._resource(token)
        inputs, failures = decode(properties, INPUTS[token])
        if failures:
            raise CommandError(f"invalid inputs: {summary(failures)}")
        new_id = resource.new_id(name, preview=preview)
        if preview:
            return new_id, create_preview(properties, inputs | resource.initial())
        return new_id, inputs | resource.create(plain(inputs), log)

    def update_resource(
        self, token: str, old: Properties, new: Properties, ignored: list[str], log: ResourceLog, *, preview: bool
    ) -> Properties:
        """The state after an update."""
        resource = self._resource(token)
        state = self._state(token, old)
        inputs, failures = decode(new | {name: old[name] for name in ignored if name in old}, INPUTS[token])
        if failures:
            raise CommandError(summary(failures))
        if preview:
            outputs: dict[str, Value] = {
                name: value for name, value in state.items() if name in STATE_ONLY[token] and value is not None
            }
            return update_preview(old, inputs, inputs | resource.initial() | outputs)
        return inputs | resource.update(plain(state), plain(inputs), log)

    def delete_resource(self, token: str, old: Properties, log: ResourceLog) -> None:
        """Runs whatever the resource does at its end; a copy stays, whatever its state holds."""
        resource = self._resource(token)
        if token != COPY_TO_REMOTE:
            resource.delete(plain(self._state(token, old)), log)

    def call_function(self, token: str, arguments: Properties, log: ResourceLog) -> tuple[Properties, list[Failure]]:
        """The function's result."""
        if token != LOCAL_RUN:
            raise NotImplementedHereError(f"function {token} is not implemented by this stand-in")
        inputs, failures = decode(arguments, RUN_INPUTS)
        return ({}, failures) if failures else (inputs | self._local.call(plain(inputs), log), [])

    def _resource(self, token: str) -> Resource:
        if token not in self._resources:
            raise NotImplementedHereError(
                f"resource type {token} is not implemented by this stand-in; it has {', '.join(self._resources)}"
            )
        return self._resources[token]

    @staticmethod
    def _state(token: str, properties: Properties) -> Properties:
        state, failures = decode(properties, STATE[token])
        if failures:
            raise CommandError(summary(failures))
        return state


STATE_ONLY = {
    token: {field.name for field in shape.fields} - {field.name for field in INPUTS[token].fields}
    for token, shape in STATE.items()
}
