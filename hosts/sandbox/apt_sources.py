"""Package sources of the machine, as its apt configuration names them, and those the sandbox gets.

No mirror is named here: whatever this machine's apt may use, the sandbox may use.
"""

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hosts.sandbox.errors import SandboxError

MIRROR_VARIABLE = "GPUHOST_SANDBOX_MIRROR"
KEYRINGS = Path("/usr/share/keyrings")
POCKETS = ("", "-updates", "-security")


@dataclass(frozen=True)
class Source:
    """One archive at one suite. signed_by: keyring files, or an ASCII-armored key, or empty for apt's own."""

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str = ""

    def line(self, signed_by: str | None = None) -> str:
        """The one-line form of sources.list(5)."""
        keyring = self.signed_by if signed_by is None else signed_by
        option = f"[signed-by={keyring}] " if keyring else ""
        return f"deb {option}{self.uri} {self.suite} {' '.join(self.components)}"


@dataclass(frozen=True)
class Distribution:
    """What the sandbox is made of. machine_suites: names the machine's own release goes by in its sources."""

    name: str
    machine_suites: tuple[str, ...]
    suite: str
    components: tuple[str, ...]
    packages: tuple[str, ...]

    @property
    def keyring_name(self) -> str:
        return f"{self.name}-archive-keyring"


def distribution(os_release: str) -> Distribution:
    """Debian machines get Debian 13; Ubuntu machines, whose mirrors carry no Debian, their own release."""
    lines = (line.partition("=") for line in os_release.splitlines() if "=" in line)
    fields = {key: "".join(shlex.split(value)) for key, _, value in lines}
    like = {fields.get("ID", ""), *fields.get("ID_LIKE", "").split()}
    ubuntu_codename = fields.get("UBUNTU_CODENAME", "")
    if "ubuntu" in like and ubuntu_codename:
        return Distribution("ubuntu", (ubuntu_codename,), ubuntu_codename, ("main", "universe"), ())
    codename = fields.get("DEBIAN_CODENAME", fields.get("VERSION_CODENAME", ""))
    classes = ("oldoldstable", "oldstable", "stable", "testing", "unstable", "sid")
    return Distribution("debian", (codename, *classes), "trixie", ("main",), ("docker-cli",))


def machine_sources(apt_folder: Path = Path("/etc/apt")) -> list[Source]:
    """Every active binary source of this machine, in apt's order."""
    parts = sorted((apt_folder / "sources.list.d").glob("*"))
    found: list[Source] = []
    for file in [apt_folder / "sources.list", *parts]:
        if not file.is_file():
            continue
        text = file.read_text(errors="replace")
        if file.suffix == ".list":
            found += _from_lines(text)
        elif file.suffix == ".sources":
            found += _from_stanzas(text)
    return [replace(source, uri=_without_indirection(source.uri)) for source in found]


def sandbox_sources(
    machine: Iterable[Source], target: Distribution, environment: Mapping[str, str] | None = None
) -> list[Source]:
    """The machine's sources that carry the target distribution, turned to the target's suite.

    Raises SandboxError when there is none.
    """
    chosen = (os.environ if environment is None else environment).get(MIRROR_VARIABLE, "")
    if chosen:
        return [Source(chosen, target.suite, target.components)]
    found: dict[str, Source] = {}
    for source in sorted(machine, key=lambda source: not _is_archive_key(source.signed_by, target)):
        pocket = _pocket(source.suite, target.machine_suites)
        if pocket is None or "main" not in source.components:
            continue
        suite = target.suite + pocket
        found.setdefault(suite, Source(source.uri, suite, target.components, source.signed_by))
    if target.suite not in found:
        raise SandboxError(
            f"no package source of this machine's apt configuration carries {target.name}'s main archive; "
            f"name one in the environment variable {MIRROR_VARIABLE}, as in a 'deb' line: "
            f"the part between 'deb' and the suite"
        )
    return list(found.values())


def check_keyring(target: Distribution, keyrings: Path = KEYRINGS) -> None:
    """Refuses a machine whose Debian keyring is older than the release the sandbox is made of."""
    if target.name == "debian" and not any(keyrings.glob(f"debian-archive-{target.suite}-*")):
        raise SandboxError(
            f"the package debian-archive-keyring is missing here or does not know {target.suite}; "
            "update it: apt-get update && apt-get install debian-archive-keyring"
        )


def _pocket(suite: str, machine_suites: tuple[str, ...]) -> str | None:
    for base in filter(None, machine_suites):
        for pocket in POCKETS:
            if suite == base + pocket:
                return pocket
    return None


def _is_archive_key(signed_by: str, target: Distribution) -> bool:
    """Third parties use the suite's name too, but sign with keys of their own, so these come first."""
    return not signed_by or signed_by.startswith("-----BEGIN") or target.name in Path(signed_by.split(",")[0]).name


def _without_indirection(uri: str) -> str:
    """Cloud images name a file with a list of mirrors: `mirror+file:///etc/apt/mirrors/debian.list`."""
    if not uri.startswith("mirror+file:"):
        return uri
    file = Path(re.sub(r"^mirror\+file:/*", "/", uri))
    lines = file.read_text().splitlines() if file.is_file() else []
    return next((line.split()[0] for line in lines if line.strip() and not line.startswith("#")), uri)


def _from_lines(text: str) -> Iterator[Source]:
    for line in text.splitlines():
        match = re.match(r"^\s*deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<rest>[^#]+)", line)
        if match is None:
            continue
        uri, suite, *components = match["rest"].split()
        options = dict(option.split("=", 1) for option in (match["options"] or "").split() if "=" in option)
        yield Source(uri, suite, tuple(components), options.get("signed-by", ""))


def _from_stanzas(text: str) -> Iterator[Source]:
    without_comments = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", without_comments):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line[:1].isspace():
                fields[name] = fields.get(name, "") + "\n" + ("" if line.strip() == "." else line.strip())
            elif ":" in line:
                name, value = line.split(":", 1)
                name = name.strip().lower()
                fields[name] = value.strip()
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in (
            "no",
            "false",
        ):
            continue
        signed_by = fields.get("signed-by", "").strip()
        if not signed_by.startswith("-----BEGIN"):
            signed_by = ",".join(signed_by.split())
        components = tuple(fields.get("components", "").split())
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield Source(uri, suite, components, signed_by)
