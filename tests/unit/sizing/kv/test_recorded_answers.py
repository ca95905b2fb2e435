"""268 answers of vLLM's own code, for twelve models on ten GPUs in two releases: each key of each row."""

import json
from pathlib import Path
from typing import Any

import pytest

from sizing.kv.replay import replay_oracle

RECORDED = json.loads((Path(__file__).parent / "data" / "vllm_oracle.json").read_text())


@pytest.mark.parametrize("row", RECORDED["rows"], ids=lambda row: row["id"])
def test_the_plan_is_the_recorded_one(row: dict[str, Any]) -> None:
    answer = replay_oracle(row, RECORDED["models"])

    assert answer["id"] == row["id"]
    assert bool(answer["refused"]) == bool(row["refusal"]), answer["refused"]
    assert answer["result"] == row["result"]


def test_a_row_may_bring_its_config_along() -> None:
    row = RECORDED["rows"][0]

    assert replay_oracle({**row, "config": RECORDED["models"][row["model"]]}) == replay_oracle(row, RECORDED["models"])


def test_the_refusal_names_the_longest_context_that_fits() -> None:
    told = [row for row in RECORDED["rows"] if (row["refusal"] or {}).get("estimated_max_model_len")]

    for row in told:
        longest = row["refusal"]["estimated_max_model_len"]
        assert f"{longest:,} tokens" in replay_oracle(row, RECORDED["models"])["refused"]
    assert len(told) > 50
