"""The probe's answer is taken apart as it was put together, and its trigger moves only when it must."""

import subprocess
from pathlib import Path

import pytest

from facts import probe
from facts.memory import recall, remember
from facts.probe import Check, HostObservation, Observed, observe, probe_script, read_probe


@pytest.fixture(autouse=True)
def stamps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "stamps"
    folder.mkdir()
    monkeypatch.setattr(probe, "STAMPS", str(folder))
    return folder


def run(*checks: Check) -> HostObservation:
    script = probe_script(checks)
    result = subprocess.run(["sh", "-s"], input=script, capture_output=True, text=True, check=True)
    return read_probe(result.stdout)


def test_findings_and_stamps_come_back_by_name(stamps: Path) -> None:
    (stamps / "limits").write_text("1a2b first on x\n")
    seen = run(Check("limits", "echo a is 1\necho b is 2", "1a2b"), Check("engine", "true"))
    assert seen.checks == {
        "limits": Observed(("a is 1", "b is 2"), "1a2b first on x", "1a2b"),
        "engine": Observed((), None, "-"),
    }
    assert seen.installation


def test_a_failing_check_hides_no_other_and_says_why() -> None:
    seen = run(Check("bad", "set -eu; echo half; nosuchcommand; echo never"), Check("good", "echo fine"))
    assert seen.checks["bad"].findings[0] == "half"
    assert "nosuchcommand" in seen.checks["bad"].findings[1]
    assert seen.checks["good"].findings == ("fine",)


def test_in_sync_the_trigger_is_the_stamp() -> None:
    seen = HostObservation({"a": Observed((), "- 3fa2: x is 1, not 2")}, "host")
    assert seen.trigger("a") == "- 3fa2: x is 1, not 2"
    assert not seen.drift


def test_drift_moves_the_trigger_and_names_itself() -> None:
    before = HostObservation({"a": Observed((), "- first on host")}, "host")
    after = HostObservation({"a": Observed(("x is 1, not 2",), "- first on host")}, "host")
    assert after.trigger("a") != before.trigger("a")
    assert after.trigger("a").endswith(": x is 1, not 2")
    assert after.drift == {"a": ("x is 1, not 2",)}


def test_the_same_drift_twice_moves_it_twice() -> None:
    once = HostObservation({"a": Observed(("x",), "- first on host")}, "host").trigger("a")
    twice = HostObservation({"a": Observed(("x",), once)}, "host").trigger("a")
    assert once != twice


def test_another_installation_of_the_host_is_another_start() -> None:
    old, new = (HostObservation({"a": Observed()}, name).trigger("a") for name in ("old", "new"))
    assert old != new


def test_a_host_never_seen_has_no_trigger() -> None:
    assert HostObservation().trigger("a") == ""


def test_a_host_that_does_not_answer_is_away_in_its_own_words() -> None:
    seen = observe(["sh", "-c", "echo no route to host >&2; exit 255"], [Check("a", "true")])
    assert seen.away == "no route to host"


def test_an_answer_cut_short_is_no_answer() -> None:
    seen = observe(["sh", "-c", "true"], [Check("a", "true")])
    assert seen.away == "no answer to a"


def test_what_was_seen_is_kept_for_when_it_is_away(tmp_path: Path) -> None:
    remember(tmp_path / "dev" / "host.json", {"a": "first"})
    assert recall(tmp_path / "dev" / "host.json") == {"a": "first"}
    assert recall(tmp_path / "none.json") == {}
    (tmp_path / "bad.json").write_text("{")
    assert recall(tmp_path / "bad.json") == {}


def test_another_wish_is_no_drift() -> None:
    seen = HostObservation({"a": Observed(("x is 1, not 2",), "old first on host", "new")}, "host")
    assert not seen.drift
    assert seen.trigger("a") == "new"
    assert HostObservation({"a": Observed((), "new", "new")}, "host").trigger("a") == "new"
