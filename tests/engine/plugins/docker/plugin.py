"""The plugin as a process, called as the engine calls it, with plain Python values."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import struct_pb2
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import provider_pb2 as protocol
from pulumi.runtime.proto import provider_pb2_grpc, status_pb2

SCRIPT = Path(__file__).parents[4] / "toolchain/plugins/docker/pulumi-resource-docker"
CONTAINER = "docker:index/container:Container"
IMAGE = "docker:index/remoteImage:RemoteImage"
NETWORK = "docker:index/network:Network"
VOLUME = "docker:index/volume:Volume"
LOCAL = "unix:///var/run/docker.sock"
_TIMEOUT_SECONDS = 90.0

Properties = dict[str, Any]


class RefusedError(Exception):
    """A call failed; `details` is the bare text, `recorded` what the engine would keep."""

    def __init__(self, error: Any) -> None:
        self.details: str = error.details()
        super().__init__(self.details)
        self.code: str = error.code().name
        self.recorded: tuple[str, Properties] | None = None
        for key, value in error.trailing_metadata() or ():
            if key == "grpc-status-details-bin":
                detail = protocol.ErrorResourceInitFailed()
                status_pb2.Status.FromString(value).details[0].Unpack(detail)
                self.recorded = (detail.id, plain(detail.properties))


@dataclass(frozen=True)
class Created:
    """A resource as it was created."""

    id: str
    properties: Properties
    inputs: Properties


class Plugin:
    """A client of a running plugin."""

    def __init__(self, port: int) -> None:
        self._stub = provider_pb2_grpc.ResourceProviderStub(grpc.insecure_channel(f"127.0.0.1:{port}"))

    def configure(self, **args: Any) -> None:
        self._call("Configure", protocol.ConfigureRequest(args=struct(args), acceptSecrets=True))

    def check(self, token: str, inputs: Mapping[str, Any]) -> Properties:
        """The checked inputs; the failures fail the test."""
        answer = self._call("Check", protocol.CheckRequest(urn=urn(token), news=struct(inputs), randomSeed=b"seed"))
        assert not answer.failures, answer.failures
        return plain(answer.inputs)

    def create(self, token: str, inputs: Mapping[str, Any]) -> Created:
        """Check and create."""
        checked = self.check(token, inputs)
        answer = self._call("Create", protocol.CreateRequest(urn=urn(token), properties=struct(checked), timeout=120.0))
        return Created(answer.id, plain(answer.properties), checked)

    def preview(self, token: str, inputs: Mapping[str, Any]) -> Properties:
        answer = self._call(
            "Create",
            protocol.CreateRequest(urn=urn(token), properties=struct(self.check(token, inputs)), preview=True),
        )
        assert answer.id == ""
        return plain(answer.properties)

    def read(
        self, token: str, resource_id: str, properties: Mapping[str, Any], inputs: Mapping[str, Any]
    ) -> tuple[str, Properties, Properties]:
        answer = self._call(
            "Read",
            protocol.ReadRequest(urn=urn(token), id=resource_id, properties=struct(properties), inputs=struct(inputs)),
        )
        return answer.id, plain(answer.properties), plain(answer.inputs)

    def update(self, token: str, resource_id: str, olds: Mapping[str, Any], inputs: Mapping[str, Any]) -> Properties:
        answer = self._call(
            "Update",
            protocol.UpdateRequest(
                urn=urn(token), id=resource_id, olds=struct(olds), news=struct(self.check(token, inputs))
            ),
        )
        return plain(answer.properties)

    def diff(self, token: str, resource_id: str, olds: Mapping[str, Any], inputs: Mapping[str, Any]) -> Any:
        return self._call(
            "Diff",
            protocol.DiffRequest(urn=urn(token), id=resource_id, olds=struct(olds), news=struct(inputs)),
        )

    def delete(self, token: str, resource_id: str, properties: Mapping[str, Any]) -> None:
        self._call("Delete", protocol.DeleteRequest(urn=urn(token), id=resource_id, properties=struct(properties)))

    def _call(self, method: str, request: Any) -> Any:
        try:
            return getattr(self._stub, method)(request, timeout=_TIMEOUT_SECONDS)
        except grpc.RpcError as error:
            raise RefusedError(error) from None


def urn(token: str) -> str:
    return f"urn:pulumi:t::t::{token}::r"


def struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    message.update(dict(values))
    return message


def plain(message: struct_pb2.Struct) -> Properties:
    return dict(MessageToDict(message))


@contextmanager
def running_plugin(**configuration: Any) -> Iterator[Plugin]:
    """A plugin process, configured unless no arguments are given."""
    with subprocess.Popen(
        [sys.executable, str(SCRIPT), "127.0.0.1:1"], stdout=subprocess.PIPE, text=True, cwd="/"
    ) as process:
        assert process.stdout is not None
        try:
            plugin = Plugin(int(process.stdout.readline()))
            if configuration:
                plugin.configure(**configuration)
            yield plugin
        finally:
            process.terminate()
