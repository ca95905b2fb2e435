"""Ways in which a host itself can differ from what its stack promised, and which tests of tests/infra must say so.

As in server_faults: red are exactly the tests named, and their messages show the words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class HostFault:
    """Something changed on the host itself, with `undo` to put it back."""

    name: str
    reds: Mapping[str, tuple[str, ...]]
    do: str
    undo: str


_DAEMON = "/etc/docker/daemon.json"
# Changes the file and leaves its time alone, so that only what it says differs.
_KEEP_TIME = f"touch -r /run/daemon.json.kept {_DAEMON}"
_KEEP = f"cp -p {_DAEMON} /run/daemon.json.kept"
_PUT_BACK = f"cp -p /run/daemon.json.kept {_DAEMON}"


def _rewritten(change: str) -> str:
    """A shell command that changes daemon.json by a line of Python on `keys`, and keeps its time."""
    program = (
        f"import json; file = {_DAEMON!r}; keys = json.load(open(file)); {change}; json.dump(keys, open(file, 'w'))"
    )
    return f'{_KEEP}; python3 -c "{program}"; {_KEEP_TIME}'


HOST_FAULTS = (
    HostFault(
        "a kernel setting",
        do="sysctl -q -w net.core.somaxconn=128",
        undo="sysctl -q -w net.core.somaxconn=4096",
        reds={"test_kernel_settings_are_the_declared_ones": ("{expected[sysctls][net.core.somaxconn]}", "128")},
    ),
    HostFault(
        "logs without bound",
        do=_rewritten("del keys['log-opts']['max-file']"),
        undo=_PUT_BACK,
        reds={
            "test_every_wished_key_is_in_its_file": ("max-file",),
            "test_logs_are_bounded": ("max-file",),
        },
    ),
    HostFault(
        "containers that end with Docker",
        do=_rewritten("keys['live-restore'] = False") + "; systemctl reload docker; sleep 1",
        undo=f"{_PUT_BACK}; systemctl reload docker; sleep 1",
        reds={
            "test_every_wished_key_is_in_its_file": ("live-restore", "True", "False"),
            "test_containers_survive_its_restart": ("False",),
        },
    ),
    HostFault(
        "a file that Docker has not read",
        do=f"{_KEEP}; touch -d 'now + 1 hour' {_DAEMON}",
        undo=_PUT_BACK,
        reds={"test_it_runs_with_that_file": ("runs_with_its_file",)},
    ),
    HostFault(
        "a file that others may write",
        do=f"chmod 0666 {_DAEMON}",
        undo=f"chmod 0644 {_DAEMON}",
        reds={"test_nobody_but_root_writes_the_file": ("438",)},
    ),
    HostFault(
        "a socket on the network",
        do=_rewritten("keys['hosts'] = ['tcp://127.0.0.1:2375']"),
        undo=_PUT_BACK,
        reds={"test_no_network_reaches_it": ("listens_on_tcp",)},
    ),
    HostFault(
        "a socket for everybody",
        do="chmod 0666 /run/docker.sock",
        undo="chmod 0660 /run/docker.sock",
        reds={"test_its_socket_is_for_root_and_its_group_alone": ("438", "432")},
    ),
)
