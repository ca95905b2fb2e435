"""Long steps say what they do, keep quiet about success, and show the output of a failure."""

from tests.unit.toolchain.conftest import Checkout

SOURCE = "SAY=step; . toolchain/say.sh; "


def test_a_success_shows_its_label_and_not_its_output(checkout: Checkout) -> None:
    done = checkout.run("-c", SOURCE + 'with_progress "packing boxes" echo chatter')
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "step: packing boxes\n")


def test_a_failure_shows_its_last_lines_and_returns_its_status(checkout: Checkout) -> None:
    done = checkout.run("-c", SOURCE + 'with_progress "packing boxes" sh -c "seq 100; exit 7" || exit $?')
    assert done.returncode == 7
    assert "    100\n" in done.stderr
    assert "    75\n" not in done.stderr
    assert "with status 7: packing boxes" in done.stderr


def test_a_long_step_shows_that_it_lives(checkout: Checkout) -> None:
    checkout.fake("sleep", 'case $1 in 15) exec /bin/sleep 0.2 ;; *) exec /bin/sleep "$1" ;; esac')
    done = checkout.run("-c", SOURCE + 'with_progress "packing boxes" sleep 1')
    assert done.returncode == 0
    assert done.stderr.count("...") >= 2


def test_fail_names_the_step(checkout: Checkout) -> None:
    done = checkout.run("-c", SOURCE + 'fail "the box is closed; open it"; echo on >&2')
    assert done.returncode == 1
    assert done.stderr == "step: error: the box is closed; open it\n"
