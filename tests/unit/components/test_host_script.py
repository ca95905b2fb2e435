"""Scripts travel whole or not at all, with their data beside them."""

import subprocess
from pathlib import Path

import pytest

from components import host_script
from components.host_script import script_text, sent_text, stamp_text


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(host_script, "_FOLDER", tmp_path)
    monkeypatch.setattr(host_script, "STAMPS", str(tmp_path / "stamps"))
    return tmp_path / "some.sh"


def run(text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-s", "--", *arguments], input=text, capture_output=True, text=True, check=False)


def test_it_gets_its_arguments_and_its_data(script: Path) -> None:
    script.write_text('set -eu\necho "$1"; names | sort\n')
    result = run(sent_text(script_text("some.sh", {"names": "b $HOME\na 'x'\n"})), "an argument")
    assert result.stdout == "an argument\na 'x'\nb $HOME\n"


def test_a_cut_transfer_runs_nothing(script: Path, tmp_path: Path) -> None:
    script.write_text(f"set -eu\ntouch {tmp_path}/started\n" + "echo filler\n" * 50)
    whole = sent_text(script_text("some.sh"), stamp_text("some", "t"))
    for end in range(1, len(whole) - len("} < /dev/null\n"), 97):
        run(whole[:end])
    assert not (tmp_path / "started").exists()
    assert run(whole).returncode == 0
    assert (tmp_path / "started").exists()


def test_a_command_cannot_swallow_the_rest(script: Path) -> None:
    script.write_text("cat > /dev/null\necho still here\n")
    assert run(sent_text(script_text("some.sh"))).stdout == "still here\n"


def test_its_exit_status_is_the_scripts(script: Path) -> None:
    script.write_text("exit 7\n")
    assert run(sent_text(script_text("some.sh"))).returncode == 7


def test_data_with_its_own_end_mark_is_refused(script: Path) -> None:
    script.write_text("names\n")
    with pytest.raises(ValueError, match="END_OF_NAMES"):
        script_text("some.sh", {"names": "a\nEND_OF_NAMES\nb"})
