"""Sandboxes of several checkouts share the machine's numbers without collisions."""

from dataclasses import replace

import pytest

from hosts.sandbox import SandboxError
from hosts.sandbox.inventory import Entry, check_free, choose_number

ENTRY = Entry("dev", 1, "docker", 8, 2.0, "/src/one", "gpuhost-dev-aaaa", "running", "image", "ssh-ed25519 A")


def _held(*numbers: int, state: str = "running") -> list[Entry]:
    return [replace(ENTRY, name=f"n{n}", number=n, container=f"c{n}", state=state) for n in numbers]


def test_dev_gets_number_one() -> None:
    assert choose_number("dev", None, []) == 1


def test_others_get_the_first_free_from_two() -> None:
    assert choose_number("other", None, []) == 2
    assert choose_number("other", None, _held(1, 2, 3, 5)) == 4


def test_a_stopped_sandbox_keeps_its_number_from_being_given_away() -> None:
    assert choose_number("other", None, _held(2, state="exited")) == 3


def test_dev_and_wanted_numbers_are_refused_while_another_runs_there() -> None:
    with pytest.raises(SandboxError, match=r"127\.0\.10\.1 is taken by the running sandbox 'dev' .*/src/one"):
        choose_number("dev", None, [ENTRY])
    with pytest.raises(SandboxError, match="docker stop c7"):
        choose_number("other", 7, _held(7))
    assert choose_number("other", 7, _held(7, state="exited")) == 7


@pytest.mark.parametrize("number", [0, -1, 251])
def test_numbers_outside_the_subnet_are_refused(number: int) -> None:
    with pytest.raises(SandboxError, match=f"number: {number} is outside 1 to 250"):
        choose_number("other", number, [])


def test_all_numbers_in_use_is_told() -> None:
    with pytest.raises(SandboxError, match="all sandbox numbers are in use"):
        choose_number("other", None, _held(*range(1, 251)))


def test_ones_own_container_is_not_in_the_way() -> None:
    check_free(1, ENTRY.container, [ENTRY])
