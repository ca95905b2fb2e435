"""Every launch and fragment of a published guide, audited for the machine it was written for."""

import json
from pathlib import Path
from typing import Any

import pytest

from hosts.catalogue import shape_named
from hosts.load import load_stack
from sizing.audit.judge import Verdict, judge
from sizing.audit.read import read_launch
from sizing.audit.stack_file import corrected_stack
from sizing.geometry.path import from_path
from sizing.plan import plan

CASES = json.loads((Path(__file__).parent / "data" / "guide.json").read_text(encoding="utf-8"))["cases"]
BY_LINE = {case["line"]: case for case in CASES}
BASELINE, WITH_32K, API_SERVERS, OFFLOAD, COMBINED, COMPLETE = (
    case["line"] for case in CASES if case["kind"] == "launch"
)


def audited(line: int, version: str = "0.32.0") -> Verdict:
    return judge(read_launch(BY_LINE[line]["text"]), version, shape_named("guide-21g-8c-32g"))


def severities(verdict: Verdict) -> dict[str, str]:
    return {finding.setting: finding.severity.value for finding in verdict.findings}


@pytest.mark.parametrize("version", ["0.32.0", "0.33.0"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"L{case['line']}")
def test_parses_as_the_real_parser_said(case: dict[str, Any], version: str) -> None:
    verdict = audited(case["line"], version)
    assert verdict.parses is case["parses"]
    assert verdict.report.unknown == ([] if case["parses"] else ["--calculate-kv-scales"])


def test_the_removed_option_is_fatal_in_four_of_six_launches() -> None:
    fatal = [
        line
        for line in (BASELINE, WITH_32K, API_SERVERS, OFFLOAD, COMBINED, COMPLETE)
        if severities(audited(line)).get("--calculate-kv-scales") == "fatal"
    ]
    assert fatal == [API_SERVERS, OFFLOAD, COMBINED, COMPLETE]


def test_before_0_28_the_option_parses_without_its_value() -> None:
    verdict = audited(API_SERVERS, "0.26.0")
    assert verdict.report.unknown == []
    assert verdict.report.stray == ["true"]
    assert severities(verdict)["--calculate-kv-scales"] == "harmful"


@pytest.mark.parametrize("line", [OFFLOAD, COMBINED, COMPLETE])
def test_an_offload_of_half_the_ram_does_not_fit_the_hosts_shared_memory(line: int) -> None:
    (finding,) = (
        finding
        for finding in audited(line).findings
        if finding.setting == "--kv-offloading-size 16.0" and finding.severity == "fatal"
    )
    assert "15.84 GiB" in finding.evidence
    assert finding.correction == "--shm-size=17g, private IPC, --memory=25g"


@pytest.mark.parametrize(
    ("line", "setting", "severity"),
    [
        (BASELINE, "image vllm/vllm-openai:latest", "harmful"),
        (BASELINE, "--tokenizer-mode mistral", "harmful"),
        (BASELINE, "--disable-log-stats", "harmful"),
        (BASELINE, "--enforce-eager", "harmful"),
        (BASELINE, "--ipc=host", "harmful"),
        (BASELINE, "-p 8000:8000", "harmful"),
        (BASELINE, "--quantization awq", "redundant"),
        (BASELINE, "--dtype float16", "redundant"),
        (BASELINE, "--enable-chunked-prefill", "redundant"),
        (WITH_32K, "--enable-prefix-caching", "redundant"),
        (WITH_32K, "--block-size 16", "redundant"),
        (WITH_32K, "--shm-size=8g", "redundant"),
        (WITH_32K, "--ulimit memlock=-1", "redundant"),
        (WITH_32K, "--ulimit stack=67108864", "redundant"),
        (WITH_32K, "--gpu-memory-utilization 0.95", "harmful"),
        (WITH_32K, "--max-num-batched-tokens 16384", "harmful"),
        (WITH_32K, "--max-num-seqs 16", "fine"),
        (API_SERVERS, "--memory=32g", "harmful"),
        (API_SERVERS, "--cpus=8", "redundant"),
        (API_SERVERS, "--api-server-count 4", "fine"),
        (API_SERVERS, "--kv-cache-dtype fp8", "fine"),
        (API_SERVERS, "--restart unless-stopped", "harmful"),
        (OFFLOAD, "--kv-offloading-backend native", "redundant"),
        (COMPLETE, "OMP_NUM_THREADS=2", "harmful"),
        (COMPLETE, "VLLM_MEDIA_LOADING_THREAD_COUNT=2", "redundant"),
    ],
)
def test_the_guides_advice_gets_its_verdict(line: int, setting: str, severity: str) -> None:
    assert severities(audited(line))[setting] == severity


@pytest.mark.parametrize(
    ("line", "context", "parallel"),
    [(BASELINE, 16384, 7), (WITH_32K, 32768, 3), (API_SERVERS, 32768, 3), (COMPLETE, 32768, 3)],
)
def test_the_corrected_stack_plans_without_a_warning(line: int, context: int, parallel: int, tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.audited.yaml"
    file.write_text(corrected_stack(audited(line), shape_named("guide-21g-8c-32g")), encoding="utf-8")
    stack = load_stack(file)
    assert (stack.goal.context_tokens, stack.goal.parallel_requests) == (context, parallel)
    model = from_path(Path(__file__).parents[4] / stack.model.config_file)
    planned = plan(stack.hosts[0].spec(), model, stack.goal, stack.server.vllm_version, served_name=stack.model.name)
    assert planned.warnings == ()


def test_the_two_launches_that_start_say_so() -> None:
    assert audited(BASELINE).starts is True
    assert audited(WITH_32K).starts is True
    assert audited(COMPLETE).starts is False


@pytest.mark.parametrize(
    ("text", "evidence"),
    [
        ("--block-size 8\n", "only multiples of 16"),
        ("--gpu-memory-utilization 1.5\n", "(0, 1]"),
        ("--max-num-seqs 0\n", "at least 1"),
        ("--api-server-count 0\n", "headless"),
        ("--quantization bogus\n", "knows no such quantization"),
        ("--tokenizer-mode bogus\n", "knows no such tokenizer_mode"),
        ("--kv-cache-dtype int8\n", "is none of"),
        ("--max-num-seqs 64 --max-num-batched-tokens 32\n", "needs one token a step"),
    ],
)
def test_values_that_only_a_later_stage_refuses(text: str, evidence: str) -> None:
    verdict = judge(read_launch(text), "0.32.0", shape_named("guide-21g-8c-32g"))
    assert any(finding.severity == "fatal" and evidence in finding.evidence for finding in verdict.findings)
    assert verdict.starts is False


def test_awq_was_harmful_up_to_0_22_and_is_idle_since() -> None:
    assert severities(audited(BASELINE, "0.22.1"))["--quantization awq"] == "harmful"
    assert severities(audited(BASELINE, "0.24.0"))["--quantization awq"] == "redundant"


def test_fp8_kv_is_fatal_on_a_turing_gpu_and_fine_from_ampere_on() -> None:
    text = "docker run --gpus all vllm/vllm-openai:v0.32.0 m --kv-cache-dtype fp8"
    turing = shape_named("guide-21g-8c-32g").model_copy(
        update={"gpu": shape_named("guide-21g-8c-32g").gpu.model_copy(update={"compute_capability": "7.5"})}  # type: ignore[union-attr]
    )
    assert severities(judge(read_launch(text), "0.32.0", turing))["--kv-cache-dtype fp8"] == "fatal"
    assert severities(judge(read_launch(text), "0.32.0"))["--kv-cache-dtype fp8"] == "fine"
