"""The properties of pulumi-command 1.2.1, as data. Field order is the order of the official check's failures."""

from __future__ import annotations

from dataclasses import replace

from toolchain.plugins.command.schema.types import (
    BOOL,
    FLOAT,
    INT,
    STRING,
    Anything,
    AssetOrArchive,
    Field,
    ListOf,
    MapOf,
    ObjectOf,
    Scalar,
)

VERSION = "1.2.1"
LOCAL_COMMAND = "command:local:Command"
REMOTE_COMMAND = "command:remote:Command"
COPY_TO_REMOTE = "command:remote:CopyToRemote"
LOCAL_RUN = "command:local:run"

_TRIGGERS = Field("triggers", ListOf(Anything()), replaces=True)
_SCRIPTS = (_TRIGGERS, Field("create", STRING), Field("update", STRING), Field("delete", STRING))
_PREVIOUS_OUTPUT = Field("addPreviousOutputInEnv", BOOL)

_LOCAL = (
    Field("stdin", STRING),
    Field("logging", Scalar("local.Logging", str)),
    Field("interpreter", ListOf(STRING)),
    Field("dir", STRING),
    Field("environment", MapOf(STRING)),
    Field("assetPaths", ListOf(STRING)),
    Field("archivePaths", ListOf(STRING)),
    _PREVIOUS_OUTPUT,
)

_SIGN_IN = (
    Field("user", STRING, default="root"),
    Field("password", STRING, secret=True),
    Field("host", STRING, required=True),
    Field("port", FLOAT, default=22.0),
    Field("privateKey", STRING, secret=True),
    Field("privateKeyPassword", STRING, secret=True),
    Field("agentSocketPath", STRING),
    Field("dialErrorLimit", INT, default=10.0),
    Field("perDialTimeout", INT, default=15.0),
    Field("hostKey", STRING),
)
_PROXY = ObjectOf("remote.ProxyConnection", _SIGN_IN)
_CONNECTION = Field(
    "connection", ObjectOf("remote.Connection", (Field("proxy", _PROXY), *_SIGN_IN)), required=True, secret=True
)

_LOCAL_INPUTS = ObjectOf("local.CommandInputs", (*_SCRIPTS, *_LOCAL))
_REMOTE_INPUTS = ObjectOf(
    "remote.CommandInputs",
    (
        Field("stdin", STRING),
        Field("logging", Scalar("remote.Logging", str)),
        _CONNECTION,
        Field("environment", MapOf(STRING)),
        _PREVIOUS_OUTPUT,
        *_SCRIPTS,
    ),
)
_COPY_INPUTS = ObjectOf(
    "remote.CopyToRemoteInputs",
    (
        _CONNECTION,
        _TRIGGERS,
        Field("source", AssetOrArchive(), required=True),
        Field("remotePath", STRING, required=True),
    ),
)

INPUTS = {LOCAL_COMMAND: _LOCAL_INPUTS, REMOTE_COMMAND: _REMOTE_INPUTS, COPY_TO_REMOTE: _COPY_INPUTS}
RUN_INPUTS = ObjectOf("local.RunInputs", (Field("command", STRING, required=True), *_LOCAL))

_OUTPUT = (Field("stdout", STRING), Field("stderr", STRING))
_COLLECTED = (Field("assets", MapOf(AssetOrArchive())), Field("archive", AssetOrArchive()))


def _state(inputs: ObjectOf, *outputs: Field) -> ObjectOf:
    return replace(inputs, name=inputs.name.replace("Inputs", "Outputs"), fields=(*inputs.fields, *outputs))


STATE = {
    LOCAL_COMMAND: _state(_LOCAL_INPUTS, *_OUTPUT, *_COLLECTED),
    REMOTE_COMMAND: _state(_REMOTE_INPUTS, *_OUTPUT),
    COPY_TO_REMOTE: _state(_COPY_INPUTS),
}
