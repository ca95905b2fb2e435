"""Rewrites what people type into the spellings the parser registered, as vLLM does before it parses."""

import json
import re
from collections.abc import Iterator, Sequence

from sizing.flags.values import BadValueError, suffixed_int

_LEVELS = {"0", "1", "2", "3"}
# From the leading dashes to the first dot: `--kv_transfer_config.cpu_bytes` keeps its sub-key as typed.
_NAME = re.compile(r"(?<=--)[^.]*")


class MalformedError(ValueError):
    """vLLM raises before argparse sees the arguments; the message is what it would say."""


def normalised(arguments: Sequence[str]) -> list[str]:
    """Dashes for underscores, `-O3` spelled out, dotted sub-keys folded into one JSON value per option."""
    return _fold_sub_keys(list(_spelled_out(arguments)))


def model_first(arguments: Sequence[str]) -> list[str]:
    """`vllm serve` moves the value of the first `--model` to the front. Raises MalformedError."""
    words = list(arguments)
    for index, word in enumerate(words):
        if word == "--model":
            if index + 1 == len(words):
                raise MalformedError("--model stands at the end without a value (IndexError)")
            return [words[index + 1], *words[:index], *words[index + 2 :]]
        if word.startswith("--model=") and word != "--model=":
            return [word.removeprefix("--model="), *words[:index], *words[index + 1 :]]
    named = any(re.match(r"--served[-_]model[-_]name(=.+|$)", word) for word in words)
    configured = any(re.match(r"--config(=.+|$)", word) for word in words)
    if words and words[0].startswith("-") and named and not configured:
        raise MalformedError("a model should be the first positional argument when --served-model-name is given")
    return words


def _spelled_out(arguments: Sequence[str]) -> Iterator[str]:
    for index, word in enumerate(arguments):
        if word.startswith("--help="):
            yield "--help"
        elif word.startswith("--"):
            name, equals, value = word.partition("=")
            yield _NAME.sub(lambda match: match.group().replace("_", "-"), name, count=1) + equals + value
        elif word.startswith("-O") and word != "-O":
            yield "--optimization-level"
            yield word[3:] if word[2] == "=" else word[2:]
        elif word == "-O" and arguments[index + 1 : index + 2] and arguments[index + 1] in _LEVELS:
            yield "--optimization-level"
        else:
            yield word


def _fold_sub_keys(words: Sequence[str]) -> list[str]:
    kept: list[str] = []
    folded: dict[str, dict[str, object]] = {}
    remaining = iter(words)
    for word in remaining:
        name, equals, value = word.partition("=")
        if not word.startswith("-") or "." not in name:
            kept.append(word)
            continue
        if not equals:
            following = next(remaining, None)
            if following is None:
                raise MalformedError(f"{word} stands at the end without a value (IndexError)")
            value = following
        option, *keys = name.removesuffix("+").split(".")
        leaf: object = value.split(",") if name.endswith("+") else _leaf(value)
        for key in reversed(keys):
            leaf = {key: leaf}
        if isinstance(leaf, dict):
            _merge(folded.setdefault(option, {}), leaf)
    for option, value_by_key in folded.items():
        kept += [option, json.dumps(value_by_key)]
    return kept


def _leaf(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        try:
            return suffixed_int(text)
        except (BadValueError, ValueError):
            return text


def _merge(into: dict[str, object], update: dict[str, object]) -> None:
    for key, value in update.items():
        present = into.get(key)
        if isinstance(value, dict) and isinstance(present, dict):
            _merge(present, value)
        elif isinstance(value, list) and isinstance(present, list):
            present.extend(value)
        else:
            into[key] = value
