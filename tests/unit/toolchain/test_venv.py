"""The virtual environment follows the lock files: unchanged files cost nothing, changed ones an update."""

from tests.unit.toolchain.conftest import Checkout, lock_digest

LOGS = 'echo "$*" >>"$LOG"'


def test_one_that_matches_the_lock_files_is_left_alone(checkout: Checkout) -> None:
    checkout.fake("python", LOGS, checkout.root / ".venv" / "bin")
    log = checkout.home / "log"
    done = checkout.run("toolchain/venv.sh", LOG=str(log))
    assert (done.returncode, done.stderr) == (0, "")
    assert "pip" not in log.read_text()


def test_a_changed_lock_file_updates_it_with_hashes_checked(checkout: Checkout) -> None:
    checkout.fake("python", LOGS, checkout.root / ".venv" / "bin")
    checkout.fake("python3", LOGS)
    log = checkout.home / "log"
    with (checkout.root / "requirements.txt").open("a") as file:
        file.write("# changed\n")
    done = checkout.run("toolchain/venv.sh", LOG=str(log))
    assert done.returncode == 0, done.stderr
    (install,) = (line for line in log.read_text().splitlines() if "pip install" in line)
    assert "--require-hashes" in install
    for name in ("requirements.txt", "requirements-dev.txt"):
        assert f"-r {checkout.root / name}" in install
    assert (checkout.root / ".venv" / ".lock-digest").read_text().strip() == lock_digest(checkout.root)


def test_a_failed_install_is_not_taken_for_done(checkout: Checkout) -> None:
    checkout.fake("python", 'case "$*" in *pip*) echo no route; exit 1 ;; esac', checkout.root / ".venv/bin")
    checkout.fake("python3", "")
    stamp = checkout.root / ".venv" / ".lock-digest"
    stamp.write_text("older\n")
    done = checkout.run("toolchain/venv.sh")
    assert done.returncode != 0
    assert "no route" in done.stderr
    assert stamp.read_text() == "older\n"


def test_a_python_that_is_too_old_is_refused_by_name(checkout: Checkout) -> None:
    (checkout.root / ".venv" / ".lock-digest").unlink()
    old = checkout.fake("python3.10", "exit 1")  # what the version check of an old one comes to
    done = checkout.run("toolchain/venv.sh", PYTHON=str(old))
    assert done.returncode != 0
    assert f"PYTHON={old} does not run or is older than 3.11" in done.stderr


def test_a_bare_machine_gets_python_from_its_packages(checkout: Checkout) -> None:
    """No Python at all: apt-get is asked for it, and what still lacks afterwards is said."""
    (checkout.root / ".venv" / "bin" / "python").unlink()
    checkout.fake("id", "echo 0")
    checkout.fake("apt-get", 'echo "$*" >>"$LOG"')
    log = checkout.home / "log"
    done = checkout.run("toolchain/venv.sh", LOG=str(log))
    assert done.returncode != 0
    assert "installing python3 python3-venv with apt-get: no Python 3.11 or newer was found" in done.stderr
    assert "-y --no-install-recommends install python3 python3-venv" in log.read_text()
    assert "name it in PYTHON" in done.stderr


def test_without_root_or_sudo_the_command_to_run_is_said(checkout: Checkout) -> None:
    (checkout.root / ".venv" / "bin" / "python").unlink()
    checkout.fake("id", "echo 1000")
    checkout.fake("apt-get", "echo must not run >&2")
    without_sudo = checkout.home / "tools"
    without_sudo.mkdir()
    for tool in ("sh", "dirname", "cat", "sha256sum", "cut", "mkdir", "flock"):
        (without_sudo / tool).symlink_to(f"/usr/bin/{tool}")
    done = checkout.run("toolchain/venv.sh", PATH=f"{checkout.fakes}:{without_sudo}")
    assert done.returncode != 0
    assert "as root, please run: apt-get install python3 python3-venv" in done.stderr
    assert "must not run" not in done.stderr
