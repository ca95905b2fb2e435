"""`python -m sizing.audit`: text in, JSON or a table out, and an exit status to build on."""

import io
import json
from pathlib import Path

import pytest
import yaml

from hosts.load import load_stack
from sizing.audit.cli import audit_main

GOOD = "docker run --gpus all -v /opt/models:/models:ro vllm/vllm-openai:v0.32.0 /models/m --max-model-len 4096\n"
BAD = GOOD.replace("4096", "4096 --swap-space 4")


@pytest.fixture
def audit(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    def call(text: str, *arguments: str) -> int:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        return audit_main(list(arguments))

    return call


def test_json_has_the_promised_keys(audit, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    assert audit(BAD, "--json", "--vllm", "0.32.0", "--host", "guide-21g-8c-32g") == 1
    answer = json.loads(capsys.readouterr().out)
    assert list(answer) == ["image", "vllm_args", "parses", "unknown", "findings", "starts"]
    assert answer["unknown"] == ["--swap-space"]
    assert answer["starts"] is False
    assert set(answer["findings"][0]) == {"severity", "setting", "evidence", "correction"}
    assert answer["findings"][0]["severity"] == "fatal"


def test_exit_status(audit, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    assert audit(GOOD, "--vllm", "0.32.0") == 0
    assert audit(BAD, "--vllm", "0.32.0") == 1
    assert audit("docker run --modell x y", "--vllm", "0.32.0") == 2
    assert audit(GOOD, "--vllm", "0.31.0") == 2
    assert audit(GOOD, "--host", "nowhere") == 2
    errors = capsys.readouterr().err
    assert "line 1, column 12: the engine has no such option" in errors
    assert "the nearest is 0.30.0" in errors
    assert "guide-21g-8c-32g" in errors


def test_the_table_ends_with_the_corrected_stack_of_the_host(audit, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    audit(BAD, "--vllm", "0.32.0", "--host", "guide-21g-8c-32g")
    shown = capsys.readouterr().out
    assert "does not start" in shown
    assert "fatal      --swap-space" in shown
    assert "gpuhost:goal:" in shown


def test_the_stack_file_is_a_valid_one(audit, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    audit(BAD, "--vllm", "0.32.0", "--host", "guide-21g-8c-32g", "--stack")
    file = tmp_path / "Pulumi.audited.yaml"
    file.write_text(capsys.readouterr().out, encoding="utf-8")
    stack = load_stack(file)
    assert stack.goal.context_tokens == 4096
    assert str(stack.model.host_path) == "/opt/models/m"
    assert stack.server.image.reference == "vllm/vllm-openai:v0.32.0"
    assert stack.hosts[0].bind_address == "127.0.0.1"
    assert yaml.safe_load(file.read_text(encoding="utf-8"))["config"]["gpuhost:server"]["vllm_version"] == "0.32.0"
