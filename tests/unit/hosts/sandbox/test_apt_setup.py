"""Keys, proxies and certificate authorities reach the sandbox's apt; nothing that weakens it does."""

from pathlib import Path

import pytest

from hosts.sandbox import apt_setup
from hosts.sandbox.apt_setup import AptSetup, build_lines, transport_options
from hosts.sandbox.apt_sources import Source, distribution

DEBIAN = distribution("ID=debian\nVERSION_CODENAME=bookworm\n")
ARMORED = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQINBF\n-----END PGP PUBLIC KEY BLOCK-----"
LIST = "/etc/apt/sources.list.d/debian.list"


def _setup(*sources: Source, options: tuple[str, ...] = ()) -> AptSetup:
    return AptSetup(DEBIAN, sources, options)


def test_only_options_of_transport_are_passed_on() -> None:
    config = [
        'Acquire::http::Proxy "http://proxy.example:3128";',
        'Acquire::https::mirror.example::CAInfo "/etc/ssl/office.pem";',
        'Acquire::Check-Valid-Until "false";',
        'Acquire::http::Proxy-Auto-Detect "/usr/bin/detect";',
        'Acquire::AllowInsecureRepositories "1";',
        'APT::Get::AllowUnauthenticated "1";',
        'Acquire::Languages:: "none";',
        'DPkg::Post-Invoke:: "rm something";',
    ]
    assert transport_options(config, {}) == config[:3]


def test_a_proxy_of_the_environment_becomes_apts_unless_apt_has_one() -> None:
    environment = {"http_proxy": "http://env.example:1", "https_proxy": "http://env.example:2"}
    apts = 'Acquire::http::Proxy "http://apt.example:3";'
    assert transport_options([apts], environment) == [apts, 'Acquire::https::Proxy "http://env.example:2";']


def test_the_distributions_own_keyring_is_named_others_are_brought_along(tmp_path: Path) -> None:
    key = tmp_path / "office.gpg"
    key.write_bytes(b"key")
    own = "/usr/share/keyrings/debian-archive-keyring.gpg"
    files = _setup(
        Source("http://a.example/debian", "trixie", ("main",), own),
        Source("http://b.example/debian", "trixie-security", ("main",), str(key)),
    ).files()
    assert files["/etc/apt/keyrings/gpuhost-office.gpg"] == b"key"
    lines = files[LIST].decode().splitlines()
    assert lines == [
        f"deb [signed-by={own}] http://a.example/debian trixie main",
        "deb [signed-by=/etc/apt/keyrings/gpuhost-office.gpg] http://b.example/debian trixie-security main",
    ]


def test_a_key_given_as_text_becomes_a_file_here_and_inside(tmp_path: Path) -> None:
    setup = _setup(Source("http://a.example/debian", "trixie", ("main",), ARMORED))
    inside = "/etc/apt/keyrings/gpuhost-archive-key.asc"
    files = setup.files()
    assert files[inside].decode().strip() == ARMORED
    assert f"signed-by={inside}" in files[LIST].decode()
    assert build_lines(setup, tmp_path) == [
        f"deb [signed-by={tmp_path}/archive-key.asc] http://a.example/debian trixie main"
    ]
    assert (tmp_path / "archive-key.asc").read_text().strip() == ARMORED


def test_an_https_mirror_brings_the_machines_certificate_authorities(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "ca.crt"
    bundle.write_bytes(b"authorities")
    monkeypatch.setattr(apt_setup, "_MACHINE_CA", bundle)
    files = _setup(Source("https://a.example/debian", "trixie", ("main",))).files()
    assert files["/etc/gpuhost/apt-ca.crt"] == b"authorities"
    assert b'Acquire::https::CAInfo "/etc/gpuhost/apt-ca.crt";' in files["/etc/apt/apt.conf.d/50gpuhost-machine"]
    assert list(_setup(Source("http://a.example/debian", "trixie", ("main",))).files()) == [LIST]


def test_apts_own_certificate_authority_is_brought_along(tmp_path: Path) -> None:
    bundle = tmp_path / "office.pem"
    bundle.write_bytes(b"office")
    option = f'Acquire::https::a.example::CAInfo "{bundle}";'
    files = _setup(Source("https://a.example/debian", "trixie", ("main",)), options=(option,)).files()
    assert files["/etc/gpuhost/apt-ca.crt"] == b"office"
    assert files["/etc/apt/apt.conf.d/50gpuhost-machine"].decode() == (
        'Acquire::https::a.example::CAInfo "/etc/gpuhost/apt-ca.crt";\n'
    )


@pytest.mark.parametrize(
    ("uri", "option", "warned"),
    [
        ("http://localhost:3142/debian", "", True),
        ("http://a.example/debian", 'Acquire::http::Proxy "http://user@127.0.0.1:3128";', True),
        ("http://a.example/debian", 'Acquire::http::Proxy "http://proxy.example:3128";', False),
    ],
)
def test_what_only_this_machine_can_reach_is_told(uri: str, option: str, *, warned: bool) -> None:
    setup = _setup(Source(uri, "trixie", ("main",)), options=(option,) if option else ())
    assert bool(setup.warnings) is warned
