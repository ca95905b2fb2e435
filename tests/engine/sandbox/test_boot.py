"""A sandbox boots as a machine does, quickly, and gives what it promises."""

from datetime import datetime
from pathlib import Path

import docker

from hosts.sandbox import Sandbox
from hosts.sandbox.inventory import all_entries


def test_two_run_at_once(engine: docker.DockerClient, checkout: Path, both: tuple[Sandbox, Sandbox]) -> None:
    first, second = both
    assert first.run("hostname").stdout.strip() == "first"
    assert second.run("hostname").stdout.strip() == "second"
    assert first.number != second.number
    assert first.host_key != second.host_key
    assert first.run("cat /etc/machine-id").stdout != second.run("cat /etc/machine-id").stdout
    own = [entry.name for entry in all_entries(engine) if entry.checkout == str(checkout)]
    assert {"first", "second"} <= set(own)


def test_systemd_runs_without_failed_units(first: Sandbox) -> None:
    assert first.run("systemctl is-system-running").stdout.strip() == "running"
    assert first.run("systemctl --failed --no-legend").stdout == ""
    assert first.run("cat /proc/1/comm").stdout.strip() == "systemd"


def test_it_is_ready_within_ten_seconds_of_its_start(engine: docker.DockerClient, second: Sandbox) -> None:
    started = datetime.fromisoformat(engine.containers.get(second.container).attrs["State"]["StartedAt"])
    finished = second.run(
        "date -u +%FT%T%:z -d \"$(systemctl show -P FinishTimestamp | cut -d' ' -f2-)\""
    ).stdout.strip()
    assert (datetime.fromisoformat(finished) - started).total_seconds() < 10


def test_it_has_the_addresses_it_says(first: Sandbox) -> None:
    assert first.address == f"127.0.10.{first.number}"
    assert first.inner_address == f"198.18.10.{first.number}"
    assert first.inner_address in first.run("ip -4 -o addr show dev eth0").stdout


def test_its_memory_and_cpu_limits_are_in_force(engine: docker.DockerClient, first: Sandbox) -> None:
    settings = engine.containers.get(first.container).attrs["HostConfig"]
    assert settings["Memory"] == settings["MemorySwap"] == 2 << 30
    assert settings["NanoCpus"] == 1_000_000_000
    assert settings["Privileged"] is False


def test_name_resolution_and_apt_work_inside(first: Sandbox, busybox: str) -> None:
    assert first.run(["dpkg-query", "-W", "-f", "${Status}", "busybox-static"]).stdout == "install ok installed"
    # What a fresh Debian lacks and its archive has.
    assert "Candidate: (none)" not in first.run("apt-cache policy jq").stdout


def test_kernel_settings_of_the_machine_underneath_stay(first: Sandbox) -> None:
    swappiness = Path("/proc/sys/vm/swappiness")
    before = swappiness.read_text()
    wish = "7" if before.strip() != "7" else "8"
    first.run(f"sysctl -q -w vm.swappiness={wish}")
    assert first.run("sysctl -n vm.swappiness").stdout.strip() == wish
    assert swappiness.read_text() == before
    assert first.run("sysctl -q -w kernel.panic=77", check=False).returncode != 0


def test_network_settings_are_its_own(first: Sandbox, second: Sandbox) -> None:
    setting = "net.ipv4.tcp_keepalive_time"
    before = second.run(f"sysctl -n {setting}").stdout.strip()
    first.run(f"sysctl -q -w {setting}=1234")
    assert first.run(f"sysctl -n {setting}").stdout.strip() == "1234"
    assert second.run(f"sysctl -n {setting}").stdout.strip() == before
