"""Reads private keys and expected host keys, with the messages of Go's SSH library."""

from __future__ import annotations

import base64
import binascii
import io
import struct

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from toolchain.plugins.command.protocol.errors import CommandError
from toolchain.plugins.command.protocol.gotext import quote

_PEM_TYPES = {"RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY"}
_NO_KEY = "ssh: no key found"
_KEY_TYPES = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}


def private_key(text: str, passphrase: str | None) -> paramiko.PKey:
    """The key in the text; raises CommandError, which never repeats the text."""
    kind, body = _pem_block(text)
    encrypted = _is_encrypted(kind, text, body)
    if passphrase is None and encrypted:
        raise CommandError("ssh: this private key is passphrase protected")
    if passphrase is not None and not encrypted:
        openssh = kind == "OPENSSH PRIVATE KEY"
        raise CommandError("ssh: key is not password protected" if openssh else "ssh: not an encrypted key")
    if passphrase == "" and kind == "OPENSSH PRIVATE KEY":
        raise CommandError("bcrypt_pbkdf: empty password")
    if kind not in _PEM_TYPES:
        raise CommandError(f"ssh: unsupported key type {quote(kind)}")
    return _paramiko_key(_load(kind, text, passphrase))


def _load(kind: str, text: str, passphrase: str | None) -> object:
    password = passphrase.encode() if passphrase is not None else None
    data = text.strip().encode() + b"\n"
    try:
        if kind == "OPENSSH PRIVATE KEY":
            return serialization.load_ssh_private_key(data, password)
        return serialization.load_pem_private_key(data, password)
    except UnsupportedAlgorithm:
        raise CommandError("ssh: unhandled key type") from None
    except (ValueError, TypeError):
        if password is not None:
            raise CommandError("x509: decryption password incorrect") from None
        openssh = kind == "OPENSSH PRIVATE KEY"
        raise CommandError(
            "ssh: invalid openssh private key format" if openssh else "asn1: structure error: not a private key"
        ) from None


def _pem_block(text: str) -> tuple[str, bytes]:
    lines = [line.rstrip() for line in text.splitlines()]
    starts = [n for n, line in enumerate(lines) if line.startswith("-----BEGIN ") and line.endswith("-----")]
    if not starts:
        raise CommandError(_NO_KEY)
    kind = lines[starts[0]][len("-----BEGIN ") : -len("-----")]
    try:
        end = lines.index(f"-----END {kind}-----")
        return kind, base64.b64decode("".join(line for line in lines[starts[0] + 1 : end] if ":" not in line))
    except (ValueError, binascii.Error):
        raise CommandError(_NO_KEY) from None


def _is_encrypted(kind: str, text: str, body: bytes) -> bool:
    if kind == "OPENSSH PRIVATE KEY":
        magic = b"openssh-key-v1\0"
        if not body.startswith(magic):
            raise CommandError("ssh: invalid openssh private key format")
        (length,) = struct.unpack_from(">I", body, len(magic))
        return body[len(magic) + 4 : len(magic) + 4 + length] != b"none"
    return "Proc-Type: 4,ENCRYPTED" in text


def _paramiko_key(key: object) -> paramiko.PKey:
    """By way of OpenSSH's unencrypted format, which paramiko reads for every type; it stays in memory."""
    classes: tuple[tuple[type, type[paramiko.PKey]], ...] = (
        (ed25519.Ed25519PrivateKey, paramiko.Ed25519Key),
        (rsa.RSAPrivateKey, paramiko.RSAKey),
        (ec.EllipticCurvePrivateKey, paramiko.ECDSAKey),
    )
    for kind, wrapper in classes:
        if isinstance(key, kind):
            text = key.private_bytes(  # type: ignore[attr-defined]
                serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
            ).decode()
            return wrapper.from_private_key(io.StringIO(text))
    raise CommandError("ssh: unhandled key type")


def host_key(text: str) -> tuple[str, bytes]:
    """Type and content of the first key in authorized_keys format; the type is what the content says."""
    reason = ""
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2 or words[0].startswith("#"):
            continue
        for word in words[1:]:
            try:
                content = base64.b64decode(word, validate=True)
                return _blob_type(content), content
            except (ValueError, binascii.Error, struct.error):
                reason = reason or "; last parsing error for ignored line: ssh: short read"
    raise CommandError(f"{_NO_KEY}{reason}")


def _blob_type(content: bytes) -> str:
    (length,) = struct.unpack_from(">I", content)
    name = content[4 : 4 + length].decode()
    if not 0 < length < len(content) - 4:
        raise ValueError("too short for a key")
    return name


def signature_types(kind: str) -> tuple[str, ...]:
    """The algorithms by which a host proves a key of this type."""
    return _KEY_TYPES.get(kind, (kind,))
