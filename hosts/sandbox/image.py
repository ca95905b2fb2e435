"""The sandbox's image: made from distribution packages alone, kept by a digest of its recipe."""

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Literal

import docker
from docker.errors import APIError, ImageNotFound

from hosts.sandbox.apt_setup import AptSetup, build_lines
from hosts.sandbox.apt_sources import Distribution, check_keyring
from hosts.sandbox.engine import Report
from hosts.sandbox.errors import SandboxError
from hosts.sandbox.lock import cache_folder, only_one

Flavour = Literal["docker", "bare"]
REPOSITORY = "gpuhost-sandbox"
RECIPE = Path(__file__).parent / "image"

# What a freshly rented server has.
BARE = (
    "apt", "ca-certificates", "curl", "dbus", "gpg", "iproute2", "openssh-server", "procps", "python3",
    "sudo", "systemd", "systemd-sysv",
)  # fmt: skip
# The engine's package leaves its client and iptables to recommendations on some releases.
DOCKER = ("docker.io", "iptables")


def packages(flavour: Flavour, target: Distribution) -> tuple[str, ...]:
    """Everything installed beyond the distribution's minimum."""
    return BARE if flavour == "bare" else (*BARE, *DOCKER, *target.packages)


def image_tag(flavour: Flavour, target: Distribution) -> str:
    """`gpuhost-sandbox:<flavour>-<digest of the recipe>`."""
    digest = hashlib.sha256()
    parts = [platform.machine(), target.name, target.suite, *packages(flavour, target)]
    digest.update("\n".join(parts).encode())
    for file in sorted(RECIPE.iterdir()):
        digest.update(b"\0" + file.name.encode() + b"\0" + file.read_bytes())
    return f"{REPOSITORY}:{flavour}-{digest.hexdigest()[:12]}"


def ensure_image(client: docker.DockerClient, flavour: Flavour, setup: AptSetup, report: Report) -> str:
    """The image's tag, once the engine has it: at hand, from the user's cache, or built in half a minute.

    Raises SandboxError with the builder's last lines where that fails.
    """
    tag = image_tag(flavour, setup.target)
    if _has(client, tag):
        return tag
    with only_one(cache_folder() / f"sandbox-{flavour}.lock", report):
        if not _has(client, tag):
            archive = cache_folder() / f"sandbox-{tag.partition(':')[2]}.tar"
            if not archive.is_file():
                _build(flavour, setup, archive, report)
                _forget_older(client, flavour, report)
            report(f"importing {archive.name} into the engine")
            _import(client, archive, tag)
    return tag


def _has(client: docker.DockerClient, tag: str) -> bool:
    try:
        client.images.get(tag)
    except ImageNotFound:
        return False
    return True


def _forget_older(client: docker.DockerClient, flavour: Flavour, report: Report) -> None:
    """Keeps the two newest recipes, for two branches; an image that a sandbox uses stays."""
    archives = sorted(cache_folder().glob(f"sandbox-{flavour}-*.tar"), key=lambda file: file.stat().st_mtime)
    for archive in archives[:-2]:
        report(f"removing {archive.name}, an older recipe")
        archive.unlink()
        with suppress(ImageNotFound, APIError):
            client.images.remove(f"{REPOSITORY}:{archive.stem.removeprefix('sandbox-')}")


def _import(client: docker.DockerClient, archive: Path, tag: str) -> None:
    repository, _, version = tag.partition(":")
    changes = ["ENV container=docker", 'CMD ["/usr/local/sbin/gpuhost-pre-init"]']
    answer = client.api.import_image(src=str(archive), repository=repository, tag=version, changes=changes)
    if not _has(client, tag):
        raise SandboxError(f"the engine did not import {archive}: {answer}; delete that file and try again")


def _build(flavour: Flavour, setup: AptSetup, archive: Path, report: Report) -> None:
    check_keyring(setup.target)
    _ensure_mmdebstrap(report)
    started = time.monotonic()
    report(f"building the {flavour} image of {setup.target.name} {setup.target.suite} from its packages")
    with tempfile.TemporaryDirectory(prefix="gpuhost-image-") as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)  # mmdebstrap reads the recipe as another user when it runs without root
        shutil.copytree(RECIPE, folder / "image")
        options = folder / "machine.conf"
        options.write_text("".join(f"{option}\n" for option in setup.options))
        partial = archive.with_suffix(f".{os.getpid()}.part")
        command = [
            "mmdebstrap", "--variant=minbase", "--format=tar", "--skip=output/dev", f"--aptopt={options}",
            "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
            "--dpkgopt=path-exclude=/usr/share/locale/*",
            f"--include={','.join(packages(flavour, setup.target))}",
            f"--customize-hook={folder / 'image' / 'customize.sh'}",
            setup.target.suite, str(partial), *build_lines(setup, folder),
        ]  # fmt: skip
        try:
            _run_with_progress(command, report)
            partial.replace(archive)
        finally:
            partial.unlink(missing_ok=True)
    report(f"built in {time.monotonic() - started:.0f} s: {archive} ({archive.stat().st_size >> 20} MiB)")


def _run_with_progress(command: list[str], report: Report) -> None:
    last: deque[str] = deque(maxlen=25)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout or ():
            last.append(line.rstrip())
            if line.startswith("I: ") and not line.startswith("I: success"):
                report(f"  {line[3:].rstrip()}")
    if process.returncode != 0:
        raise SandboxError("mmdebstrap could not build the image; its last lines:\n  " + "\n  ".join(last))


def _ensure_mmdebstrap(report: Report) -> None:
    if shutil.which("mmdebstrap"):
        return
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "mmdebstrap"]
    if os.geteuid() != 0:
        if not shutil.which("sudo"):
            raise SandboxError(f"mmdebstrap is missing; as root, please run: {' '.join(install)}")
        install = ["sudo", *install]
    if not shutil.which("apt-get"):
        raise SandboxError("mmdebstrap is missing and this machine has no apt-get to install it with")
    report(f"installing mmdebstrap, which builds the image: {' '.join(install)}")
    if subprocess.run(install, check=False, stdout=subprocess.DEVNULL).returncode != 0:
        raise SandboxError(f"this failed, its message is above: {' '.join(install)}")
