"""Reads one `docker run`, `podman run` or `nerdctl run` line, already split into words."""

import json
import re
from collections.abc import Sequence
from typing import Literal

from sizing.audit.docker_options import SAME, SHORT_SWITCHES, SHORT_VALUES, SWITCHES, VALUES
from sizing.audit.docker_settings import settings_of
from sizing.audit.images import image_of
from sizing.audit.launch import Launch, UnreadableError
from sizing.audit.program import program
from sizing.audit.shell import Word, compose_words

_VARIABLE = re.compile(r"\$\(?([A-Za-z_]\w*)\)?|%(\w+)%|\{\{\s*([\w.-]+)\s*\}\}")
_NAMES_AN_IMAGE = re.compile(r"image|img|(^|_)(tag|repo|container)$", re.IGNORECASE)


def launch_of(
    kind: Literal["docker", "podman"],
    words: Sequence[Word],
    start: int,
    warnings: tuple[str, ...],
    assignments: dict[str, str],
) -> Launch:
    """The launch whose options begin at words[start]. Raises UnreadableError."""
    options, position = _options(words, start, assignments)
    if position >= len(words):
        last = words[-1]
        raise UnreadableError("the line ends without an image after", last.text, last.line, last.column)
    image = image_of(words[position].text)
    entrypoint, problem = _entrypoint(options)
    return Launch(
        kind=kind,
        image=image.reference,
        settings=settings_of(options),
        program=program(image, entrypoint, [word.text for word in words[position + 1 :]], problem),
        assignments=assignments,
        warnings=warnings,
    )


def _entrypoint(options: dict[str, list[str]]) -> tuple[list[str] | None, str | None]:
    """The entry point as words, and what is wrong with it."""
    if "entrypoint" not in options:
        return None, None
    given = options["entrypoint"][-1]
    if given.startswith("["):  # podman takes a JSON list
        try:
            return [str(word) for word in json.loads(given)], None
        except ValueError:
            return [given], None
    if " " in given:
        return given.split(), f"the engine looks for one program named '{given}'; its arguments go after the image"
    return ([given] if given else []), None


def _options(words: Sequence[Word], start: int, assignments: dict[str, str]) -> tuple[dict[str, list[str]], int]:
    options: dict[str, list[str]] = {}
    position = start
    while position < len(words) and words[position].text != "-":
        word = words[position]
        if not word.text.startswith("-"):
            held = _options_held(words, position, assignments, options)
            if held is None:
                break
            for name, values in held.items():
                options.setdefault(name, []).extend(values)
            position += 1
            continue
        position += 1
        if word.text == "--":
            break
        name, value, needs_next = _option(word)
        if needs_next:
            if position >= len(words):
                raise UnreadableError("the option has no value", word.text, word.line, word.column)
            value = words[position].text
            position += 1
        options.setdefault(SAME.get(name, name), []).append(value)
    return options, position


def _options_held(
    words: Sequence[Word], position: int, assignments: dict[str, str], options: dict[str, list[str]]
) -> dict[str, list[str]] | None:
    """What a variable in the place of options adds to them; None where the word is the image."""
    word = words[position]
    match = _VARIABLE.fullmatch(word.text)
    if match is None:
        return None
    name = next(filter(None, match.groups()))
    value = assignments.get(name)
    if value is None:
        is_image = _NAMES_AN_IMAGE.search(name) or not _options_go_on(words[position + 1 :])
        # What it holds is not in the text; it may be the GPU.
        return None if is_image else {} if "gpus" in options else {"gpus": [word.text]}
    if value.strip() and not value.lstrip().startswith("-"):
        return None
    given = [Word(text, word.line, word.column) for text in compose_words(value)[0]]
    return _options(given, 0, {})[0]


def _options_go_on(following: Sequence[Word]) -> bool:
    """Whether what follows a variable are options of the engine and an image, not a command."""
    if not following:
        return False
    text = following[0].text
    if text.startswith("--"):
        return text[2:].partition("=")[0] in SWITCHES | VALUES
    if text.startswith("-"):
        return text[1:2] in SHORT_SWITCHES or text[1:2] in SHORT_VALUES
    if variable := _VARIABLE.fullmatch(text):
        return bool(_NAMES_AN_IMAGE.search(next(filter(None, variable.groups())))) or _options_go_on(following[1:])
    return bool(re.search(r"[/:]", text)) and (":" in text or "vllm" in text.lower())


def _option(word: Word) -> tuple[str, str, bool]:
    """Name, value, and whether the value is the next word."""
    if word.text.startswith("--"):
        name, equals, value = word.text[2:].partition("=")
        if name in SWITCHES:
            return name, value or "true", False
        if name in VALUES:
            return name, value, not equals
        raise UnreadableError(
            "the engine has no such option; options of vLLM go after the image", word.text, word.line, word.column
        )
    for index, letter in enumerate(word.text[1:], start=1):
        if letter in SHORT_VALUES:
            rest = word.text[index + 1 :].removeprefix("=")
            return SHORT_VALUES[letter], rest, not rest
        if letter not in SHORT_SWITCHES:
            raise UnreadableError("the engine has no such option", word.text, word.line, word.column)
    return SHORT_SWITCHES[word.text[1]], "true", False
