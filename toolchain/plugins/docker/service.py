"""The plugin's gRPC service: the SDK's servicer, with errors worded by the provider alone."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar

import grpc
import pulumi.provider.experimental.server as sdk_server
from google.protobuf import any_pb2
from pulumi.runtime.proto import provider_pb2, status_pb2

from toolchain.plugins.docker.bridge.values import property_map
from toolchain.plugins.docker.errors import PartialFailureError, PluginError

T = TypeVar("T")


class Servicer(sdk_server.ProviderServicer):
    """Reports failures as the official plugin does: code UNKNOWN and the bare text.

    A resource that exists in part is reported with its id and properties, so
    that the engine records it.
    """

    async def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await _reported(super().CheckConfig(request, context), context)

    async def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await _reported(super().DiffConfig(request, context), context)  # type: ignore[no-untyped-call]

    async def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await _reported(super().Configure(request, context), context)

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await _reported(super().Check(request, context), context)

    async def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await _reported(super().Diff(request, context), context)

    async def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await _reported(super().Create(request, context), context)  # type: ignore[no-untyped-call]

    async def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await _reported(super().Read(request, context), context)  # type: ignore[no-untyped-call]

    async def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await _reported(super().Update(request, context), context)  # type: ignore[no-untyped-call]

    async def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await _reported(super().Delete(request, context), context)  # type: ignore[no-untyped-call]

    async def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await _reported(super().Invoke(request, context), context)


async def _reported(answer: Awaitable[T], context: Any) -> T:
    try:
        return await answer
    except PartialFailureError as failure:
        await context.abort(
            grpc.StatusCode.UNKNOWN,
            str(failure),
            (("grpc-status-details-bin", _details(failure)),),
        )
        raise
    except PluginError as error:
        await context.abort(grpc.StatusCode.UNKNOWN, str(error))
        raise


def _details(failure: PartialFailureError) -> bytes:
    from pulumi.provider.experimental.property_value import PropertyValue

    detail = provider_pb2.ErrorResourceInitFailed(
        id=failure.resource_id,
        properties=PropertyValue.marshal_map(property_map(failure.properties)),
        reasons=[str(failure)],
    )
    packed = any_pb2.Any()
    packed.Pack(detail)
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(failure), details=[packed])
    return bytes(status.SerializeToString())


def serve(arguments: list[str], version: str, provider: Any) -> None:
    """Serve until the engine ends the plugin; the port goes to standard output."""
    sdk_server.ProviderServicer = Servicer  # type: ignore[misc]
    sdk_server.main(arguments, version, provider)
