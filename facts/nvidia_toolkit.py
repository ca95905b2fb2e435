"""NVIDIA's container toolkit as apt and dpkg have it on the host."""

from functools import cached_property

from testinfra.host import Host

PACKAGES = (
    "nvidia-container-toolkit",
    "nvidia-container-toolkit-base",
    "libnvidia-container-tools",
    "libnvidia-container1",
)
LIST_FILE = "/etc/apt/sources.list.d/nvidia-container-toolkit.list"
KEYRING = "/usr/share/keyrings/nvidia-container-toolkit-keyring.gpg"


class NvidiaToolkit:
    """The toolkit's packages, where they came from, and what keeps them.

    Example: `set(NvidiaToolkit(host).versions.values()) == {"1.20.0-1"}`
    """

    def __init__(self, host: Host) -> None:
        self._host = host

    @cached_property
    def versions(self) -> dict[str, str | None]:
        """Installed version by package; None where it is not installed."""
        packages = {name: self._host.package(name) for name in PACKAGES}
        return {name: str(package.version) if package.is_installed else None for name, package in packages.items()}

    @cached_property
    def held(self) -> frozenset[str]:
        """Every held package of the host."""
        return frozenset(self._host.check_output("apt-mark showhold").split())

    @cached_property
    def source_lines(self) -> tuple[str, ...]:
        """Active lines of the repository's own list file."""
        return _active(self._host.file(LIST_FILE).content_string)

    @cached_property
    def unsigned_sources(self) -> tuple[str, ...]:
        """Sources anywhere in apt that trust without a signature."""
        found = self._host.check_output(
            "grep -rhiE 'trusted ?[=:] ?yes|allow-insecure ?[=:] ?yes' /etc/apt/sources.list /etc/apt/sources.list.d "
            "2>/dev/null || true"
        )
        return _active(str(found))

    @cached_property
    def key_fingerprints(self) -> tuple[str, ...]:
        """Primary keys of the keyring."""
        listing = self._host.check_output(
            'home=$(mktemp -d) && gpg --homedir "$home" --with-colons --show-keys %s; rm -rf "$home"', KEYRING
        )
        fingerprints, primary = [], False
        for fields in (line.split(":") for line in listing.splitlines()):
            if fields[0] == "pub":
                primary = True
            elif fields[0] == "fpr" and primary:
                fingerprints.append(fields[9])
                primary = False
        return tuple(fingerprints)

    @cached_property
    def runs(self) -> str:
        """The release that the command itself says."""
        return str(self._host.check_output("nvidia-ctk --version | head -n 1")).rsplit(" ", 1)[-1]

    @cached_property
    def kept_from_unattended_upgrades(self) -> frozenset[str]:
        """Patterns that unattended upgrades leave alone."""
        dump = self._host.check_output("apt-config dump Unattended-Upgrade::Package-Blacklist")
        return frozenset(line.split('"')[1] for line in dump.splitlines() if line.count('"') == 2)

    @cached_property
    def runtime_mode(self) -> str:
        """`mode` of the nvidia runtime's configuration: auto and cdi make specifications, legacy is the hook."""
        config = self._host.file("/etc/nvidia-container-runtime/config.toml").content_string
        lines = (line.strip() for line in config.splitlines())
        return next((line.split('"')[1] for line in lines if line.startswith("mode =")), "auto")


def _active(text: str) -> tuple[str, ...]:
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))
