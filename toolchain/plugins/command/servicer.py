"""The plugin's gRPC service.

Built on the SDK's servicer, whose own handlers lose what the official plugin's answers contain: unknown values, the
hash of an asset, and the exact text of an error. Everything that blocks runs in threads, since the engine calls for
many resources at once.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import grpc
import grpc.aio
from google.protobuf import empty_pb2
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from toolchain.plugins.command.protocol.engine_log import EngineLog, ResourceLog
from toolchain.plugins.command.protocol.errors import CommandError, NotImplementedHereError
from toolchain.plugins.command.protocol.values import decode_properties, encode_properties
from toolchain.plugins.command.provider import CommandProvider
from toolchain.plugins.command.schema.resources import VERSION

T = TypeVar("T")

# Commands mostly wait; the engine limits how many there are.
_MOST_AT_ONCE = 256
_KINDS = {name: getattr(provider_pb2.PropertyDiff, name) for name in provider_pb2.PropertyDiff.Kind.keys()}  # noqa: SIM118 - no mapping


class CommandServicer(ProviderServicer):
    """Translates between the wire and CommandProvider."""

    def __init__(self, args: list[str], provider: CommandProvider, engine_address: str) -> None:
        super().__init__(args, VERSION, provider, engine_address)
        self._command = provider
        self._log = EngineLog(engine_address)
        self._threads = ThreadPoolExecutor(_MOST_AT_ONCE, thread_name_prefix="command")

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Checks inputs."""
        inputs, failures = await self._answer(
            context, lambda: self._command.check_inputs(_type(request.urn), decode_properties(request.news))
        )
        return provider_pb2.CheckResponse(inputs=encode_properties(inputs), failures=_failures(failures))

    async def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Compares state and inputs."""
        changes = await self._answer(
            context,
            lambda: self._command.changes(
                _type(request.urn),
                decode_properties(request.olds),
                decode_properties(request.news),
                list(request.ignoreChanges),
            ),
        )
        some = provider_pb2.DiffResponse.DIFF_SOME if changes else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=some,
            diffs=sorted({change.root for change in changes}),
            replaces=sorted({change.root for change in changes if change.replaces}),
            detailedDiff={c.path: provider_pb2.PropertyDiff(kind=_KINDS[c.kind]) for c in changes},
            hasDetailedDiff=True,
        )

    async def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Creates a resource."""
        resource_id, state = await self._answer(
            context,
            lambda: self._command.create_resource(
                _type(request.urn),
                _name(request.urn),
                decode_properties(request.properties),
                self._log_of(request),
                preview=request.preview,
            ),
        )
        return provider_pb2.CreateResponse(id=resource_id, properties=encode_properties(state))

    async def Read(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Nothing can be read back from what a script did: the state stays."""
        return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    async def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Updates a resource."""
        state = await self._answer(
            context,
            lambda: self._command.update_resource(
                _type(request.urn),
                decode_properties(request.olds),
                decode_properties(request.news),
                list(request.ignoreChanges),
                self._log_of(request),
                preview=request.preview,
            ),
        )
        return provider_pb2.UpdateResponse(properties=encode_properties(state))

    async def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Deletes a resource."""
        await self._answer(
            context,
            lambda: self._command.delete_resource(
                _type(request.urn), decode_properties(request.properties), self._log_of(request)
            ),
        )
        return empty_pb2.Empty()

    async def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Calls a function."""
        result, failures = await self._answer(
            context,
            lambda: self._command.call_function(
                request.tok, decode_properties(request.args), ResourceLog(self._log, "")
            ),
        )
        answer = provider_pb2.InvokeResponse(failures=_failures(failures))
        getattr(answer, "return").CopyFrom(encode_properties(result))
        return answer

    def _log_of(self, request: Any) -> ResourceLog:
        return ResourceLog(self._log, request.urn)

    async def _answer(self, context: Any, work: Callable[[], T]) -> T:
        """Runs blocking work in a thread; an error's text is the whole message that the engine shows."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except NotImplementedHereError as error:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, str(error))
        except CommandError as error:
            await context.abort(grpc.StatusCode.UNKNOWN, str(error))
        raise AssertionError("abort always raises")


def serve(arguments: list[str]) -> None:
    """Serves on a free loopback port, which it prints, until the engine ends the process."""
    addresses = [argument for argument in arguments if not argument.startswith("-")]
    if not addresses:
        sys.exit("usage: pulumi-resource-command ENGINE_ADDRESS (the Pulumi engine starts this program)")
    provider = CommandProvider()

    async def run() -> None:
        server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS)
        servicer = CommandServicer(arguments, provider, addresses[0])
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        print(port, flush=True)
        await server.wait_for_termination()

    try:
        asyncio.run(run())
    except KeyboardInterrupt:
        pass
    finally:
        provider.pool.close()


def _failures(failures: list[Any]) -> list[Any]:
    return [provider_pb2.CheckFailure(property=item.property, reason=item.reason) for item in failures]


def _type(urn: str) -> str:
    """`command:remote:Command`, without the types of the parents."""
    return urn.split("::")[2].rpartition("$")[2]


def _name(urn: str) -> str:
    return urn.split("::", 3)[3]
