"""What previews tell about outputs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.toolchain.plugins.command.official import COPY, LOCAL, properties
from toolchain.plugins.command.protocol.engine_log import EngineLog, ResourceLog
from toolchain.plugins.command.protocol.errors import CommandError, NotImplementedHereError
from toolchain.plugins.command.protocol.values import NOT_KNOWN, UNKNOWN
from toolchain.plugins.command.provider import CommandProvider

_LOG = ResourceLog(EngineLog("127.0.0.1:1"), "urn")
_STATE = {"create": "a", "dir": "/", "stdout": "out", "stderr": ""}


def _update(new: dict[str, Any]) -> Any:
    return CommandProvider().update_resource(LOCAL, properties(_STATE), properties(new), [], _LOG, preview=True)


def test_a_new_command_knows_its_inputs_only() -> None:
    new_id, state = CommandProvider().create_resource(LOCAL, "r", properties({"create": "false"}), _LOG, preview=True)
    assert (len(new_id), new_id[0]) == (9, "r")
    assert state == {"create": "false", "stdout": NOT_KNOWN, "stderr": NOT_KNOWN}


def test_a_new_copy_has_no_id_yet() -> None:
    signature = {"4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17"}
    inputs = properties({"connection": {"host": "h"}, "remotePath": "/p", "source": signature | {"text": "x"}})
    new_id, state = CommandProvider().create_resource(COPY, "r", inputs, _LOG, preview=True)
    assert (new_id, state) == ("", inputs)


def test_unknown_inputs_stay_unknown() -> None:
    _, state = CommandProvider().create_resource(LOCAL, "r", properties({"create": UNKNOWN}), _LOG, preview=True)
    assert state == {"create": NOT_KNOWN, "stdout": NOT_KNOWN, "stderr": NOT_KNOWN}


def test_a_changed_input_makes_output_unknown() -> None:
    assert _update({"create": "b", "dir": "/"}) == {
        "create": "b",
        "dir": "/",
        "stdout": NOT_KNOWN,
        "stderr": NOT_KNOWN,
    }


def test_a_removed_input_does_too() -> None:
    assert _update({"create": "a"})["stdout"] is NOT_KNOWN


def test_an_unknown_input_does_too() -> None:
    assert _update({"create": "a", "dir": "/", "stdin": UNKNOWN})["stdout"] is NOT_KNOWN


def test_an_added_input_does_not() -> None:
    assert _update({"create": "a", "dir": "/", "stdin": "x"})["stdout"] == "out"


def test_invalid_inputs_are_refused_before_anything_runs() -> None:
    with pytest.raises(CommandError, match=r"^invalid inputs: 1 failures decoding:\n\tcreate: Field 'create'"):
        CommandProvider().create_resource(LOCAL, "r", properties({"create": 1.0}), _LOG, preview=False)


@pytest.mark.parametrize("token", ["command:remote:CopyFile", "command:index:Nothing"])
def test_other_types_are_refused_by_name(token: str) -> None:
    with pytest.raises(NotImplementedHereError, match=f"{token} is not implemented by this stand-in"):
        CommandProvider().check_inputs(token, {})


def test_other_functions_are_refused_by_name() -> None:
    with pytest.raises(NotImplementedHereError, match="function command:remote:run is not implemented"):
        CommandProvider().call_function("command:remote:run", {}, _LOG)
