"""What apt, nvidia-smi, CDI and Docker print is read as what it means."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from facts.docker_daemon import DockerDaemon
from facts.gpu import Gpu, Gpus
from facts.nvidia_toolkit import NvidiaToolkit
from facts.versions import release

SMI = (
    "0, GPU-5a5d0000-0000-4000-8000-000000000000, NVIDIA A10G, 23028\n"
    "1, GPU-5a5d0000-0000-4000-8000-000000000001, NVIDIA A10G, 23028\n"
)
CDI = (
    "nvidia.com/gpu=0\nnvidia.com/gpu=GPU-5a5d0000-0000-4000-8000-000000000000\n"
    "nvidia.com/gpu=1\nnvidia.com/gpu=GPU-5a5d0000-0000-4000-8000-000000000001\nnvidia.com/gpu=all\n"
)
KEYS = (
    "pub:-:4096:1:DDCAE044F796ECB0:1500000000:::-:::scESC::::::23::0:\n"
    "fpr:::::::::C95B321B61E88C1809C4F759DDCAE044F796ECB0:\n"
    "uid:-::::1500000000::X::NVIDIA::::::::::0:\n"
    "sub:-:4096:1:6ED91CA3AC1160CD:1500000000::::::e::::::23:\n"
    "fpr:::::::::AAAA321B61E88C1809C4F7596ED91CA3AC1160CD:\n"
)
PACKAGES = (
    "ii  nvidia-smi\nii  nvidia-container-toolkit\nii  libnvidia-ml1\nrc  nvidia-driver\nhi  libcuda1\nii  libc6\n"
)


@dataclass
class Answer:
    stdout: str
    succeeded: bool = True
    stderr: str = ""


@dataclass
class Machine:
    """Stands where a testinfra host would: the first pattern found in a command gives its answer."""

    answers: dict[str, str]
    fails: bool = False

    def run(self, command: str, *words: str) -> Answer:
        asked = command % words if words else command
        for pattern, answer in self.answers.items():
            if pattern in asked:
                return Answer(answer, not self.fails)
        raise AssertionError(f"nothing was to ask for: {asked}")

    def check_output(self, command: str, *words: str) -> str:
        return self.run(command, *words).stdout


def machine(answers: dict[str, str], *, fails: bool = False) -> Any:
    return Machine(answers, fails)


def test_every_gpu_is_read_with_its_memory() -> None:
    assert Gpus(machine({"--query-gpu": SMI})).devices[1] == Gpu(
        1, "GPU-5a5d0000-0000-4000-8000-000000000001", "NVIDIA A10G", 23028
    )


def test_cdi_and_driver_agree_on_the_same_uuids() -> None:
    gpus = Gpus(machine({"--query-gpu": SMI, "cdi list": CDI}))
    assert gpus.cdi_uuids == gpus.uuids
    assert len(gpus.uuids) == 2


def test_a_gpu_lost_inside_a_container_is_told_in_nvidia_smis_words() -> None:
    lost = Gpus(machine({"docker exec": "Failed to initialize NVML: Unknown Error\n"}, fails=True))
    with pytest.raises(AssertionError, match="in 'vllm-1': Failed to initialize NVML: Unknown Error"):
        lost.seen_by("vllm-1")


def test_the_library_version_is_its_files() -> None:
    path = "/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.580.159.03"
    assert Gpus(machine({"readlink": path})).library_version == "580.159.03"


def test_the_drivers_packages_are_those_that_are_installed_and_not_the_toolkits() -> None:
    assert Gpus(machine({"dpkg-query": PACKAGES})).kept_packages == ("nvidia-smi", "libnvidia-ml1", "libcuda1")


def test_subkeys_are_not_taken_for_keys() -> None:
    toolkit = NvidiaToolkit(machine({"--show-keys": KEYS}))
    assert toolkit.key_fingerprints == ("C95B321B61E88C1809C4F759DDCAE044F796ECB0",)


def test_the_toolkit_says_its_release() -> None:
    said = "NVIDIA Container Toolkit CLI version 1.20.0\n"
    assert NvidiaToolkit(machine({"nvidia-ctk --version": said.strip()})).runs == "1.20.0"


def test_patterns_of_unattended_upgrades_are_read_from_apts_dump() -> None:
    dump = 'Unattended-Upgrade::Package-Blacklist "";\nUnattended-Upgrade::Package-Blacklist:: "docker-ce";\n'
    toolkit = NvidiaToolkit(machine({"apt-config dump": dump}))
    assert "docker-ce" in toolkit.kept_from_unattended_upgrades


@pytest.mark.parametrize(
    ("flags", "hosts", "open_to_network"),
    [
        ("dockerd -H fd://", [], False),
        ("dockerd -H fd:// -H tcp://0.0.0.0:2375", [], True),
        ("dockerd", ["unix:///run/docker.sock", "tcp://0.0.0.0:2376"], True),
    ],
)
def test_a_daemon_on_tcp_is_seen_in_flags_and_file(flags: str, hosts: list[str], open_to_network: bool) -> None:
    daemon = DockerDaemon(machine({"cmdline": flags}))
    daemon.__dict__["config"] = {"hosts": hosts}
    assert daemon.listens_on_tcp is open_to_network


def test_without_cdi_there_are_no_folders() -> None:
    assert DockerDaemon(machine({"docker info": json.dumps({"CDISpecDirs": None})})).cdi_folders == ()


def test_a_daemon_older_than_its_file_does_not_run_with_it() -> None:
    assert not DockerDaemon(machine({"date -d": "100", "stat -c": "101"})).runs_with_its_file
    assert DockerDaemon(machine({"date -d": "101", "stat -c": "101"})).runs_with_its_file


@pytest.mark.parametrize(
    ("text", "numbers"), [("26.1.5+dfsg1", (26, 1, 5)), ("580.159.03", (580, 159, 3)), ("29.0.0-rc.1", (29, 0, 0))]
)
def test_versions_are_their_leading_numbers(text: str, numbers: tuple[int, ...]) -> None:
    assert release(text) == numbers


def test_text_that_is_no_version_is_refused() -> None:
    with pytest.raises(ValueError, match="does not begin with a version"):
        release("unknown")
