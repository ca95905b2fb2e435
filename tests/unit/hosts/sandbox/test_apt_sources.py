"""Which mirror the sandbox uses follows from the machine's own apt configuration, however it is written."""

from pathlib import Path

import pytest

from hosts.sandbox import SandboxError
from hosts.sandbox.apt_sources import (
    MIRROR_VARIABLE,
    Distribution,
    Source,
    check_keyring,
    distribution,
    machine_sources,
    sandbox_sources,
)

BOOKWORM = 'ID=debian\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'
NOBLE = "ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\nUBUNTU_CODENAME=noble\n"
MINT = 'ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_CODENAME=wilma\nUBUNTU_CODENAME=noble\n'
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


@pytest.fixture
def apt(tmp_path: Path) -> Path:
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


def _write(apt: Path, name: str, text: str) -> None:
    (apt / name).write_text(text)


def test_one_line_sources(apt: Path) -> None:
    _write(
        apt,
        "sources.list",
        "# a comment\n"
        "deb http://mirror.example/debian bookworm main contrib # trailing\n"
        "deb-src http://mirror.example/debian bookworm main\n"
        "deb [arch=amd64 signed-by=/keys/a.gpg] https://other.example/debian bookworm-updates main\n"
        "#deb http://off.example/debian bookworm main\n",
    )
    assert machine_sources(apt) == [
        Source("http://mirror.example/debian", "bookworm", ("main", "contrib")),
        Source("https://other.example/debian", "bookworm-updates", ("main",), "/keys/a.gpg"),
    ]


def test_stanza_sources(apt: Path) -> None:
    _write(
        apt,
        "sources.list.d/debian.sources",
        "Types: deb deb-src\n"
        "# between fields\n"
        "URIs: http://mirror.example/debian\n"
        "Suites: bookworm bookworm-updates\n"
        "Components: main\n"
        f"Signed-By: {KEYRING}\n"
        "\n"
        "Types: deb\n"
        "URIs: http://off.example/debian\n"
        "Suites: bookworm\n"
        "Components: main\n"
        "Enabled: no\n"
        "\n"
        "Types: deb-src\n"
        "URIs: http://source.example/debian\n"
        "Suites: bookworm\n"
        "Components: main\n",
    )
    assert machine_sources(apt) == [
        Source("http://mirror.example/debian", "bookworm", ("main",), KEYRING),
        Source("http://mirror.example/debian", "bookworm-updates", ("main",), KEYRING),
    ]


def test_a_key_in_the_stanza_itself(apt: Path) -> None:
    _write(
        apt,
        "sources.list.d/a.sources",
        "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\nSigned-By:\n"
        " -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n -----END PGP PUBLIC KEY BLOCK-----\n",
    )
    key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQINBF\n-----END PGP PUBLIC KEY BLOCK-----"
    assert machine_sources(apt) == [Source("http://mirror.example/debian", "bookworm", ("main",), key)]


def test_a_file_of_mirrors_as_in_cloud_images(apt: Path) -> None:
    _write(
        apt, "mirrors.list", "# the nearest first\nhttps://cdn.example/debian\tpriority:1\nhttps://two.example/debian\n"
    )
    _write(apt, "sources.list", f"deb mirror+file://{apt}/mirrors.list bookworm main\n")
    assert [source.uri for source in machine_sources(apt)] == ["https://cdn.example/debian"]


def test_files_apt_ignores_are_ignored(apt: Path) -> None:
    _write(apt, "sources.list.d/old.list.save", "deb http://mirror.example/debian bookworm main\n")
    assert machine_sources(apt) == []


def test_a_debian_machine_gives_debian_13_with_its_pockets() -> None:
    machine = [
        Source("http://mirror.example/debian", "bookworm", ("main", "non-free"), KEYRING),
        Source("http://mirror.example/debian", "bookworm-updates", ("main",), KEYRING),
        Source("http://security.example/debian-security", "bookworm-security", ("main",), KEYRING),
        Source("http://mirror.example/debian", "bookworm-backports", ("main",), KEYRING),
    ]
    assert sandbox_sources(machine, distribution(BOOKWORM), {}) == [
        Source("http://mirror.example/debian", "trixie", ("main",), KEYRING),
        Source("http://mirror.example/debian", "trixie-updates", ("main",), KEYRING),
        Source("http://security.example/debian-security", "trixie-security", ("main",), KEYRING),
    ]


@pytest.mark.parametrize("suite", ["stable", "testing", "sid", "bookworm"])
def test_suites_by_their_class(suite: str) -> None:
    machine = [Source("http://mirror.example/debian", suite, ("main",))]
    assert [source.suite for source in sandbox_sources(machine, distribution(BOOKWORM), {})] == ["trixie"]


@pytest.mark.parametrize("os_release", [NOBLE, MINT])
def test_an_ubuntu_machine_gives_its_own_release(os_release: str) -> None:
    machine = [
        Source("http://mint.example", "wilma", ("main",)),
        Source("http://archive.example/ubuntu", "noble", ("main", "restricted", "universe")),
        Source("http://archive.example/ubuntu", "noble-security", ("main", "universe")),
    ]
    assert sandbox_sources(machine, distribution(os_release), {}) == [
        Source("http://archive.example/ubuntu", "noble", ("main", "universe")),
        Source("http://archive.example/ubuntu", "noble-security", ("main", "universe")),
    ]


def test_third_parties_with_the_same_suite_name_come_second() -> None:
    machine = [
        Source("http://vendor.example/apt", "bookworm", ("main",), "/usr/share/keyrings/vendor.gpg"),
        Source("http://mirror.example/debian", "bookworm", ("main",), KEYRING),
    ]
    assert sandbox_sources(machine, distribution(BOOKWORM), {})[0].uri == "http://mirror.example/debian"


def test_a_mirror_with_a_key_of_its_own_is_used_where_it_is_the_only_one() -> None:
    machine = [Source("http://office.example/debian", "bookworm", ("main",), "/etc/apt/keyrings/office.gpg")]
    assert sandbox_sources(machine, distribution(BOOKWORM), {})[0].signed_by == "/etc/apt/keyrings/office.gpg"


def test_without_any_source_the_error_says_what_to_set() -> None:
    machine = [Source("http://vendor.example/apt", "nodistro", ("main",))]
    with pytest.raises(SandboxError, match=MIRROR_VARIABLE):
        sandbox_sources(machine, distribution(BOOKWORM), {})


def test_the_variable_has_the_last_word() -> None:
    chosen = sandbox_sources([], distribution("ID=fedora\n"), {MIRROR_VARIABLE: "http://mirror.example/debian"})
    assert chosen == [Source("http://mirror.example/debian", "trixie", ("main",))]


def test_an_old_keyring_is_told(tmp_path: Path) -> None:
    debian = distribution(BOOKWORM)
    with pytest.raises(SandboxError, match="apt-get install debian-archive-keyring"):
        check_keyring(debian, tmp_path)
    (tmp_path / "debian-archive-trixie-stable.gpg").touch()
    check_keyring(debian, tmp_path)
    check_keyring(distribution(NOBLE), tmp_path / "none")


def test_the_line_for_apt() -> None:
    source = Source("http://mirror.example/debian", "trixie", ("main", "universe"), KEYRING)
    assert source.line() == f"deb [signed-by={KEYRING}] http://mirror.example/debian trixie main universe"
    assert source.line("") == "deb http://mirror.example/debian trixie main universe"


def test_the_client_is_a_package_of_its_own_on_debian_only() -> None:
    assert isinstance(distribution(BOOKWORM), Distribution)
    assert "docker-cli" in distribution(BOOKWORM).packages
    assert distribution(NOBLE).packages == ()
