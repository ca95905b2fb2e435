"""`. ./activate` works in sh, bash and zsh, from any directory, and heeds what the user has set himself."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.toolchain.conftest import Checkout, executable

SHELLS = [shell for shell in ("sh", "dash", "bash", "zsh") if shutil.which(shell)]
each_shell = pytest.mark.parametrize("shell", SHELLS)


@pytest.fixture
def ready(checkout: Checkout) -> Checkout:
    executable(checkout.linked_engine, "echo v3.259.0")
    return checkout


def source(checkout: Checkout, shell: str, lines: str, cwd: Path, **environment: str) -> list[str]:
    shell_path = shutil.which(shell)
    assert shell_path is not None
    done = subprocess.run(
        [shell_path, "-c", lines],
        cwd=cwd,
        env=checkout.environment | environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    return (done.stdout + done.stderr).splitlines()


@each_shell
@pytest.mark.parametrize("where", ["here", "below", "elsewhere", "relative"])
def test_it_finds_its_checkout_from_any_directory(ready: Checkout, shell: str, where: str, tmp_path: Path) -> None:
    file, cwd = {
        "here": ("./activate", ready.root),
        "below": ("../activate", ready.root / "toolchain"),
        "elsewhere": (str(ready.root / "activate"), tmp_path),
        "relative": ("checkout/activate", tmp_path),
    }[where]
    lines = source(
        ready,
        shell,
        f". {file}; command -v pulumi; command -v python; echo $PULUMI_HOME $PULUMI_BACKEND_URL",
        cwd,
    )
    assert lines == [
        f"{ready.root}/.gpuhost/bin/pulumi",
        f"{ready.root}/.venv/bin/python",
        f"{ready.root}/.pulumi-home file://{ready.root}/.pulumi-state?metadata=skip",
    ]
    assert (ready.root / ".pulumi-state").is_dir()


@each_shell
def test_sourcing_twice_adds_nothing_and_leaves_no_names(ready: Checkout, shell: str) -> None:
    once, twice, left = source(
        ready,
        shell,
        '. ./activate; echo "$PATH"; . ./activate; echo "$PATH"; set | grep -c "^_gpuhost"',
        ready.root,
    )
    assert once == twice
    assert left == "0"


@each_shell
def test_the_checkouts_passphrase_is_the_default(ready: Checkout, shell: str) -> None:
    lines = source(ready, shell, ". ./activate; echo $PULUMI_CONFIG_PASSPHRASE_FILE", ready.root)
    assert lines == [f"{ready.root}/.gpuhost/passphrase"]


@each_shell
@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PULUMI_CONFIG_PASSPHRASE", "mine", "mine,unset"),
        ("PULUMI_CONFIG_PASSPHRASE", "", ",unset"),
        ("PULUMI_CONFIG_PASSPHRASE_FILE", "/mine", "unset,/mine"),
    ],
)
def test_a_passphrase_of_the_users_own_stays(ready: Checkout, shell: str, name: str, value: str, expected: str) -> None:
    show = 'echo "${PULUMI_CONFIG_PASSPHRASE-unset},${PULUMI_CONFIG_PASSPHRASE_FILE-unset}"'
    assert source(ready, shell, f". ./activate; {show}", ready.root, **{name: value}) == [expected]


@each_shell
def test_before_the_toolchain_is_there_it_says_what_to_run(checkout: Checkout, shell: str) -> None:
    message, status = source(checkout, shell, ". ./activate 2>&1; echo $?", checkout.root)
    assert message == f"activate: the toolchain is not installed yet; run: make -C {checkout.root} toolchain"
    assert status == "1"
