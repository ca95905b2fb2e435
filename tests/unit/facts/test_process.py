"""What the kernel writes is read as what it means."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from testinfra.host import Host

from facts.cgroup import Cgroup
from facts.process import Process

LIMITS = """\
Limit                     Soft Limit           Hard Limit           Units
Max cpu time              unlimited            unlimited            seconds
Max stack size            67108864             67108864             bytes
Max open files            1024                 65535                files
Max locked memory         unlimited            unlimited            bytes
"""
STATUS = """\
Name:	vllm
Uid:	2000	2000	2000	2000
Gid:	0	0	0	0
CapPrm:	0
CapEff:	0
CapBnd:	00000400
NoNewPrivs:	1
"""
MOUNTS = """\
100 90 0:50 / / ro,relatime master:1 - overlay overlay rw,lowerdir=x
101 100 0:51 / /dev/shm rw,nosuid,nodev,noexec - tmpfs shm rw,size=1048576k
102 100 254:1 /v/_data /models ro,relatime - ext4 /dev/vda rw
103 100 0:52 / /tmp rw,nosuid - tmpfs tmpfs rw,size=65536,inode64
"""
CGROUP_V1 = "12:pids:/docker/abc\n4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n0::/\n"
CGROUP_V2 = "0::/system.slice/docker-abc.scope\n"


@dataclass
class Files:
    """Stands where a testinfra host would: answers `cat` from a table."""

    content: dict[str, str]
    asked: list[str] = field(default_factory=list)

    def check_output(self, command: str, *words: Any) -> str:
        path = command.replace("%s", "{}").format(*words).removeprefix("cat ")
        self.asked.append(path)
        return self.content[path]


def process(**content: str) -> Process:
    files = Files({f"/proc/7/{name}": text for name, text in content.items()})
    return Process(cast("Host", files), 7)


def test_limits_are_numbers_and_unlimited_is_minus_one() -> None:
    assert process(limits=LIMITS).limits == {
        "stack": (67108864, 67108864),
        "nofile": (1024, 65535),
        "memlock": (-1, -1),
    }


def test_identity_comes_from_the_kernel() -> None:
    seen = process(status=STATUS)
    assert seen.user == "2000:0"
    assert seen.capabilities == 0x400
    assert not seen.can_gain_privileges


def test_a_mount_is_read_only_by_its_own_flags_not_its_filesystems() -> None:
    mounts = process(mountinfo=MOUNTS).mounts
    assert mounts["/"].read_only
    assert mounts["/models"].read_only
    assert not mounts["/dev/shm"].read_only


def test_sizes_carry_their_unit() -> None:
    mounts = process(mountinfo=MOUNTS).mounts
    assert mounts["/dev/shm"].size_bytes == 1 << 30
    assert mounts["/tmp"].size_bytes == 65536
    assert mounts["/models"].size_bytes is None


V1 = "/sys/fs/cgroup/{}/docker/abc/{}"
V2 = "/sys/fs/cgroup/system.slice/docker-abc.scope/{}"


@pytest.mark.parametrize(("text", "bytes_"), [("3154116608", 3154116608), ("9223372036854771712", None), ("max", None)])
def test_memory_limits_of_both_versions(text: str, bytes_: int | None) -> None:
    if text != "max":
        host = cast("Host", Files({"/proc/7/cgroup": CGROUP_V1, V1.format("memory", "memory.limit_in_bytes"): text}))
        assert Cgroup(host, Process(host, 7)).memory_bytes == bytes_
    if not text.startswith("9"):
        host = cast("Host", Files({"/proc/7/cgroup": CGROUP_V2, V2.format("memory.max"): text}))
        assert Cgroup(host, Process(host, 7)).memory_bytes == bytes_


def test_version_one_counts_memory_and_swap_together() -> None:
    content = {
        "/proc/7/cgroup": CGROUP_V1,
        V1.format("memory", "memory.limit_in_bytes"): "1000",
        V1.format("memory", "memory.memsw.limit_in_bytes"): "1500",
    }
    host = cast("Host", Files(content))
    assert Cgroup(host, Process(host, 7)).swap_bytes == 500


def test_version_two_counts_swap_alone() -> None:
    host = cast("Host", Files({"/proc/7/cgroup": CGROUP_V2, V2.format("memory.swap.max"): "0"}))
    assert Cgroup(host, Process(host, 7)).swap_bytes == 0


def test_cpus_are_quota_over_period() -> None:
    content = {
        "/proc/7/cgroup": CGROUP_V1,
        V1.format("cpu", "cpu.cfs_quota_us"): "150000",
        V1.format("cpu", "cpu.cfs_period_us"): "100000",
    }
    host = cast("Host", Files(content))
    assert Cgroup(host, Process(host, 7)).cpus == 1.5
    host = cast("Host", Files({"/proc/7/cgroup": CGROUP_V2, V2.format("cpu.max"): "max 100000"}))
    assert Cgroup(host, Process(host, 7)).cpus is None
