"""OpenSSH's command-line options, as far as a connection to a Docker host needs them.

An option that is not understood is refused: leaving out one that restricts
what a connection may do would be worse than an error.
"""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from toolchain.plugins.docker.errors import PluginError

DEFAULT_CONNECT_TIMEOUT_SECONDS = 30

#: Options that change nothing here: one verified connection carries every request anyway.
_WITHOUT_EFFECT = frozenset(
    (
        "addkeystoagent", "batchmode", "checkhostip", "clearallforwardings", "compression", "controlmaster",
        "controlpath", "controlpersist", "escapechar", "exitonforwardfailure", "forwardagent", "forwardx11",
        "gssapiauthentication", "hashknownhosts", "kbdinteractiveauthentication", "loglevel",
        "numberofpasswordprompts", "passwordauthentication", "preferredauthentications",
        "pubkeyauthentication", "requesttty", "tcpkeepalive", "updatehostkeys", "visualhostkey",
    )
)  # fmt: skip
#: Options with an effect, with the field that holds their value.
_TEXT_OPTIONS = {"hostname": "hostname", "hostkeyalias": "host_key_alias", "user": "user"}
_INT_OPTIONS = {
    "port": "port",
    "connecttimeout": "connect_timeout_seconds",
    "serveraliveinterval": "alive_interval_seconds",
    "connectionattempts": "connection_attempts",
}
_FLAGS_WITHOUT_EFFECT = frozenset("46aCkNnqTtvxXy")
_PATH_LISTS = {
    "userknownhostsfile": "user_known_hosts_files",
    "globalknownhostsfile": "global_known_hosts_files",
}
_STRICT = {
    "yes": "yes",
    "ask": "yes",
    "true": "yes",
    "accept-new": "accept-new",
    "no": "no",
    "off": "no",
    "false": "no",
}


@dataclass
class SshOptions:
    """What the options say; None and empty lists mean that they say nothing."""

    user: str | None = None
    port: int | None = None
    hostname: str | None = None
    host_key_alias: str | None = None
    identity_files: list[Path] = field(default_factory=list)
    identities_only: bool = False
    identity_agent: str | None = None
    user_known_hosts_files: list[Path] | None = None
    global_known_hosts_files: list[Path] | None = None
    strict_host_key_checking: str = "yes"
    connect_timeout_seconds: int = DEFAULT_CONNECT_TIMEOUT_SECONDS
    connection_attempts: int = 1
    alive_interval_seconds: int = 0
    host_key_algorithms: list[str] = field(default_factory=list)
    config_file: Path | None = None


def parse_ssh_options(arguments: Sequence[str]) -> SshOptions:
    """Parse ssh arguments such as ``-o Key=Value``, ``-i file``, ``-p 2222``.

    Raises PluginError naming an option that is unknown or has no proper value.
    """
    options = SshOptions()
    given: set[str] = set()
    remaining = list(arguments)
    while remaining:
        argument = remaining.pop(0).strip()
        if not argument.startswith("-") or len(argument) < 2:
            raise PluginError(f"sshOpts: {argument!r} is not an option of ssh")
        flag, attached = argument[1], argument[2:].strip()
        if flag in "oipFlJ":
            if not attached and not remaining:
                raise PluginError(f"sshOpts: -{flag} needs a value")
            _flag(options, given, flag, attached or remaining.pop(0).strip())
        elif set(argument[1:]) - _FLAGS_WITHOUT_EFFECT:
            raise PluginError(f"sshOpts: the ssh option {argument!r} is not supported")
    return options


def _flag(options: SshOptions, given: set[str], flag: str, value: str) -> None:
    if flag == "F":
        options.config_file = expand(value)
    elif flag == "i":
        options.identity_files.append(expand(value))
    elif flag == "p":
        _set(options, given, "port", value)
    elif flag == "l":
        _set(options, given, "user", value)
    elif flag == "J":
        _set(options, given, "proxyjump", value)
    else:
        _option(options, given, value)


def _option(options: SshOptions, given: set[str], text: str) -> None:
    """One ``-o`` value: ``Key=Value`` or ``Key Value``."""
    key, separator, value = text.partition("=")
    if not separator or " " in key.strip():
        key, _, value = text.strip().partition(" ")
    if not value.strip():
        raise PluginError(f"sshOpts: -o {text} needs a value, as in Key=Value")
    _set(options, given, key.strip(), value.strip().strip('"'))


def _set(options: SshOptions, given: set[str], name: str, value: str) -> None:
    key = name.lower()
    if key == "identityfile":
        options.identity_files.append(expand(value))
        return
    if key in given:
        return  # as in OpenSSH, the first value of an option counts
    given.add(key)
    apply_option(options, name, value)


def apply_option(options: SshOptions, name: str, value: str) -> None:
    """Set one option by its OpenSSH name."""
    key = name.lower()
    if key in _TEXT_OPTIONS:
        setattr(options, _TEXT_OPTIONS[key], value)
    elif key in _INT_OPTIONS:
        setattr(options, _INT_OPTIONS[key], _whole_number(name, value))
    elif key == "stricthostkeychecking":
        options.strict_host_key_checking = _strictness(name, value)
    elif key == "identitiesonly":
        options.identities_only = value.lower() in ("yes", "true")
    elif key == "identityagent":
        options.identity_agent = value
    elif key in _PATH_LISTS:
        setattr(options, _PATH_LISTS[key], [] if value == "none" else [expand(part) for part in value.split()])
    elif key == "hostkeyalgorithms":
        options.host_key_algorithms = [part for part in value.split(",") if part[:1] not in "+-^"]
    elif key not in _WITHOUT_EFFECT:
        raise PluginError(f"sshOpts: the ssh option {name!r} is not supported")


def _whole_number(name: str, value: str) -> int:
    if not value.isdigit():
        raise PluginError(f"sshOpts: {name} must be a whole number, got {value!r}")
    return int(value)


def _strictness(name: str, value: str) -> str:
    if value.lower() not in _STRICT:
        raise PluginError(f"sshOpts: {name} must be yes, no, ask or accept-new, got {value!r}")
    return _STRICT[value.lower()]


def expand(path: str) -> Path:
    """A path of ssh: ``~`` and ``%d`` are the home, a relative one starts at the working directory."""
    text = path.strip('"').replace("%d", str(Path.home())).replace("%u", getpass.getuser())
    return Path(text).expanduser().absolute()
