"""Turns the text of an argument into the value the release's parser would make of it."""

import json
import re
from collections.abc import Callable

from sizing.flags.table import FlagOption

# A name the reader of a launch could not resolve, `$MAX_LEN`, `$(nproc)`, an old-style backtick, `%MAX_LEN%` of
# cmd.exe or `{{ max_len }}` of a template: it may stand for any value, so no type refuses it.
UNRESOLVED = re.compile(r"\$[A-Za-z_0-9@*({]|`|%\w+%|\{\{.*\}\}")

_SUFFIXED = re.compile(r"(\d+(?:\.\d+)?)([kKmMgGtT])")
_POWERS = {"k": 1, "m": 2, "g": 3, "t": 4}
_STRING = re.compile(r'("(?:[^"\\]|\\.)*")')
_BARE_SUFFIXED = re.compile(r"\b\d+(?:\.\d+)?[kKmMgGtT]\b")
_OBJECT = re.compile(r"\s*\{.*\}\s*", re.DOTALL)


class BadValueError(ValueError):
    """The parser refuses this text; the message says why."""


def suffixed_int(text: str) -> int:
    """An integer; the suffixes k, m, g, t are powers of 1000 and K, M, G, T of 1024. Raises BadValueError."""
    text = text.strip()
    match = _SUFFIXED.fullmatch(text)
    if match is None:
        return int(text)
    number, suffix = match.groups()
    power = _POWERS[suffix.lower()]
    if suffix.islower():
        return int(float(number) * 10.0 ** (3 * power))
    if "." in number:
        raise BadValueError(f"decimals are not allowed with the binary suffix {suffix}: '{text}'")
    return int(number) * (1 << (10 * power))


def _int_or_auto(text: str) -> int:
    return -1 if text.strip().lower() in {"-1", "auto"} else suffixed_int(text)


def _json_object(text: str) -> object:
    """JSON for a configuration class; bare numbers may carry a suffix (80m) outside of strings."""
    parts = _STRING.split(text)
    for index in range(0, len(parts), 2):
        parts[index] = _BARE_SUFFIXED.sub(lambda match: str(suffixed_int(match.group())), parts[index])
    value = json.loads("".join(parts))
    if not isinstance(value, dict):
        raise BadValueError(f"'{text}' is not a JSON object")
    return value


def _own_spelling(text: str) -> str:
    # What the tables call "json object" are unnamed functions; where there are choices they fold case and
    # dashes (`FlashInfer-CUTLASS` is flashinfer_cutlass), where there are none the text is read later.
    return text.lower().replace("-", "_")


def _object_or_str(text: str) -> object:
    return json.loads(text) if _OBJECT.fullmatch(text) else text


# A table's value_type, without its leading "optional", to the conversion behind it.
_CONVERSIONS: dict[str, Callable[[str], object]] = {
    "str": str,
    "int": int,
    "float": float,
    "json": json.loads,
    "json object": _own_spelling,
    "json object or str": _object_or_str,
    "json object or dotted sub-keys": _json_object,
    "int with k/K/m/M/g/G suffix": suffixed_int,
    "int with k/K/m/M/g/G suffix or auto/-1": _int_or_auto,
}


def convert(option: FlagOption, text: str) -> object:
    """The value `text` gives `option`. Raises BadValueError with what the parser holds against it."""
    if UNRESOLVED.search(text):
        return text
    kind = option.value_type or "str"
    if kind.startswith("optional "):
        if text in {"", "None"}:
            return None
        kind = kind.removeprefix("optional ")
    try:
        value = _CONVERSIONS[kind](text)
    except BadValueError:
        raise
    except ValueError as error:
        raise BadValueError(f"'{text}' is not {_a(kind)}") from error
    if option.config_keys is not None and isinstance(value, dict):
        surplus = sorted(value.keys() - set(option.config_keys))
        if surplus:
            raise BadValueError(f"has no key '{surplus[0]}'; keys: {', '.join(option.config_keys)}")
    if option.dest == "lora_modules":
        _lora_module(text)
    if option.choices is not None and value not in option.choices:
        raise BadValueError(f"'{text}' is none of {', '.join(str(choice) for choice in option.choices)}")
    return value


def _lora_module(text: str) -> None:
    """An adapter is `name=path` or a JSON object with both."""
    if not text or ("=" in text and "," not in text):
        return
    try:
        value = json.loads(text)
    except ValueError as error:
        raise BadValueError(f"'{text}' is neither name=path nor JSON") from error
    if not isinstance(value, dict) or not {"name", "path"} <= value.keys():
        raise BadValueError(f"'{text}' needs the keys name and path")


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
