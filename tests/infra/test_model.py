"""The model on the host is the locked one, byte for byte, and the server cannot alter it."""

from facts.deployed import Deployed


def test_every_file_has_its_locked_hash(deployed: Deployed) -> None:
    wished = {path: file["sha256"] for path, file in deployed.expected["model_files"].items()}
    assert deployed.model.sha256 == wished


def test_it_is_mounted_read_only(deployed: Deployed) -> None:
    assert deployed.container.process.mounts[deployed.expected["model_folder"]].read_only


def test_the_compile_cache_is_writable(deployed: Deployed) -> None:
    assert not deployed.container.process.mounts[deployed.expected["cache_folder"]].read_only
