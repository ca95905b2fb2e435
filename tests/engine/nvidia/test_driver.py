"""The driver on a machine that has none: told, installed by policy, and never a reboot by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.nvidia.nvidia_host import DRIVER, DRIVER_PACKAGES, NvidiaHost

pytestmark = [pytest.mark.nvidia, pytest.mark.slow]

NEWEST = "580.173.02"


@pytest.fixture(scope="module")
def host(machine: Callable[..., NvidiaHost]) -> NvidiaHost:
    return machine("gpu-driver", driver=None)


def boot_id(host: NvidiaHost) -> str:
    return host.sandbox.run("stat -c %Y /proc/1; journalctl --list-boots | wc -l").stdout


def test_without_a_driver_it_says_what_to_install(host: NvidiaHost) -> None:
    ran = host.driver()
    assert ran.status != 0
    assert "no NVIDIA driver is loaded on this host: install one of 580.65.06 or newer" in ran.stderr
    assert "{policy: install, branch: 580}" in ran.stderr


def test_a_branch_that_is_not_offered_installs_nothing(host: NvidiaHost) -> None:
    ran = host.driver("install", branch=590)
    assert ran.status != 0
    assert f"offer nvidia-kernel-dkms {NEWEST}-1, which is not of branch 590; nothing was changed" in ran.stderr
    assert host.installed("nvidia-kernel-dkms") == ""


def test_the_branch_is_installed_loaded_and_held(host: NvidiaHost) -> None:
    ran = host.driver("install", branch=580)
    assert (ran.status, ran.stdout.strip()) == (0, NEWEST), ran.text
    assert host.held >= set(DRIVER_PACKAGES)
    again = host.driver("install", branch=580)
    assert (again.status, again.stderr) == (0, "")


def test_packages_changed_under_the_module_ask_for_a_reboot_and_get_none(host: NvidiaHost) -> None:
    before = boot_id(host)
    host.install_driver(DRIVER)
    ran = host.driver("install", branch=580)
    assert ran.status != 0
    assert f"The loaded module is {NEWEST} and the libraries are {DRIVER}" in ran.stderr
    assert "nothing here reboots by itself" in ran.stderr
    assert boot_id(host) == before


def test_after_the_owners_reboot_it_is_fit(host: NvidiaHost) -> None:
    host.sandbox.reboot()
    ran = host.driver("install", branch=580)
    assert (ran.status, ran.stdout.strip()) == (0, DRIVER), ran.text


def test_fewer_gpus_than_declared_are_counted(host: NvidiaHost) -> None:
    ran = host.driver(gpus=2)
    assert ran.status != 0
    assert "this host shows 1 GPUs and its shape promises 2" in ran.stderr
