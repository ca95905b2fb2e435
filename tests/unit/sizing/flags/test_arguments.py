"""The checker answers what the release's real parser answered."""

import json
from pathlib import Path
from typing import Any

import pytest

from sizing.flags import check_arguments, flag_table

LAUNCHES = json.loads((Path(__file__).parents[1] / "audit" / "data" / "launches.json").read_text(encoding="utf-8"))[
    "cases"
]
RANDOM = json.loads((Path(__file__).parent / "data" / "parser_answers.json").read_text(encoding="utf-8"))["cases"]
JUDGED = [case for case in LAUNCHES if case["verdict_0_32_0"]["parses"] is not None]


@pytest.mark.parametrize("case", JUDGED, ids=lambda case: case["id"])
def test_recorded_verdicts_of_published_launches(case: dict[str, Any]) -> None:
    verdict = case["verdict_0_32_0"]
    # "$@" stands for the parameters of a script: none were given.
    arguments = [word for word in case["vllm_args"] if word != "$@"]
    report = check_arguments(arguments, flag_table("0.32.0"))
    assert report.parses == verdict["parses"]
    assert report.unknown == verdict["unknown"]
    assert report.stray == verdict["stray"]
    assert [bad.flag for bad in report.bad_values] == [bad["flag"] for bad in verdict["bad_values"]]
    assert sorted(report.repeated) == sorted(verdict["repeated"])


@pytest.mark.parametrize("version", sorted(RANDOM))
def test_random_arguments_against_the_real_parser(version: str) -> None:
    table = flag_table(version)
    wrong = []
    for arguments, taken in RANDOM[version]:
        report = check_arguments(arguments, table)
        if report.parses != taken:
            wrong.append((arguments, taken, report))
    assert wrong == []


@pytest.mark.parametrize(
    ("line", "dest", "value"),
    [
        ("--gpu-mem 0.5", "gpu_memory_utilization", 0.5),
        ("--gpu_memory_utilization=0.5", "gpu_memory_utilization", 0.5),
        ("--max-model-len 22k", "max_model_len", 22000),
        ("--max-model-len 32K", "max_model_len", 32768),
        ("--max-model-len auto", "max_model_len", -1),
        ("--kv-cache-memory-bytes 8G", "kv_cache_memory_bytes", 8 << 30),
        ("-O3", "optimization_level", "3"),
        ("-O=2", "optimization_level", "2"),
        ("-O 1", "optimization_level", "1"),
        ("-tp=2", "tensor_parallel_size", 2),
        ("-q awq", "quantization", "awq"),
        ("-cc.max_cudagraph_capture_size 64", "compilation_config", {"max_cudagraph_capture_size": 64}),
        ("-cc.splitting_ops+ a,b", "compilation_config", {"splitting_ops": ["a", "b"]}),
        ("--api-key k1 k2", "api_key", ["k1", "k2"]),
        ("--hf-token", "hf_token", True),
        ("--no-enable-prefix-caching", "enable_prefix_caching", False),
        ("--moe-backend FlashInfer-CUTLASS", "moe_backend", "flashinfer_cutlass"),
        ("--max-model-len $LEN", "max_model_len", "$LEN"),
        ("--max-num-batched-tokens -1", "max_num_batched_tokens", -1),
    ],
)  # fmt: skip
def test_spellings_the_parser_takes(line: str, dest: str, value: object) -> None:
    report = check_arguments(["m", *line.split()], flag_table("0.32.0"))
    assert report.parses, report
    assert report.values[dest] == value


@pytest.mark.parametrize(
    ("line", "unknown", "bad", "stray"),
    [
        ("--calculate-kv-scales true", ["--calculate-kv-scales"], [], []),
        ("--enforce-eager false", [], [], ["false"]),
        ("--enforce-eager=true", [], ["--enforce-eager"], []),
        ("--device cuda --foo=1", ["--foo", "--device"], [], []),
        ("--kv-cache-memory-bytes 8GiB", [], ["--kv-cache-memory-bytes"], []),
        ("--max-num-batched-tokens 1.5K", [], ["--max-num-batched-tokens"], []),
        ("--kv-cache-dtype int8", [], ["--kv-cache-dtype"], []),
        ("--max-model-len", [], ["--max-model-len"], []),
        ("--limit-mm-per-prompt image=1", [], ["--limit-mm-per-prompt"], []),
        ("extra words", [], [], ["extra", "words"]),
        ('-cc {"full_cuda_graph":true}', [], ["-cc"], []),
        ("--compilation-config 3", [], ["--compilation-config"], []),
        ("--lora-modules adapter", [], ["--lora-modules"], []),
    ],
)
def test_what_the_parser_refuses(line: str, unknown: list[str], bad: list[str], stray: list[str]) -> None:
    report = check_arguments(["m", *line.split()], flag_table("0.32.0"))
    assert not report.parses
    assert report.unknown == unknown
    assert [entry.flag for entry in report.bad_values] == bad
    assert report.stray == stray


def test_old_negative_spellings_still_parse_in_0_33() -> None:
    for spelling in ("--disable-prefix-caching", "--no-enable-prefix-caching"):
        report = check_arguments(["m", spelling], flag_table("0.33.0"))
        assert report.parses
        assert report.values["enable_prefix_caching"] is False
    assert check_arguments(["m", "--disable-log-requests"], flag_table("0.33.0")).parses
    assert not check_arguments(["m", "--disable-log-requests"], flag_table("0.32.0")).parses


def test_a_stray_word_before_the_options_becomes_the_model() -> None:
    assert check_arguments(["serve", "--port", "8000"], flag_table("0.32.0")).model == "serve"


def test_a_missing_model_beside_a_served_name_is_an_error() -> None:
    report = check_arguments(["--host", "0.0.0.0", "--served-model-name", "x"], flag_table("0.32.0"))
    assert not report.parses
