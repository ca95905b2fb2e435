"""A testinfra host from a stack's outputs, with the host key checked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import testinfra
from testinfra.host import Host

from hosts.connection import SshConnection, resolve


def connect(outputs: Mapping[str, Any], folder: Path, scratch: Path) -> Host:
    """The live host that `outputs` (one entry of the stack's `hosts`) describes.

    Relative key paths start at `folder`; `scratch` takes the known_hosts file and the control socket.
    Nothing is contacted yet. Raises ValidationError where the outputs hold no usable connection.

    Example: `connect(outputs["dev"], Path.cwd(), tmp_path).check_output("uname -n")`
    """
    ssh = SshConnection.model_validate(dict(outputs["ssh"]))
    known = f"[{ssh.address}]:{ssh.port}" if ssh.port != 22 else ssh.address
    hosts_file = scratch / "known_hosts"
    lines = [f"{known} {ssh.host_key}"]
    options = ["BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=10", f"UserKnownHostsFile={hosts_file}"]
    options.append(f"ControlPath={scratch}/%C")
    if ssh.jump is not None:
        options.append(f"ProxyJump={ssh.jump.user}@{ssh.jump.address}:{ssh.jump.port}")
        lines.append(f"{ssh.jump.address} {ssh.jump.host_key}")
    if ssh.private_key_file is not None:
        options += ["IdentitiesOnly=yes", f"IdentityFile={resolve(folder, ssh.private_key_file)}"]
    hosts_file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return testinfra.get_host(
        f"ssh://{ssh.user}@{ssh.address}:{ssh.port}?sudo={'false' if ssh.user == 'root' else 'true'}",
        ssh_extra_args=" ".join(f"-o {option}" for option in options),
    )
