"""The model's files as they lie in their volume."""

from functools import cached_property

from testinfra.host import Host


class ModelFiles:
    """Every file of a volume by its path there.

    Example: `ModelFiles(host, "gpuhost-model-tiny").sha256["config.json"]`
    """

    def __init__(self, host: Host, volume: str) -> None:
        self._host = host
        self.volume = volume

    @cached_property
    def folder(self) -> str:
        """Where the volume lies on the host. AssertionError where it does not exist."""
        result = self._host.run("docker volume inspect --format '{{.Mountpoint}}' %s", self.volume)
        assert result.succeeded, f"there is no volume '{self.volume}' on this host: {result.stderr.strip()}"  # noqa: S101
        return str(result.stdout).strip()

    @cached_property
    def sha256(self) -> dict[str, str]:
        """SHA-256 by path, hashed now."""
        listing = self._host.check_output("cd %s && find . -type f -exec sha256sum {} +", self.folder)
        pairs = (line.split("  ./", 1) for line in listing.splitlines())
        return {path: digest for digest, path in pairs}
