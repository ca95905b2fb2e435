"""Launches strangers published: what reaches vLLM, and what its parser said."""

import json
from pathlib import Path
from typing import Any

import pytest

from sizing.audit.judge import judge
from sizing.audit.read import read_launch

CASES = json.loads((Path(__file__).parent / "data" / "launches.json").read_text(encoding="utf-8"))["cases"]
# A mounted script builds the arguments; it is not part of the text.
SCRIPTS = {case["id"] for case in CASES if case["launch"]["form"] == "script"}


@pytest.mark.parametrize("case", [case for case in CASES if case["id"] not in SCRIPTS], ids=lambda case: case["id"])
def test_arguments_and_verdict_are_as_recorded(case: dict[str, Any]) -> None:
    verdict = judge(read_launch(case["text"]), "0.32.0")
    answer = verdict.as_json()
    assert answer["image"] == case["image"]
    assert answer["vllm_args"] == case["vllm_args"]
    assert answer["parses"] == case["verdict_0_32_0"]["parses"]
    assert answer["unknown"] == case["verdict_0_32_0"]["unknown"]
    assert verdict.launch.program.form == case["launch"]["form"]
    assert verdict.launch.service == case["service"]


@pytest.mark.parametrize("case", [case for case in CASES if case["id"] in SCRIPTS], ids=lambda case: case["id"])
def test_arguments_built_by_a_script_are_not_judged(case: dict[str, Any]) -> None:
    verdict = judge(read_launch(case["text"]), "0.32.0")
    assert verdict.launch.image == case["image"]
    assert verdict.parses is None
    assert verdict.starts is None
    assert any("not in the text" in finding.evidence for finding in verdict.findings)


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["verdict_0_32_0"]["parses"] is False], ids=lambda case: case["id"]
)
def test_what_does_not_parse_does_not_start_and_says_what_would_be_right(case: dict[str, Any]) -> None:
    verdict = judge(read_launch(case["text"]), "0.32.0")
    assert verdict.starts is False
    for flag in case["verdict_0_32_0"]["unknown"]:
        (finding,) = (finding for finding in verdict.findings if finding.setting == flag)
        assert finding.severity == "fatal"
        assert finding.correction
