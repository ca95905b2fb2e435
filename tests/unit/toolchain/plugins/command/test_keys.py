"""Keys that cannot be read, in the words of Go's SSH library (each was compared with golang.org/x/crypto 0.47)."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from toolchain.plugins.command.protocol.errors import CommandError
from toolchain.plugins.command.ssh.keys import host_key, private_key

_KEY = ed25519.Ed25519PrivateKey.generate()
_PUBLIC = _KEY.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
_BLOB = base64.b64decode(_PUBLIC.split()[1])


def _openssh(passphrase: str = "") -> str:
    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        protection = serialization.BestAvailableEncryption(passphrase.encode())
    return _KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, protection).decode()


def _pem(kind: str, body: str = "AAAA") -> str:
    return f"-----BEGIN {kind}-----\n{body}\n-----END {kind}-----\n"


@pytest.mark.parametrize(
    "text", [_openssh(), _openssh().replace("\n", "\r\n"), "junk\n" + _openssh(), _openssh().rstrip()]
)
def test_keys_that_can_be_read(text: str) -> None:
    assert private_key(text, None).asbytes() == _BLOB


def test_a_key_in_pkcs8() -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    assert private_key(text, None).get_name() == "ecdsa-sha2-nistp384"


@pytest.mark.parametrize(
    ("text", "passphrase", "reason"),
    [
        ("", None, "ssh: no key found"),
        ("hello", None, "ssh: no key found"),
        (_PUBLIC, None, "ssh: no key found"),
        ("  " + _openssh(), None, "ssh: no key found"),
        (_openssh()[:200], None, "ssh: no key found"),
        (_openssh().replace("A", "!", 3), None, "ssh: no key found"),
        (_openssh().replace("b3Blb", "XXXXX"), None, "ssh: invalid openssh private key format"),
        (_pem("CERTIFICATE"), None, 'ssh: unsupported key type "CERTIFICATE"'),
        (_pem("ENCRYPTED PRIVATE KEY"), None, 'ssh: unsupported key type "ENCRYPTED PRIVATE KEY"'),
        (_pem("ENCRYPTED PRIVATE KEY"), "open sesame", "ssh: not an encrypted key"),
        (_pem("RSA PRIVATE KEY"), "open sesame", "ssh: not an encrypted key"),
        (_openssh("open sesame"), None, "ssh: this private key is passphrase protected"),
        (_openssh("open sesame"), "wrong", "x509: decryption password incorrect"),
        (_openssh("open sesame"), "", "bcrypt_pbkdf: empty password"),
        (_openssh(), "unneeded", "ssh: key is not password protected"),
    ],
)
def test_keys_that_cannot(text: str, passphrase: str | None, reason: str) -> None:
    with pytest.raises(CommandError) as error:
        private_key(text, passphrase)
    assert str(error.value) == reason


@pytest.mark.parametrize(
    "line",
    [
        _PUBLIC,
        f"{_PUBLIC} someone@somewhere",
        f'restrict,from="1.2.3.4" {_PUBLIC}',
        f"127.0.0.1 {_PUBLIC}",
        f"\n# a comment\n{_PUBLIC}\n",
        f"ssh-rsa {_PUBLIC.split()[1]}",
    ],
)
def test_host_keys(line: str) -> None:
    assert host_key(line) == ("ssh-ed25519", _BLOB)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("junk", "ssh: no key found"),
        (_PUBLIC.split()[1], "ssh: no key found"),
        ("ssh-ed25519 AAAA", "ssh: no key found; last parsing error for ignored line: ssh: short read"),
    ],
)
def test_host_keys_that_are_none(line: str, reason: str) -> None:
    with pytest.raises(CommandError) as error:
        host_key(line)
    assert str(error.value) == reason
