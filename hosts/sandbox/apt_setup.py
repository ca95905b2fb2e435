"""What apt inside the sandbox needs besides package sources: keys, proxy and certificate authority."""

import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hosts.sandbox.apt_sources import (
    KEYRINGS,
    Distribution,
    Source,
    distribution,
    machine_sources,
    sandbox_sources,
)

# How this machine's apt reaches its mirrors. Nothing that weakens signature checks is on this list.
_OPTION = re.compile(
    r"^Acquire::(?:(?:http|https|ftp)::(?:.*::)?(?:Proxy|CAInfo|Verify-Peer|Verify-Host|Timeout|User-Agent)"
    r"|Check-Valid-Until|Check-Date|Max-FutureTime|ForceIPv4|ForceIPv6|Retries) "
)
_CA_OPTION = re.compile(r'^(Acquire::https::(?:.*::)?CAInfo) "(.*)";$')
_MACHINE_CA = Path("/etc/ssl/certs/ca-certificates.crt")
_CA_INSIDE = "/etc/gpuhost/apt-ca.crt"


@dataclass(frozen=True)
class AptSetup:
    """The sources, and apt's own options as lines of apt.conf(5)."""

    target: Distribution
    sources: tuple[Source, ...]
    options: tuple[str, ...]

    @property
    def warnings(self) -> list[str]:
        """What will work here but not inside the sandbox."""
        loopback = re.compile(r"//(?:[^/@]*@)?(?:localhost|127\.|\[::1\])")
        uses = [*(source.uri for source in self.sources), *self.options]
        return [
            f"apt inside the sandbox cannot reach this machine's loopback: {use}"
            for use in uses
            if loopback.search(use)
        ]

    def files(self) -> dict[str, bytes]:
        """Files for the sandbox by absolute path."""
        written: dict[str, bytes] = {}
        lines = []
        for source in self.sources:
            keys = [_inside(key, written) for key in _keys(source.signed_by)]
            lines.append(source.line(",".join(keys)))
        options = [self._with_ca_inside(option, written) for option in self.options]
        over_https = any(source.uri.startswith("https:") for source in self.sources)
        if over_https and _MACHINE_CA.is_file() and not any(map(_CA_OPTION.match, options)):
            written[_CA_INSIDE] = _MACHINE_CA.read_bytes()
            options.append(f'Acquire::https::CAInfo "{_CA_INSIDE}";')
        written[f"/etc/apt/sources.list.d/{self.target.name}.list"] = _text(lines)
        if options:
            written["/etc/apt/apt.conf.d/50gpuhost-machine"] = _text(options)
        return written

    @staticmethod
    def _with_ca_inside(option: str, written: dict[str, bytes]) -> str:
        match = _CA_OPTION.match(option)
        if match is None or not Path(match[2]).is_file():
            return option
        written[_CA_INSIDE] = Path(match[2]).read_bytes()
        return f'{match[1]} "{_CA_INSIDE}";'


def read_apt_setup(environment: Mapping[str, str]) -> AptSetup:
    """This machine's apt configuration, turned to what the sandbox is made of. Raises SandboxError."""
    target = machine_distribution()
    sources = sandbox_sources(machine_sources(), target, environment)
    try:
        dump = subprocess.run(["apt-config", "dump"], check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        dump = ""
    return AptSetup(target, tuple(sources), tuple(transport_options(dump.splitlines(), environment)))


def machine_distribution() -> Distribution:
    """What sandboxes on this machine are made of."""
    os_release = Path("/etc/os-release")
    return distribution(os_release.read_text() if os_release.is_file() else "")


def transport_options(apt_config: Iterable[str], environment: Mapping[str, str]) -> list[str]:
    """The options that say how mirrors are reached; a proxy of the environment becomes apt's."""
    options = [line for line in apt_config if _OPTION.match(line)]
    for scheme in ("http", "https"):
        proxy = environment.get(f"{scheme}_proxy", "")
        if proxy and not any(option.startswith(f"Acquire::{scheme}::Proxy ") for option in options):
            options.append(f'Acquire::{scheme}::Proxy "{proxy}";')
    return options


def build_lines(setup: AptSetup, folder: Path) -> list[str]:
    """Source lines to build from, on this machine; keys given in the text are written into the folder."""
    lines = []
    for source in setup.sources:
        signed_by = source.signed_by
        if signed_by.startswith("-----BEGIN"):
            key = folder / "archive-key.asc"
            key.write_text(signed_by + "\n")
            signed_by = str(key)
        lines.append(source.line(signed_by))
    return lines


def _keys(signed_by: str) -> list[str]:
    if signed_by.startswith("-----BEGIN"):
        return [signed_by]
    return [key for key in signed_by.split(",") if key]


def _inside(key: str, written: dict[str, bytes]) -> str:
    """Where the key is found inside: the distribution's own keyring package is there already."""
    if key.startswith("-----BEGIN"):
        path = "/etc/apt/keyrings/gpuhost-archive-key.asc"
        written[path] = key.encode() + b"\n"
        return path
    file = Path(key)
    if not file.is_file() or (file.parent == KEYRINGS and re.match(r"(debian|ubuntu)-archive", file.name)):
        return key
    path = f"/etc/apt/keyrings/gpuhost-{file.name}"
    written[path] = file.read_bytes()
    return path


def _text(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
