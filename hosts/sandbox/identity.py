"""Keys of a sandbox, made before it exists: its host key is known without trusting the network."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from hosts.sandbox.addresses import SSH_PORT, address


@dataclass(frozen=True)
class Identity:
    """The files of one sandbox in the checkout: `.sandbox/<name>/`."""

    name: str
    folder: Path

    @property
    def private_key_file(self) -> Path:
        return self.folder / "id_ed25519"

    @property
    def host_private_key_file(self) -> Path:
        return self.folder / "ssh_host_ed25519_key"

    @property
    def host_key_file(self) -> Path:
        return self.folder / "host_key.pub"

    @property
    def known_hosts_file(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def ssh_config_file(self) -> Path:
        return self.folder / "ssh_config"

    @property
    def public_key(self) -> str:
        return self.private_key_file.with_suffix(".pub").read_text().strip()

    @property
    def host_key(self) -> str:
        """`ssh-ed25519 AAAA…`, one line without a comment."""
        return self.host_key_file.read_text().strip()

    def is_complete(self) -> bool:
        files = (self.private_key_file, self.host_private_key_file, self.host_key_file, self.known_hosts_file)
        return all(file.is_file() for file in (*files, self.ssh_config_file))

    def create(self, number: int) -> None:
        """Makes both key pairs, where missing, and the files ssh needs to reach sandbox `number`."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _key_pair(self.private_key_file, f"gpuhost-sandbox-{self.name}")
        _key_pair(self.host_private_key_file, "")
        public = self.host_private_key_file.with_suffix(".pub").read_text().split()
        self.host_key_file.write_text(" ".join(public[:2]) + "\n")
        self.known_hosts_file.write_text(f"[{address(number)}]:{SSH_PORT} {self.host_key}\n")
        self.ssh_config_file.write_text(self._ssh_config(number))

    def _ssh_config(self, number: int) -> str:
        return f"""\
# ssh -F {self.ssh_config_file} {self.name}
Host {self.name} {address(number)}
    HostName {address(number)}
    Port {SSH_PORT}
    User root
    IdentityFile "{self.private_key_file}"
    IdentitiesOnly yes
    IdentityAgent none
    UserKnownHostsFile "{self.known_hosts_file}"
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    HostKeyAlgorithms ssh-ed25519
    UpdateHostKeys no
    BatchMode yes
    ConnectTimeout 10
    LogLevel ERROR
"""


def _key_pair(file: Path, comment: str) -> None:
    if not (file.is_file() and file.with_suffix(".pub").is_file()):
        file.unlink(missing_ok=True)
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(file)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
