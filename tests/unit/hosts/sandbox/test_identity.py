"""Keys are made before the sandbox, are private, kept when asked again, and known to ssh."""

import subprocess
from pathlib import Path

from hosts.sandbox.identity import Identity


def test_keys_and_what_ssh_makes_of_them(tmp_path: Path) -> None:
    identity = Identity("box", tmp_path / "with space" / "box")
    assert not identity.is_complete()
    identity.create(7)
    assert identity.is_complete()
    assert identity.host_key.startswith("ssh-ed25519 AAAA")
    assert len(identity.host_key.split()) == 2
    assert identity.known_hosts_file.read_text() == f"[127.0.10.7]:2222 {identity.host_key}\n"
    assert identity.private_key_file.stat().st_mode & 0o777 == 0o600
    assert identity.host_private_key_file.stat().st_mode & 0o777 == 0o600

    command = ["ssh", "-G", "-F", str(identity.ssh_config_file), "box"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    settings = dict(line.split(" ", 1) for line in shown.splitlines() if " " in line)
    assert (settings["hostname"], settings["port"], settings["user"]) == ("127.0.10.7", "2222", "root")
    assert settings["identityfile"] == str(identity.private_key_file)
    assert settings["stricthostkeychecking"] in ("yes", "true")


def test_keys_stay_when_the_number_changes(tmp_path: Path) -> None:
    identity = Identity("box", tmp_path / "box")
    identity.create(7)
    before = identity.host_key, identity.public_key
    identity.create(8)
    assert (identity.host_key, identity.public_key) == before
    assert identity.known_hosts_file.read_text().startswith("[127.0.10.8]:2222 ")


def test_half_a_key_pair_is_made_anew(tmp_path: Path) -> None:
    identity = Identity("box", tmp_path / "box")
    identity.create(7)
    identity.host_private_key_file.with_suffix(".pub").unlink()
    identity.create(7)
    public = subprocess.run(
        ["ssh-keygen", "-y", "-f", str(identity.host_private_key_file)], capture_output=True, text=True, check=True
    ).stdout
    assert public.split()[:2] == identity.host_key.split()
