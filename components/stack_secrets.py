"""A stack's secrets: encrypted in its file, and never seen anywhere but where they are used."""

import hashlib
import re
from dataclasses import dataclass, field

import pulumi
from pulumi.runtime.config import is_config_secret

from hosts.model_source import HubSource

# What an Authorization header carries unchanged; long enough that nobody guesses it from its fingerprint.
_API_KEY = re.compile(r"^[!-~]{16,256}$")
_TOKEN = re.compile(r"^[!-~]{1,4096}$")


@dataclass(frozen=True)
class ApiKey:
    """The key that clients must send. The fingerprint names it where it must not be seen."""

    value: str = field(repr=False)
    fingerprint: str


@dataclass(frozen=True)
class StackSecrets:
    """`hub_token` reads private or gated repositories; without an `api_key` the server asks for none."""

    hub_token: str | None = field(default=None, repr=False)
    api_key: ApiKey | None = None


def read_secrets(config: pulumi.Config, stack: str) -> StackSecrets:
    """The secrets of the stack's config. ValueError where one is kept in the clear, or cannot be one."""
    token = _read(config, "hubToken", _TOKEN, "one line without spaces")
    key = _read(config, "apiKey", _API_KEY, "16 to 256 letters, digits and signs without spaces: openssl rand -hex 32")
    return StackSecrets(
        hub_token=token,
        api_key=None if key is None else ApiKey(key, fingerprint(key, stack)),
    )


def warnings_of(secrets: StackSecrets, hub: HubSource | None) -> list[str]:
    """What a person should know of how the secrets travel."""
    if secrets.hub_token is not None and hub is not None and hub.endpoint.startswith("http://"):
        return [f"hubToken goes to {hub.endpoint} without encryption: name the mirror by https, or take the token away"]
    return []


def fingerprint(key: str, stack: str) -> str:
    """16 hexadecimal digits that differ with the key, and cost too much to try keys against."""
    return hashlib.scrypt(key.encode(), salt=f"gpuhost {stack}".encode(), n=1 << 14, r=8, p=1, dklen=8).hex()


def _read(config: pulumi.Config, name: str, form: re.Pattern[str], right: str) -> str | None:
    value = config.get(name)
    if value is None:
        return None
    if not is_config_secret(config.full_key(name)):
        raise ValueError(
            f"{config.full_key(name)} stands in the clear in the stack's file: replace it, it is known by now, and "
            f"give the new one with 'pulumi config set --secret {config.full_key(name)}'"
        )
    if not form.match(value):
        raise ValueError(f"{config.full_key(name)} must be {right}; it has {len(value)} characters")
    return value
