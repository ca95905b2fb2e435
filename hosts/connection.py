"""How a host is reached: SSH with a host key that is known beforehand, always."""

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from hosts.spec import Integer, Spec

_HOST_KEY = re.compile(r"^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)) [A-Za-z0-9+/]{60,}={0,3}$")
_USER = re.compile(r"^[a-z_][a-z0-9_-]{0,31}$")
_DNS_NAME = re.compile(
    r"^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$"
)

Port = Annotated[Integer, Field(ge=1, le=65535)]


def host_key_line(text: str) -> str:
    """The `type base64` of a public key line, its comment cut.

    Raises ValueError for anything that is not one OpenSSH public key.
    """
    words = text.split()
    line = " ".join(words[:2])
    if len(text.strip().splitlines()) != 1 or not _HOST_KEY.match(line):
        raise ValueError(
            "must be the host's public key in one line, 'ssh-ed25519 AAAA…', "
            "as /etc/ssh/ssh_host_ed25519_key.pub on the host shows it"
        )
    return line


def is_ip_address(value: str) -> bool:
    """Whether the text is an IPv4 or IPv6 address in its usual spelling."""
    try:
        ip_address(value)
    except ValueError:
        return False
    return True


def _address(value: str) -> str:
    looks_like_ipv4 = re.fullmatch(r"[\d.]+", value) is not None
    if not is_ip_address(value) and (looks_like_ipv4 or not _DNS_NAME.match(value)):
        raise ValueError("must be a host name or an IP address, without user, port or scheme")
    return value


def _user(value: str) -> str:
    if not _USER.match(value):
        raise ValueError("must be a Unix user name, for example 'root' or 'ubuntu'")
    return value


Address = Annotated[str, AfterValidator(_address)]
User = Annotated[str, AfterValidator(_user)]
HostKey = Annotated[str, AfterValidator(host_key_line)]


class SshEndpoint(Spec):
    """One SSH server: where it is, who logs in, and the key it must show."""

    address: Address
    port: Port = 22
    user: User = "root"
    host_key: HostKey | None = None
    host_key_file: Path | None = None
    private_key_file: Path | None = None

    @model_validator(mode="after")
    def _one_host_key(self) -> Self:
        if (self.host_key is None) == (self.host_key_file is None):
            raise ValueError(
                "needs exactly one of host_key (the line itself) and host_key_file (a file with it); "
                "read it on the host from /etc/ssh/ssh_host_ed25519_key.pub, never from the network"
            )
        return self

    def read_host_key(self, base: Path) -> str:
        """The host key line, read from `host_key_file` (relative to `base`) where that is what was given.

        Raises FileNotFoundError or ValueError with the path in the text.
        """
        if self.host_key is not None:
            return self.host_key
        assert self.host_key_file is not None  # noqa: S101 - _one_host_key holds
        path = resolve(base, self.host_key_file)
        try:
            return host_key_line(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def read_private_key(self, base: Path) -> str | None:
        """The private key's text, or None where the SSH agent holds it."""
        if self.private_key_file is None:
            return None
        return resolve(base, self.private_key_file).read_text(encoding="utf-8")


class SshConnection(SshEndpoint):
    """The way to a host, through a jump host where one is named."""

    jump: SshEndpoint | None = None


def resolve(base: Path, path: Path) -> Path:
    """`path` with `~` expanded, relative ones taken from `base` (the stack file's folder)."""
    expanded = path.expanduser()
    return expanded if expanded.is_absolute() else base / expanded
