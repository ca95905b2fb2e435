"""`python -m sizing`: what a user sees, and one sentence where the input is wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sizing.__main__ import COMMANDS, main
from tests.unit.sizing.hosts_and_models import GUIDE_MODEL, ORACLE, PROJECT, PUBLISHED

LOGS = PROJECT / "tests" / "unit" / "sizing" / "gpu_memory" / "data" / "vllm_memory_logs.json"
STACK = str(PROJECT / "Pulumi.a10g.yaml")

Out = pytest.CaptureFixture[str]


@pytest.fixture
def two_hosts(tmp_path: Path) -> Path:
    """A stack of a GPU host and a CPU host, with an override."""
    (tmp_path / "config.json").write_text(GUIDE_MODEL.read_text())
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    file = tmp_path / "Pulumi.two.yaml"
    file.write_text(
        f"""\
config:
  gpuhost:hosts:
    - {{name: big, shape: guide-21g-8c-32g, ssh: {{address: 192.0.2.1, host_key: {key}}}}}
    - {{name: small, cpus: 4, memory_gib: 16, ssh: {{address: 192.0.2.2, host_key: {key}}}}}
  gpuhost:model: {{name: mistral, host_path: /opt/m, config: config.json}}
  gpuhost:goal: {{context_tokens: 4096, parallel_requests: 2}}
  gpuhost:server:
    vllm_version: 0.32.0
    image: {{reference: "vllm/vllm-openai:v0.32.0"}}
    overrides: {{max_num_seqs: 3}}
"""
    )
    return file


def test_plan_shows_bars_verdict_values_and_command(capsys: Out) -> None:
    assert main(["plan", STACK]) == 0
    text = capsys.readouterr().out
    for wanted in ("GPU memory  21.00 GiB", "Host RAM  32.00 GiB", "Goal: cannot", "kv_tokens", "vllm serve MODEL"):
        assert wanted in text
    assert text.index("GPU memory") < text.index("max_model_len"), "the bars come first"
    assert "\x1b" not in text, "no colours where nobody sees them"


def test_plan_of_several_hosts_and_of_one(two_hosts: Path, capsys: Out) -> None:
    assert main(["plan", str(two_hosts), "--json"]) == 0
    both = json.loads(capsys.readouterr().out)
    assert [both[name]["device"] for name in ("big", "small")] == ["cuda", "cpu"]
    assert both["big"]["values"]["max_num_seqs"]["set_by"] == "you"
    assert main(["plan", str(two_hosts), "--host", "small", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)) == ["small"]


def test_plan_draws_files(two_hosts: Path, tmp_path: Path, capsys: Out) -> None:
    drawn = [str(tmp_path / "plan.svg"), str(tmp_path / "plan.png")]
    assert main(["plan", str(two_hosts), "--svg", drawn[0], "--png", drawn[1]]) == 0
    assert Path(drawn[0]).read_text().startswith("<svg")
    assert Path(drawn[1]).read_bytes().startswith(b"\x89PNG")
    assert "big: mistral" in capsys.readouterr().out


def test_strict_refuses_what_cannot_be_met(capsys: Out) -> None:
    assert main(["plan", STACK, "--strict"]) == 2
    assert "host 'gpu-1': goal.parallel_requests: 16" in capsys.readouterr().err


def test_explain_follows_the_chain_to_the_inputs(capsys: Out) -> None:
    assert main(["explain", "kv_tokens", STACK]) == 0
    text = capsys.readouterr().out
    for wanted in ("kv_blocks", "kv_cache_bytes", "gpu_memory: 21.00 GiB", "goal.context_tokens: 32768"):
        assert wanted in text
    assert "settable among them: max_model_len, kv_cache_bytes" in text


def test_every_value_and_budget_can_be_explained(two_hosts: Path, capsys: Out) -> None:
    assert main(["plan", STACK, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["gpu-1"]
    names = [*found["values"], *(row["name"] for row in found["outlook"]["predicted"]), "host_ram", "gpu_memory"]
    for name in names:
        assert main(["explain", name, STACK]) == 0
        assert name in capsys.readouterr().out
    for name in ("max_num_seqs", "kv_cache_bytes", "host_ram"):
        assert main(["explain", name, str(two_hosts), "--host", "small"]) == 0


def test_explain_says_who_set_a_value_and_how_to(two_hosts: Path, capsys: Out) -> None:
    assert main(["explain", "max_num_seqs", str(two_hosts), "--host", "big"]) == 0
    text = capsys.readouterr().out
    assert "set by you; the rule gives 2" in text
    assert "To set it yourself: server.overrides.max_num_seqs: 3" in text


@pytest.mark.parametrize(
    ("file", "many", "keys"),
    [
        (ORACLE, 268, {"id", "refused", "result"}),
        (LOGS, 91, {"id", "predicted_kv_gib", "verdict"}),
        (PUBLISHED, 79, {"id", "refused", "weight_bytes", "parameters"}),
    ],
)
def test_replay_prints_one_object_a_case(file: Path, many: int, keys: set[str], capsys: Out) -> None:
    assert main(["replay", str(file)]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == many
    assert all(keys <= set(row) for row in rows)
    assert len({row["id"] for row in rows}) == many


def test_replay_takes_a_bare_list_and_survives_a_broken_case(tmp_path: Path, capsys: Out) -> None:
    cases = json.loads(LOGS.read_text())["cases"][:3]
    cases[1] = {"id": "broken", "gpu_name": "RTX 3090", "gpu_memory_utilization": "much", "model": 3}
    file = tmp_path / "cases.json"
    file.write_text(json.dumps(cases))
    assert main(["replay", str(file)]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 3
    assert rows[1]["id"] == "broken"
    assert "refused" in rows[1]


def test_geometry_reads_a_directory_and_a_file(tmp_path: Path, capsys: Out) -> None:
    (tmp_path / "config.json").write_text(GUIDE_MODEL.read_text())
    assert main(["geometry", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "4,163,379,200 bytes" in text
    assert "131,072 bytes a token" in text
    assert main(["geometry", str(tmp_path / "config.json"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"] == 7_248_023_552


WRONG = [
    (["plan", "nowhere.yaml"], "cannot be read"),
    (["plan", STACK, "--host", "x"], "--host x: the stack has no such host; it has gpu-1"),
    (["plan", STACK, "--svg", "/nowhere/at/all.svg"], "/nowhere/at/all.svg: No such file or directory"),
    (["plan", STACK, "--png", "/nowhere/at/all.png"], "/nowhere/at/all.png: No such file or directory"),
    (["explain", "kv_token", STACK], "did you mean 'kv_tokens'?"),
    (["explain", "zzz", STACK], "has no such value"),
    (["replay", "nowhere.json"], "No such file"),
    (["replay", STACK], "is not JSON"),
    (["geometry", "nowhere"], "cannot be read"),
    (["frobnicate"], "is no command; there are plan, explain"),
]


@pytest.mark.parametrize(("argv", "says"), WRONG, ids=lambda part: " ".join(part) if isinstance(part, list) else "")
def test_wrong_input_is_one_sentence_and_status_2(argv: list[str], says: str, capsys: Out) -> None:
    assert main(argv) == 2
    err = capsys.readouterr().err
    assert says in err
    assert "Traceback" not in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{}", "holds no cases"),
        ("[]", "holds no cases"),
        ("[1]", "case 0 is a int"),
        ('[{"id": 1}]', "the cases have the fields id"),
        ('{"cases": [{"id":', "is not JSON"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_replay_refuses_what_is_no_file_of_cases(text: str, says: str, tmp_path: Path, capsys: Out) -> None:
    file = tmp_path / "cases.json"
    file.write_text(text)
    assert main(["replay", str(file)]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("context_tokens: 32768", "context_tokens: 65536", "exceed the model's own"),
        ("shape: guide-21g-8c-32g", "shape: nothing", "is no shape in hosts/catalogue"),
        ("context_tokens: 32768", "contexttokens: 32768", "did you mean 'context_tokens'"),
        ("vllm_version: 0.32.0", "vllm_version: 9.9.9", "there is no flag table for '9.9.9'; the nearest is 0.33.0"),
        ("vllm_version: 0.32.0", "overrides: {shmmib: 3}\n    vllm_version: 0.32.0", "did you mean 'shm_mib'?"),
    ],
)
def test_a_wrong_stack_is_refused_by_field(old: str, new: str, says: str, tmp_path: Path, capsys: Out) -> None:
    text = Path(STACK).read_text().replace("config: sizing", f"config: {PROJECT}/sizing")
    file = tmp_path / "Pulumi.wrong.yaml"
    file.write_text(text.replace(old, new))
    assert main(["plan", str(file)]) == 2
    assert says in capsys.readouterr().err


def test_help_lists_every_command(capsys: Out) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in COMMANDS)
    assert main([]) == 2


def test_a_reader_that_stops_early_is_no_error() -> None:
    command = f"{sys.executable} -m sizing replay {ORACLE} | head -n 1"
    done = subprocess.run(["sh", "-c", command], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["id"]
    assert done.stderr == ""


def test_a_terminal_without_block_characters_still_gets_its_plan() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sizing", "plan", STACK],
        cwd=PROJECT,
        env={"PYTHONIOENCODING": "ascii", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "kv_tokens" in done.stdout


def test_the_audit_is_one_of_the_commands() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sizing", "audit", "--json", "--vllm", "0.32.0"],
        cwd=PROJECT,
        input="docker run vllm/vllm-openai:v0.32.0 /models/m --calculate-kv-scales true",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["parses"] is False
