"""Answers for a list of arguments what the release's real parser would: taken or not, and why not.

The walk follows argparse: options are registered spellings or unambiguous prefixes of long ones, a value is
any word that does not look like an option, the first word left over is the model, and every other word
left over is an error. Unlike argparse it does not stop at the first error.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from sizing.flags.spelling import MalformedError, model_first, normalised
from sizing.flags.table import FlagOption, FlagTable
from sizing.flags.values import UNRESOLVED, BadValueError, convert

_NEGATIVE_NUMBER = re.compile(r"-\d+$|-\d*\.\d+$")


@dataclass(frozen=True)
class BadArgument:
    """A known option whose value (or missing value) the parser refuses."""

    flag: str
    given: tuple[str, ...]
    message: str


@dataclass
class ArgumentReport:
    """What the parser makes of the arguments. `values` holds what was taken, by dest."""

    vllm_version: str
    malformed: str | None = None
    unknown: list[str] = field(default_factory=list)
    ambiguous: dict[str, tuple[str, ...]] = field(default_factory=dict)
    bad_values: list[BadArgument] = field(default_factory=list)
    stray: list[str] = field(default_factory=list)
    abbreviated: dict[str, str] = field(default_factory=dict)
    repeated: list[str] = field(default_factory=list)
    values: dict[str, object] = field(default_factory=dict)
    spelled: dict[str, str] = field(default_factory=dict)
    asks_for_help: bool = False
    model: str | None = None

    @property
    def parses(self) -> bool:
        """Whether `vllm serve` gets past its parser."""
        return not (self.malformed or self.unknown or self.bad_values or self.stray)


@dataclass(frozen=True)
class _Option:
    """One classified option word."""

    word: str
    option: FlagOption | None
    spelling: str
    explicit: str | None
    candidates: tuple[str, ...] = ()


def check_arguments(arguments: Sequence[str], table: FlagTable) -> ArgumentReport:
    """What `vllm serve ARGUMENTS…` of the table's release makes of them."""
    report = ArgumentReport(vllm_version=table.vllm_version)
    words = list(arguments)
    try:
        words = model_first(words)
        _readable_config(words)
    except MalformedError as error:
        report.malformed = str(error)
    try:
        words = normalised(words)
    except MalformedError as error:
        report.malformed = str(error)
    _walk(words, table, report)
    report.unknown.sort(key=report.ambiguous.__contains__)
    return report


def _readable_config(words: Sequence[str]) -> None:
    for flag, path in pairwise(words):
        if flag == "--config" and not path.endswith((".yaml", ".yml")) and not UNRESOLVED.search(path):
            raise MalformedError(f"--config takes a .yaml file, not '{path}'")


def _walk(words: Sequence[str], table: FlagTable, report: ArgumentReport) -> None:
    position, only_values, has_model = 0, False, False
    while position < len(words):
        word = words[position]
        position += 1
        if word == "--" and not only_values:
            only_values = True
            continue
        found = None if only_values else _classified(word, table)
        if found is None:
            if not has_model:
                report.model, has_model = word, True
            else:
                _left_over(word, report)
            continue
        following = 0 if only_values else _value_count(words, position, table)
        taken = _take(found, words[position : position + following], report)
        position += taken


def _classified(word: str, table: FlagTable) -> _Option | None:
    """The option a word stands for, or None where argparse reads it as a value."""
    if not word.startswith("-") or word == "-":
        return None
    if word in table.accepted:
        return _Option(word, table.accepted[word], word, None)
    name, equals, explicit = word.partition("=")
    if equals and name in table.accepted:
        return _Option(word, table.accepted[name], name, explicit)
    matches = _prefix_matches(word, table)
    if len(matches) == 1:
        return matches[0]
    if matches:
        return _Option(word, None, name, None, tuple(match.spelling for match in matches))
    if _NEGATIVE_NUMBER.match(word) or " " in word:
        return None
    return _Option(word, None, name, explicit if equals else None)


def _prefix_matches(word: str, table: FlagTable) -> list[_Option]:
    if word.startswith("--"):
        name, equals, explicit = word.partition("=")
        value = explicit if equals else None
        return [
            _Option(word, option, spelling, value)
            for spelling, option in table.accepted.items()
            if spelling.startswith(name)
        ]
    return [
        _Option(word, option, spelling, word[2:] if spelling == word[:2] else None)
        for spelling, option in table.accepted.items()
        if spelling == word[:2] or spelling.startswith(word)
    ]


def _value_count(words: Sequence[str], start: int, table: FlagTable) -> int:
    """How many words from `start` are values."""
    end = start
    while end < len(words) and words[end] != "--" and _classified(words[end], table) is None:
        end += 1
    return end - start


def _left_over(word: str, report: ArgumentReport) -> None:
    if word.startswith("--"):  # flag and value in one word, `--dtype auto`
        report.unknown.append(word)
    elif not UNRESOLVED.match(word):  # `$EXTRA_ARGS` may stand for anything
        report.stray.append(word)


def _take(found: _Option, following: Sequence[str], report: ArgumentReport) -> int:
    """Books one option; the number of following words it uses up."""
    option = found.option
    if option is None:
        if found.candidates:
            report.ambiguous[found.spelling] = found.candidates
        report.unknown.append(found.spelling)
        # Its values cannot be told from surplus words; one is the rule.
        return min(1, len(following)) if found.explicit is None else 0
    if found.spelling not in found.word.partition("=")[0] and found.word.startswith("--"):
        report.abbreviated[found.word.partition("=")[0]] = found.spelling
    if option.dest in report.spelled:
        report.repeated.append(found.spelling)
    report.spelled[option.dest] = found.spelling
    if option.kind == "value":
        return _take_values(found, option, following, report)
    if found.explicit is not None:
        _refuse(report, found, (found.word,), f"takes no value, '{found.explicit}' was given")
    elif option.kind == "help":
        report.asks_for_help = True
    else:
        report.values[option.dest] = found.spelling not in option.set_false and not found.spelling.startswith("--no-")
    return 0


def _take_values(found: _Option, option: FlagOption, following: Sequence[str], report: ArgumentReport) -> int:
    if found.explicit is not None:
        texts, used = [found.explicit], 0
    else:
        wanted = {None: 1, "?": 1}.get(option.nargs, len(following))  # type: ignore[arg-type]
        texts = list(following[:wanted])
        used = len(texts)
    if not texts and option.nargs == "?":
        report.values[option.dest] = True
        return 0
    if not texts and option.nargs != "*":
        expected = "one argument" if option.nargs is None else "at least one argument"
        _refuse(report, found, (found.word,), f"expected {expected}")
        return 0
    try:
        values = [convert(option, text) for text in texts]
    except BadValueError as error:
        _refuse(report, found, (found.word, *following[:used]), str(error))
        return used
    report.values[option.dest] = values if option.nargs in {"+", "*"} else values[0]
    return used


def _refuse(report: ArgumentReport, found: _Option, given: tuple[str, ...], message: str) -> None:
    report.bad_values.append(BadArgument(found.spelling, given, message))
