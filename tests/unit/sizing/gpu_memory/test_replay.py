"""Recorded starts in, predictions out - from what was known before the start alone."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from sizing.gpu_memory.calibration import STORED
from sizing.gpu_memory.cross_validate import cross_validated, main, percentile, table, verdicts
from sizing.gpu_memory.fit import fit
from sizing.gpu_memory.named import base_model
from sizing.gpu_memory.replay import read_starts, replay_log

INPUT: dict[str, Any] = {
    "id": "mine",
    "model": "Qwen/Qwen2.5-14B-Instruct-AWQ",
    "quantization": "awq",
    "gpu_name": "NVIDIA L4",
    "vllm_version": "0.24.0",
    "gpu_memory_utilization": 0.9,
    "max_model_len": 8192,
}


def test_every_start_has_an_answer_of_the_agreed_form(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        answer = replay_log(row)
        assert set(answer) - {"refused"} == {"id", "predicted_kv_gib", "verdict"}
        assert answer["verdict"] in ("starts", "fails", "coin_toss")
        assert (answer["predicted_kv_gib"] is None) == ("refused" in answer)


def test_nothing_observed_after_the_start_is_read(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        blind = copy.deepcopy(row)
        for later in ("outcome", "failure_stage", "checks", "note", "uncertain_fields"):
            blind.pop(later)
        free = row["observed"]["free_at_start_gib"]
        blind["observed"] = {"free_at_start_gib": free}
        assert replay_log(blind) == replay_log(row)


def test_a_model_is_known_by_name_where_no_sizes_are_recorded() -> None:
    answer = replay_log(INPUT)
    assert answer["verdict"] == "starts"
    assert 6 < float(str(answer["predicted_kv_gib"])) < 9


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("unsloth/Meta-Llama-3.1-8B-Instruct-bnb-4bit", "llama-3.1-8b"),
        ("deepseek-ai/DeepSeek-R1-0528-Qwen3-8B", "qwen3-8b"),
        ("RedHatAI/Qwen2.5-7B-Instruct-quantized.w8a8", "qwen2.5-7b"),
        ("Qwen/Qwen2.5-Coder-7B-Instruct-AWQ", "qwen2.5-coder-7b"),
        ("google/gemma3-27b", "gemma-3-27b"),
        ("Qwen/Qwen3-VL-8B-Instruct", None),
        ("Foo/Bar-9B", None),
    ],
)
def test_names_find_their_base_model(name: str, base: str | None) -> None:
    assert base_model(name) == base


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model": "Foo/Bar-9B"}, "model is 'Foo/Bar-9B'"),
        ({"gpu_name": None}, "gpu_name is None"),
        ({"quantization": "gguf-q4"}, "quantization is 'gguf-q4'"),
        (
            {"architecture": {"hidden_size": 4096, "num_hidden_layers": -1, "num_attention_heads": 8}},
            "architecture.num_hidden_layers is -1",
        ),
        ({"gpu_memory_utilization": 1.2}, "gpu_memory_utilization is 1.2"),
        ({"max_model_len": "long"}, "max_model_len is 'long'"),
    ],
)
def test_what_cannot_be_known_is_refused_by_name(change: dict[str, Any], says: str) -> None:
    answer = replay_log({**INPUT, **change})
    assert answer["predicted_kv_gib"] is None
    assert says in str(answer["refused"])


def test_a_start_without_version_is_predicted_for_every_likely_release() -> None:
    releases = [s.engine.release for s in read_starts({**INPUT, "vllm_version": None, "date": "2026-06-20"})]
    assert releases == [(0, 21), (0, 22), (0, 16)]


def test_identical_flags_that_once_started_and_once_failed_are_a_coin_toss(rows: list[dict[str, Any]]) -> None:
    by_id = {row["id"]: replay_log(row)["verdict"] for row in rows}
    assert by_id["vml-014"] == by_id["vml-015"] == "coin_toss"
    assert by_id["vml-004"] == by_id["vml-008"] == "coin_toss"


def test_accuracy_on_sources_the_amounts_were_not_fitted_on(rows: list[dict[str, Any]]) -> None:
    outcomes = cross_validated(list(rows))
    errors = [o.error for o in outcomes if o.scored]
    on_24_gb = [o.error for o in outcomes if o.scored and 20.5 <= read_starts(o.row)[0].gpu.total_bytes / 2**30 <= 24.2]
    assert len(errors) >= 50
    assert len(on_24_gb) >= 12
    assert percentile(errors, 0.5) <= 0.015
    assert percentile(errors, 0.9) <= 0.08
    assert percentile(on_24_gb, 0.5) <= 0.03
    assert not [o.row["id"] for o in outcomes if o.row["outcome"] != "started" and o.verdict == "starts"]


def test_the_docs_show_the_table_the_command_prints(rows: list[dict[str, Any]]) -> None:
    shown = (Path(__file__).parents[4] / "docs" / "predictor.md").read_text(encoding="utf-8")
    outcomes = cross_validated(list(rows))
    for line in [*table(outcomes), *verdicts(outcomes)]:
        assert line in shown


def test_the_stored_amounts_are_those_the_command_writes(rows: list[dict[str, Any]]) -> None:
    assert STORED.read_text(encoding="utf-8") == fit(rows).to_json()


def test_the_report_is_a_command(rows: list[dict[str, Any]], tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "starts.json"
    file.write_text(json.dumps({"cases": rows[:20]}))
    assert main([str(file), "--rows"]) == 0
    printed = capsys.readouterr().out
    assert "cross-validated by source" in printed
    assert "failures called safe:" in printed
