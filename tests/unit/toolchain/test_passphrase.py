"""The passphrase of a checkout: random, private, and never changed."""

import re
import stat

from tests.unit.toolchain.conftest import Checkout


def test_it_is_random_and_readable_by_its_owner_alone(checkout: Checkout) -> None:
    file = checkout.root / ".gpuhost" / "passphrase"
    seen = set()
    for _ in range(3):
        done = checkout.run("toolchain/passphrase.sh")
        assert done.returncode == 0, done.stderr
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        text = file.read_text()
        assert re.fullmatch(r"[0-9a-f]{64}", text)
        assert text not in done.stderr
        seen.add(text)
        file.unlink()
    assert len(seen) == 3
    assert list(file.parent.iterdir()) == []


def test_a_second_run_keeps_it_and_tightens_its_mode(checkout: Checkout) -> None:
    file = checkout.root / ".gpuhost" / "passphrase"
    checkout.run("toolchain/passphrase.sh")
    text = file.read_text()
    file.chmod(0o644)
    done = checkout.run("toolchain/passphrase.sh")
    assert (done.returncode, done.stderr) == (0, "")
    assert file.read_text() == text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
