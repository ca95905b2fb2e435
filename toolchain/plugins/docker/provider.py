"""STAND-IN for Pulumi's docker plugin 5.1.1, for machines that reach only package registries.

It answers check, diff, create, read, update and delete of Container,
RemoteImage, Volume and Network as the official plugin does.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from pulumi.provider.experimental import provider as protocol

from toolchain.plugins.docker import lifecycle
from toolchain.plugins.docker.bridge.check import check
from toolchain.plugins.docker.bridge.defaults import Naming
from toolchain.plugins.docker.bridge.diff import diff
from toolchain.plugins.docker.bridge.values import UNKNOWN, plain_map, property_map
from toolchain.plugins.docker.configuration import Configuration, parse_configuration
from toolchain.plugins.docker.errors import OperationError, PluginError, one_error
from toolchain.plugins.docker.resources import RESOURCE_TYPES, ResourceType, Target

VERSION = "5.1.1"
#: The engine calls in parallel, by default sixteen at a time.
_MAX_THREADS = 32

T = TypeVar("T")


class DockerProvider(protocol.Provider):
    """The provider: protocol in, protocol out; what blocks runs in threads."""

    def __init__(self) -> None:
        self._configuration: Configuration | None = None
        self._daemon: Any = None
        self._threads = ThreadPoolExecutor(_MAX_THREADS, thread_name_prefix="docker")

    async def check_config(self, request: protocol.CheckRequest) -> protocol.CheckResponse:
        arguments = plain_map(request.new_inputs, skip_nulls=True)
        if UNKNOWN not in arguments.values():
            try:
                parse_configuration(arguments)
            except PluginError as error:
                return protocol.CheckResponse(
                    inputs=request.new_inputs, failures=[protocol.CheckFailure("", str(error))]
                )
        return protocol.CheckResponse(inputs=request.new_inputs)

    async def diff_config(self, request: protocol.DiffRequest) -> protocol.DiffResponse:  # noqa: ARG002
        # Left open: the engine then compares the inputs itself.
        return protocol.DiffResponse()

    async def configure(self, request: protocol.ConfigureRequest) -> protocol.ConfigureResponse:
        self._configuration = parse_configuration(plain_map(request.args, skip_nulls=True))
        if not self._configuration.is_ssh:
            await self._in_thread(functools.partial(self._ping, self._configuration))
        # Secrets stay the engine's business: it marks again what was secret in the inputs.
        return protocol.ConfigureResponse(supports_preview=True)

    def _ping(self, configuration: Configuration) -> None:
        from toolchain.plugins.docker.host.daemon import Daemon

        self._daemon = Daemon(configuration)
        try:
            if not self._daemon.address.startswith("ssh://"):
                self._daemon.ping()
        except OperationError as error:
            raise PluginError(
                "docker native provider returned an unexpected error from Configure: "
                "failed to connect to any docker daemon"
            ) from error

    def _target(self) -> Target:
        from toolchain.plugins.docker.host.daemon import Daemon

        if self._configuration is None:
            raise PluginError("the docker provider was not configured")
        if self._daemon is None:
            self._daemon = Daemon(self._configuration)
        return Target(self._daemon.client, self._configuration.registries)

    async def check(self, request: protocol.CheckRequest) -> protocol.CheckResponse:
        kind = _kind(request.type, "Check")
        inputs, reasons = check(
            kind.schema,
            plain_map(request.old_inputs, skip_nulls=False),
            plain_map(request.new_inputs, skip_nulls=True),
            Naming(request.name, request.random_seed),
        )
        return protocol.CheckResponse(property_map(inputs), [protocol.CheckFailure("", reason) for reason in reasons])

    async def diff(self, request: protocol.DiffRequest) -> protocol.DiffResponse:
        found = diff(
            _kind(request.type, "Diff").schema,
            request.urn,
            plain_map(request.old_state, skip_nulls=True),
            plain_map(request.new_inputs, skip_nulls=False),
            request.ignore_changes,
        )
        return protocol.DiffResponse(
            changes=found.changes,
            replaces=found.replaces,
            stables=found.stables,
            delete_before_replace=found.delete_before_replace,
            diffs=found.diffs,
            detailed_diff={
                path: protocol.PropertyDiff(change, input_diff=False) for path, change in found.detailed.items()
            },
        )

    async def create(self, request: protocol.CreateRequest) -> protocol.CreateResponse:
        kind = _kind(request.type, "Create")
        inputs = plain_map(request.properties, skip_nulls=True)
        if request.preview:
            return protocol.CreateResponse("", property_map(lifecycle.preview_creation(kind, inputs)))
        resource_id, properties = await self._on_daemon(
            "", lambda target: lifecycle.create(kind, target, request.urn, inputs)
        )
        return protocol.CreateResponse(resource_id, property_map(properties))

    async def read(self, request: protocol.ReadRequest) -> protocol.ReadResponse:
        kind = _kind(request.type, "Read")
        properties = plain_map(request.properties, skip_nulls=True)
        inputs = plain_map(request.inputs, skip_nulls=False)
        found = await self._on_daemon(
            f"refreshing {request.urn}: ",
            lambda target: lifecycle.read(kind, target, request.urn, request.resource_id, properties, inputs),
        )
        if found is None:
            return protocol.ReadResponse("")
        resource_id, state, new_inputs = found
        return protocol.ReadResponse(resource_id, property_map(state), property_map(new_inputs))

    async def update(self, request: protocol.UpdateRequest) -> protocol.UpdateResponse:
        kind = _kind(request.type, "Update")
        olds = plain_map(request.olds, skip_nulls=True)
        news = plain_map(request.news, skip_nulls=False)
        ignored = list(request.ignore_changes)

        def change(target: Target | None) -> dict[str, Any]:
            return lifecycle.update(kind, target, request.urn, request.resource_id, olds, news, ignored)

        properties = change(None) if request.preview else await self._on_daemon("", change)
        return protocol.UpdateResponse(property_map(properties))

    async def delete(self, request: protocol.DeleteRequest) -> None:
        kind = _kind(request.type, "Delete")
        properties = plain_map(request.properties, skip_nulls=True)
        await self._on_daemon(
            f"deleting {request.urn}: ",
            lambda target: lifecycle.delete(kind, target, request.urn, request.resource_id, properties),
        )

    async def invoke(self, request: protocol.InvokeRequest) -> protocol.InvokeResponse:
        raise PluginError(f"the function {request.tok} is not supported by this docker plugin")

    async def _on_daemon(self, prefix: str, operation: Callable[[Target], T]) -> T:
        """Run an operation in a thread, with the daemon reached first."""

        def run() -> T:
            try:
                target = self._target()
            except OperationError as error:
                raise PluginError(prefix + one_error(str(error))) from error
            return operation(target)

        return await self._in_thread(run)

    async def _in_thread(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function)


def _kind(token: str, operation: str) -> ResourceType:
    # The SDK hands over the URN's type, which begins with those of the parents: `parent$child`.
    kind = RESOURCE_TYPES.get(token.rpartition("$")[2])
    if kind is None:
        raise PluginError(
            f"unrecognized resource type ({operation}): {token}; this plugin knows {', '.join(RESOURCE_TYPES)}"
        )
    return kind
