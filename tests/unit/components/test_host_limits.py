"""The table of limits: one place each, with its reason, and the files that carry them."""

from components.host_limits import HostLimitsArgs
from components.limit_settings import THP, LimitSetting, limit_settings, of_place
from hosts.kernel import KernelEntry
from hosts.spec import GpuSpec, HostSpec
from hosts.stack import Goal
from sizing.geometry import from_path
from sizing.plan import plan
from sizing.serving import ServingPlan
from tests.unit.test_house import PROJECT

HOST = HostSpec(
    name="gpu-1", cpus=8, memory_gib=32, gpu=GpuSpec(name="A10G", memory_gib=22.48, compute_capability="8.6")
)
MODEL = PROJECT / "sizing/models/mistral-7b-instruct-v0.3-awq.json"


def planned() -> ServingPlan:
    return plan(HOST, from_path(MODEL), Goal(context_tokens=8192), "0.32.0", served_name="m")


def test_every_setting_has_one_place_and_a_reason() -> None:
    settings = limit_settings(planned(), KernelEntry(swappiness=10, transparent_hugepage="madvise"))
    keys = [each.key for each in settings]
    assert len(keys) == len(set(keys))
    assert all(each.reason for each in settings)


def test_its_values_are_the_plans() -> None:
    plan, settings = planned(), {each.key: each for each in limit_settings(planned(), KernelEntry())}
    assert settings["/dev/shm"].value == str(plan["shm_mib"])
    assert settings["net.core.somaxconn"].reason == plan.values["somaxconn"].reason


def test_what_has_no_evidence_says_so_and_comes_only_when_asked_for() -> None:
    asked = {"vm.swappiness", "vm.overcommit_memory", THP}
    assert not asked & {each.key for each in limit_settings(planned(), KernelEntry())}
    every = limit_settings(planned(), KernelEntry(swappiness=10, overcommit_memory=1, transparent_hugepage="madvise"))
    assert {each.evidence for each in every if each.key in asked} == {"advice only"}
    assert {each.evidence for each in every if each.key in {"ulimit memlock", "ulimit stack"}} == {"advice only"}


def test_containers_limits_are_in_no_file_of_the_host() -> None:
    args = HostLimitsArgs(limit_settings(planned(), KernelEntry(transparent_hugepage="never")))
    assert set(args.sysctls) == {"net.core.somaxconn"}
    for key in of_place(args.settings, "container"):
        assert key not in args.sysctl_file() + args.tmpfiles_file()


def test_the_files_carry_the_reasons() -> None:
    args = HostLimitsArgs(
        (
            LimitSetting("vm.swappiness", "10", "", "sysctl.d", "advice only", "asked for"),
            LimitSetting("net.core.somaxconn", "4096", "connections", "sysctl.d", "needed", "the backlog"),
            LimitSetting(THP, "madvise", "", "tmpfiles.d", "advice only", "asked for"),
        )
    )
    assert args.sysctl_file() == (
        "# the backlog\nnet.core.somaxconn = 4096\n# Advice only: asked for\nvm.swappiness = 10\n"
    )
    assert args.tmpfiles_file() == f"# Advice only: asked for\nw {THP} - - - - madvise\n"
