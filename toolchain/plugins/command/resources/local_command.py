"""command:local:Command and the function command:local:run."""

from __future__ import annotations

from toolchain.plugins.command.local.collect import collect_archive, collect_assets
from toolchain.plugins.command.local.run import Processes, Script, run
from toolchain.plugins.command.protocol.engine_log import ResourceLog
from toolchain.plugins.command.protocol.output import Output
from toolchain.plugins.command.protocol.values import Properties
from toolchain.plugins.command.resources.resource import Plain, kept_outputs, previous_output, unique_id

_NOTHING: Properties = {"stdout": "", "stderr": ""}


class LocalCommand:
    """Scripts on this machine for create, update and delete."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    def new_id(self, name: str, *, preview: bool) -> str:  # noqa: ARG002 - the same in a preview
        """The name and eight digits."""
        return unique_id(name)

    def initial(self) -> Properties:
        """No output yet."""
        return dict(_NOTHING)

    def create(self, inputs: Plain, log: ResourceLog) -> Properties:
        """Runs `create`, if there is one."""
        script = inputs.get("create")
        return dict(_NOTHING) if script is None else self._run(script, inputs, {}, log)

    def update(self, state: Plain, inputs: Plain, log: ResourceLog) -> Properties:
        """Runs `update`, or `create` without one; without both the output stays."""
        kept = dict(_NOTHING) | kept_outputs(state, "stdout", "stderr", "assets", "archive")
        script = inputs.get("update", inputs.get("create"))
        return kept if script is None else kept | self._run(script, inputs, state, log)

    def delete(self, state: Plain, log: ResourceLog) -> None:
        """Runs `delete`, if there is one."""
        if state.get("delete") is not None:
            self._run(state["delete"], state, state, log)

    def call(self, arguments: Plain, log: ResourceLog) -> Properties:
        """Runs `command`, for the function."""
        return self._run(arguments["command"], arguments, {}, log)

    def _run(self, text: str, inputs: Plain, state: Plain, log: ResourceLog) -> Properties:
        script = Script(
            text=text,
            interpreter=inputs.get("interpreter") or (),
            directory=inputs.get("dir"),
            environment=(inputs.get("environment") or {}) | previous_output(inputs, state),
            stdin=inputs.get("stdin") or "",
        )
        output = Output(log, inputs.get("logging"))
        run(script, output, self._processes)
        outputs: Properties = {"stdout": output.text("stdout"), "stderr": output.text("stderr")}
        if inputs.get("assetPaths") is not None:
            outputs["assets"] = dict(collect_assets(script.working_directory, inputs["assetPaths"]))
        if inputs.get("archivePaths") is not None:
            outputs["archive"] = collect_archive(script.working_directory, inputs["archivePaths"])
        return outputs
