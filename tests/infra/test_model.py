"""The model on the host is the locked one, byte for byte, and the server cannot alter it."""

from facts.deployed import Deployed


def test_every_file_has_its_locked_hash(deployed: Deployed) -> None:
    wished = {path: file["sha256"] for path, file in deployed.expected["model_files"].items()}
    assert deployed.model.sha256 == wished


def test_it_is_mounted_read_only(deployed: Deployed) -> None:
    assert deployed.container.process.mounts[deployed.expected["model_folder"]].read_only


def test_the_server_can_write_its_compile_cache(deployed: Deployed) -> None:
    assert not deployed.container.process.mounts[deployed.expected["cache_folder"]].read_only
    folder = deployed.host.file(f"/proc/{deployed.container.process.pid}/root{deployed.expected['cache_folder']}")
    user, group = map(int, deployed.expected["user"].split(":"))
    writable = (folder.uid == user and folder.mode & 0o200) or (folder.gid == group and folder.mode & 0o020)
    fact = f"{folder.uid}:{folder.gid} {folder.mode:o}"
    assert writable, f"wish: {deployed.expected['user']} writes {deployed.expected['cache_folder']}\nfact: it is {fact}"
