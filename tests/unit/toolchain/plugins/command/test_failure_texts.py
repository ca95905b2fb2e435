"""Wrong types, missing and unknown properties: failure_texts.json holds what Go's mapper says, with the official types.

Its order of unknown properties is that of a Go map, so failures are compared without order.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.toolchain.plugins.command.official import COPY, LOCAL, REMOTE, properties
from toolchain.plugins.command.rules.check import check
from toolchain.plugins.command.rules.decode import decode, summary
from toolchain.plugins.command.schema.resources import INPUTS, RUN_INPUTS

_CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("failure_texts.json").read_text())
_SHAPES = {"local": INPUTS[LOCAL], "remote": INPUTS[REMOTE], "copy": INPUTS[COPY], "run": RUN_INPUTS}


@pytest.mark.parametrize("case", _CASES, ids=lambda case: f"{case['inputs_of']} {json.dumps(case['inputs'])}"[:90])
def test_failures_are_those_of_go(case: dict[str, Any]) -> None:
    _, failures = decode(properties(case["inputs"]), _SHAPES[case["inputs_of"]])
    found = sorted((item.property, item.reason) for item in failures)
    assert found == sorted((item["property"], item["reason"]) for item in case["failures"])


def test_failures_in_one_text() -> None:
    _, failures = decode(properties({"create": True, "old": 1.0}), INPUTS[LOCAL])
    assert summary(failures) == (
        "2 failures decoding:\n"
        "\tcreate: Field 'create' on 'local.CommandInputs' must be a 'string'; got 'bool' instead\n"
        "\told: Unrecognized field 'old' on 'local.CommandInputs'"
    )


def test_a_secret_of_the_wrong_type_is_not_repeated() -> None:
    hidden = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": ["swordfish"]}
    _, failures = check(LOCAL, properties({"stdin": hidden}))
    assert [item.reason for item in failures] == [
        "Field 'stdin' on 'local.CommandInputs' must be a 'string'; got '[]interface {}' instead"
    ]
