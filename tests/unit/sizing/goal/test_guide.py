"""The guide's figures, answered; the document is what the code says."""

import pytest

from sizing.commands.goals import page
from sizing.commands.guide import READINGS, Claim, claims, judged, plan_on
from tests.unit.sizing.hosts_and_models import PROJECT

VERDICTS = {(claim.claim, claim.request): claim for claim in claims()}


def test_the_document_is_what_the_command_prints() -> None:
    written = (PROJECT / "docs" / "guide-goals.md").read_text(encoding="utf-8")
    assert written == page(), "run: python -m sizing goals > docs/guide-goals.md"


@pytest.mark.parametrize("reading", sorted(READINGS))
@pytest.mark.parametrize("claim", claims(), ids=lambda claim: f"{claim.claim}, {claim.request}")
def test_every_figure_is_answered_with_its_arithmetic(claim: Claim, reading: str) -> None:
    axis = judged(claim, reading)
    assert axis.asked == claim.asked
    assert len(axis.arithmetic) > 40
    assert bool(axis.nearest) == (axis.verdict != "meets")


@pytest.mark.parametrize("reading", sorted(READINGS))
def test_what_no_24_gb_card_can_do_is_said_to_be_impossible(reading: str) -> None:
    impossible = [claim for claim in claims() if claim.axis == "requests_per_second"]
    impossible += [claim for claim in claims() if claim.axis == "parallel_requests" and claim.request == "full"]
    impossible += [claim for claim in claims() if claim.axis in ("ttft_s", "latency_s") and claim.request == "full"]
    assert len(impossible) >= 14
    assert {judged(claim, reading).verdict for claim in impossible} == {"cannot"}


@pytest.mark.parametrize("reading", sorted(READINGS))
def test_what_it_promises_within_reason_is_not_denied(reading: str) -> None:
    assert judged(VERDICTS["32K context window", "full"], reading).verdict == "meets"
    assert judged(VERDICTS["35-45 parallel with all optimizations", "test"], reading).verdict == "meets"
    assert judged(VERDICTS["latency below 10 s with 20 in flight", "test"], reading).verdict != "cannot"


def test_the_guides_whole_configuration_is_planned_on_its_host() -> None:
    """16 GiB of offload do fit into 32 GiB, with a /dev/shm of their size and not with 8 GiB."""
    claim = VERDICTS["35-45 parallel with all optimizations", "test"]
    found = plan_on("A10G", claim.goal, claim.overrides)
    assert found.integer("shm_mib") == 17 * 1024
    assert found.integer("container_memory_mib") < 29 * 1024
