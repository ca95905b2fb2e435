"""HostLimits' script on a host: written, applied, read back, refused where another file disagrees, undone."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from components.host_limits import HostLimitsArgs
from components.host_script import script_text, sent_text
from components.limit_settings import THP, Evidence, LimitSetting, Place
from hosts.sandbox import Sandbox

KEEPALIVE = "net.ipv4.tcp_keepalive_time"
OURS = "/etc/sysctl.d/60-gpuhost.conf"
BOOT = "/etc/tmpfiles.d/60-gpuhost.conf"


def setting(key: str, value: str, place: Place = "sysctl.d", evidence: Evidence = "needed") -> LimitSetting:
    return LimitSetting(key, value, "", place, evidence, "a test asks for it")


def run(host: Sandbox, verb: str, *settings: LimitSetting) -> subprocess.CompletedProcess[str]:
    args = HostLimitsArgs(settings)
    data = {"settings": args.sysctl_file(), "tmpfiles": args.tmpfiles_file()}
    return host.run(f"sh -s -- {verb}", stdin=sent_text(script_text("host_limits.sh", data)), check=False)


def value(host: Sandbox, name: str) -> str:
    return host.run(["sysctl", "-n", name]).stdout.strip()


@pytest.fixture
def clean(host: Sandbox) -> Iterator[Sandbox]:
    """The shared host, and nothing of ours left on it."""
    yield host
    run(host, "remove")
    host.run("rm -f /etc/sysctl.d/99-theirs.conf")


@pytest.fixture
def huge_pages(clean: Sandbox) -> Iterator[Sandbox]:
    """STAND-IN: /sys belongs to the machine underneath, so a file of the sandbox's own lies over the setting."""
    clean.run(f"echo always > /run/thp && mount --bind /run/thp {THP}")
    yield clean
    run(clean, "remove")
    clean.run(f"umount {THP}")


def test_it_is_applied_once_and_nothing_the_second_time(clean: Sandbox) -> None:
    wish = (setting(KEEPALIVE, "1234"), setting("vm.swappiness", "10", evidence="advice only"))
    first = run(clean, "apply", *wish)
    assert first.returncode == 0, first.stderr
    assert (value(clean, KEEPALIVE), value(clean, "vm.swappiness")) == ("1234", "10")
    assert "Advice only: a test asks for it" in clean.run(f"cat {OURS}").stdout
    second = run(clean, "apply", *wish)
    assert (second.returncode, second.stderr) == (0, "")
    assert run(clean, "check", *wish).stdout == ""


def test_a_later_file_that_says_otherwise_is_named_and_nothing_changes(clean: Sandbox) -> None:
    before = value(clean, KEEPALIVE)
    clean.run(f"echo '{KEEPALIVE.replace('.', '/')}=77' > /etc/sysctl.d/99-theirs.conf")
    refused = run(clean, "apply", setting(KEEPALIVE, "1234"))
    assert refused.returncode != 0
    assert "/etc/sysctl.d/99-theirs.conf sets" in refused.stderr
    assert "Nothing was changed" in refused.stderr
    assert value(clean, KEEPALIVE) == before
    assert clean.run(f"test -e {OURS}", check=False).returncode != 0


def test_a_later_file_that_agrees_is_fine(clean: Sandbox) -> None:
    clean.run(f"echo '{KEEPALIVE} = 1234' > /etc/sysctl.d/99-theirs.conf")
    assert run(clean, "apply", setting(KEEPALIVE, "1234")).returncode == 0


def test_an_unknown_setting_is_named(clean: Sandbox) -> None:
    refused = run(clean, "apply", setting("net.core.no_such", "1"))
    assert "this kernel has no setting 'net.core.no_such'" in refused.stderr
    assert refused.returncode != 0


def test_drift_is_named_and_repaired(clean: Sandbox) -> None:
    wish = setting(KEEPALIVE, "1234")
    run(clean, "apply", wish)
    clean.run(f"sysctl -q -w {KEEPALIVE}=55; chmod 0666 {OURS}")
    said = run(clean, "check", wish).stdout
    assert f"{KEEPALIVE} is 55, not 1234" in said
    assert "root:root 666, not root:root 644" in said
    assert run(clean, "apply", wish).returncode == 0
    assert run(clean, "check", wish).stdout == ""


def test_what_is_no_longer_wished_returns_to_what_it_was(clean: Sandbox) -> None:
    before = value(clean, "vm.swappiness")
    run(clean, "apply", setting(KEEPALIVE, "1234"), setting("vm.swappiness", "7"))
    assert value(clean, "vm.swappiness") == "7"
    said = run(clean, "apply", setting(KEEPALIVE, "1234"))
    assert "vm.swappiness is as it was" in said.stderr
    assert value(clean, "vm.swappiness") == before


def test_remove_leaves_the_host_as_it_was(clean: Sandbox) -> None:
    before = value(clean, KEEPALIVE)
    run(clean, "apply", setting(KEEPALIVE, "1234"))
    assert run(clean, "remove").returncode == 0
    assert value(clean, KEEPALIVE) == before
    assert clean.run(f"ls {OURS} {BOOT} /var/lib/gpuhost/host_limits", check=False).stdout == ""


def test_huge_pages_are_written_now_and_at_every_boot(huge_pages: Sandbox) -> None:
    wish = setting(THP, "madvise", "tmpfiles.d", "advice only")
    done = run(huge_pages, "apply", wish)
    assert done.returncode == 0, done.stderr
    assert huge_pages.run(f"cat {THP}").stdout.strip() == "madvise"
    huge_pages.run(f"echo always > {THP} && systemd-tmpfiles --create {BOOT}")
    assert huge_pages.run(f"cat {THP}").stdout.strip() == "madvise"
    run(huge_pages, "remove")
    assert huge_pages.run(f"cat {THP}").stdout.strip() == "always"
