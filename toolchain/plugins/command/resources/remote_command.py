"""command:remote:Command."""

from __future__ import annotations

from toolchain.plugins.command.protocol.engine_log import ResourceLog
from toolchain.plugins.command.protocol.output import Output
from toolchain.plugins.command.protocol.values import Properties
from toolchain.plugins.command.resources.resource import Plain, kept_outputs, previous_output, unique_id
from toolchain.plugins.command.ssh.pools import SharedPool

_NOTHING: Properties = {"stdout": "", "stderr": ""}


class RemoteCommand:
    """Scripts on a host for create, update and delete."""

    def __init__(self, pool: SharedPool) -> None:
        self._pool = pool

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
        script = inputs.get("update", inputs.get("create"))
        if script is None:
            return dict(_NOTHING) | kept_outputs(state, "stdout", "stderr")
        return self._run(script, inputs, state, log)

    def delete(self, state: Plain, log: ResourceLog) -> None:
        """Runs `delete`, if there is one, with the connection that the state holds."""
        if state.get("delete") is not None:
            self._run(state["delete"], state, state, log)

    def _run(self, text: str, inputs: Plain, state: Plain, log: ResourceLog) -> Properties:
        from toolchain.plugins.command.ssh.endpoint import endpoint
        from toolchain.plugins.command.ssh.run import RemoteScript, run

        script = RemoteScript(
            text=text,
            environment=inputs.get("environment") or {},
            wished=previous_output(inputs, state),
            stdin=inputs.get("stdin") or "",
        )
        output = Output(log, inputs.get("logging"))
        run(self._pool.get(), endpoint(inputs["connection"]), script, output, log)
        return {"stdout": output.text("stdout"), "stderr": output.text("stderr")}
