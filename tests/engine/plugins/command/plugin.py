"""The plugin as a process, called as the engine calls it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2, provider_pb2_grpc

SCRIPT = Path(__file__).parents[4] / "toolchain/plugins/command/pulumi-resource-command"
_TIMEOUT_S = 60.0
# As large as the engine allows.
_OPTIONS = [("grpc.max_receive_message_length", 400 * 1024 * 1024)]


class Log(engine_pb2_grpc.EngineServicer):
    """Collects what the plugin logs."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    def Log(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.messages.append(request)
        return empty_pb2.Empty()


class Plugin:
    """A client with plain Python values."""

    def __init__(self, port: int, log: Log) -> None:
        self._stub = provider_pb2_grpc.ResourceProviderStub(grpc.insecure_channel(f"127.0.0.1:{port}", _OPTIONS))
        self._log = log

    def logged(self) -> list[str]:
        """The messages since the last call of this."""
        taken, self._log.messages = self._log.messages, []
        return [message.message for message in taken]

    def check(self, token: str, inputs: dict[str, Any]) -> dict[str, Any]:
        """Inputs and failures."""
        answer = self._call("Check", provider_pb2.CheckRequest(urn=urn(token), news=struct(inputs)))
        failures = [{"property": item.property, "reason": item.reason} for item in answer.failures]
        return {"inputs": plain(answer.inputs), "failures": failures}

    def diff(self, token: str, state: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
        """The answer in the words of the recorded ones."""
        answer = self._call(
            "Diff", provider_pb2.DiffRequest(urn=urn(token), id="id", olds=struct(state), news=struct(inputs))
        )
        return {
            "changes": provider_pb2.DiffResponse.DiffChanges.Name(answer.changes),
            "replaces": list(answer.replaces),
            "diffs": list(answer.diffs),
            "delete_before_replace": answer.deleteBeforeReplace,
            "detailed": {
                path: provider_pb2.PropertyDiff.Kind.Name(change.kind) for path, change in answer.detailedDiff.items()
            },
        }

    def create(self, token: str, inputs: dict[str, Any], *, preview: bool = False) -> dict[str, Any]:
        """Id and state."""
        request = provider_pb2.CreateRequest(urn=urn(token), properties=struct(inputs), preview=preview)
        answer = self._call("Create", request)
        return {"id": answer.id, "state": plain(answer.properties)}

    def read(self, token: str, state: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
        """Id, state and inputs."""
        request = provider_pb2.ReadRequest(urn=urn(token), id="id", properties=struct(state), inputs=struct(inputs))
        answer = self._call("Read", request)
        return {"id": answer.id, "state": plain(answer.properties), "inputs": plain(answer.inputs)}

    def update(
        self, token: str, state: dict[str, Any], inputs: dict[str, Any], *, preview: bool = False
    ) -> dict[str, Any]:
        """The new state."""
        request = provider_pb2.UpdateRequest(
            urn=urn(token), id="id", olds=struct(state), news=struct(inputs), preview=preview
        )
        return plain(self._call("Update", request).properties)

    def delete(self, token: str, state: dict[str, Any]) -> None:
        """Deletes."""
        self._call("Delete", provider_pb2.DeleteRequest(urn=urn(token), id="id", properties=struct(state)))

    def invoke(self, token: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The function's result."""
        answer = self._call("Invoke", provider_pb2.InvokeRequest(tok=token, args=struct(arguments)))
        assert not answer.failures, answer.failures
        return plain(getattr(answer, "return"))

    def cancel(self) -> None:
        """As when a user interrupts the deployment."""
        self._call("Cancel", empty_pb2.Empty())

    def _call(self, method: str, request: Any) -> Any:
        return getattr(self._stub, method)(request, timeout=_TIMEOUT_S)


def urn(token: str) -> str:
    """The URN of a resource with the name r."""
    return f"urn:pulumi:s::p::{token}::r"


def struct(properties: dict[str, Any]) -> Any:
    """For the wire."""
    message = struct_pb2.Struct()
    message.update(properties)
    return message


def plain(message: Any) -> dict[str, Any]:
    """From the wire."""
    return json_format.MessageToDict(message)


@contextmanager
def running_plugin() -> Iterator[Plugin]:
    """The plugin's process and the engine's log for it."""
    log = Log()
    server = grpc.server(ThreadPoolExecutor(8))
    engine_pb2_grpc.add_EngineServicer_to_server(log, server)
    engine_port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    process = subprocess.Popen([sys.executable, str(SCRIPT), f"127.0.0.1:{engine_port}"], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield Plugin(int(process.stdout.readline()), log)
    finally:
        process.kill()
        process.wait()
        server.stop(None)
