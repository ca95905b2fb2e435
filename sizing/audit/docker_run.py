"""Reads `docker run`, `podman run` and `nerdctl run` lines out of shell text."""

import json
import re
import shlex
from collections.abc import Sequence
from pathlib import PurePosixPath

from sizing.audit.docker_options import SAME, SHORT_SWITCHES, SHORT_VALUES, SWITCHES, VALUES
from sizing.audit.docker_settings import settings_of
from sizing.audit.images import image_of
from sizing.audit.launch import Launch, UnreadableError
from sizing.audit.program import program
from sizing.audit.shell import Command, UnterminatedQuoteError, Word, commands

ENGINES = {
    **dict.fromkeys(("docker", "docker.exe", "nvidia-docker", "nerdctl"), "docker"),
    **dict.fromkeys(("podman", "podman.exe", "podman-remote"), "podman"),
}
RUN_LINE = re.compile(r"\b(docker|podman|nerdctl)\b[^\n]*?\b(run|create)\b")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_CONTINUATION_PROMPT = re.compile(r"(?<=\\\n)[ \t]*>[ \t]+(?=\S)")
_GLOBAL_VALUES = {
    *("--context", "-c", "-H", "--host", "--config", "-l", "--log-level", "--namespace", "-n"),
    *("--cgroup-manager", "--connection", "--root", "--runroot", "--storage-driver", "--url"),
}


def read_run_lines(text: str) -> list[Launch]:
    """Every launch of a container in the text: those of the script itself first, then those quoted in it.

    Raises UnreadableError for the first line that cannot be read, where no other can.
    """
    text = _cleaned(text)
    reader = _Reader()
    try:
        reader.read(commands(text))
    except UnterminatedQuoteError as error:
        # An apostrophe in the words around the line; the line itself may be whole.
        reader.failures.append(UnreadableError(str(error), "", error.line, error.column))
        reader.read_lines(text)
    found = reader.direct or reader.quoted
    if not found and reader.failures:
        raise reader.failures[-1 if len(reader.failures) > 1 else 0]
    return [*reader.direct, *reader.quoted]


def _cleaned(text: str) -> str:
    """Text as the shell got it: no prompts, and the continuation marks of other shells made POSIX."""
    lines = text.replace("\r\n", "\n").split("\n")
    for index, line in enumerate(lines):
        bare = line.rstrip()
        if bare.endswith("`") and bare.count("`") % 2:  # PowerShell
            lines[index] = bare[:-1] + " \\"
        elif bare.endswith(" ^"):  # cmd.exe
            lines[index] = bare[:-1] + "\\"
    return _CONTINUATION_PROMPT.sub("", "\n".join(lines))


class _Reader:
    """Collects launches from commands; what a script assigns is kept for the lines after it."""

    def __init__(self) -> None:
        self.direct: list[Launch] = []
        self.quoted: list[Launch] = []
        self.failures: list[UnreadableError] = []
        self.assignments: dict[str, str] = {}

    def read(self, found: Sequence[Command]) -> None:
        """Reads the commands of one script."""
        array: str | None = None
        for index, command in enumerate(found):
            if array is not None:
                self.assignments[array] += "".join(" " + shlex.quote(word.text) for word in command.words)
                array = None if command.ended_by == ")" else array
                continue
            start = _run_at(command.words)
            if start is not None:
                self._run_line(command, start, found[index + 1] if index + 1 < len(found) else None)
                continue
            for word in command.words:
                self._word(word, is_first=word is command.words[0])
            last = _ASSIGNMENT.fullmatch(command.words[-1].text) if command.words else None
            if last is not None and command.ended_by == "(" and not last.group(2):
                array = last.group(1)
                self.assignments[array] = ""

    def read_lines(self, text: str) -> None:
        """Reads only the lines that start a container, each to where it ends."""
        lines = text.split("\n")
        for number, line in enumerate(lines):
            if not RUN_LINE.search(line):
                continue
            for end in range(number + 1, len(lines) + 1):
                if lines[end - 1].endswith("\\") and end < len(lines):
                    continue
                try:
                    self.read(commands("\n" * number + "\n".join(lines[number:end])))
                    break
                except UnterminatedQuoteError as error:
                    failure = UnreadableError(str(error), "", error.line, error.column)
            else:
                self.failures.append(failure)

    def _run_line(self, command: Command, start: int, following: Command | None) -> None:
        try:
            launch = _launch(command.words, start, _lost(following, command), dict(self.assignments))
        except UnreadableError as error:
            self.failures.append(error)
        else:
            self.direct.append(launch)

    def _word(self, word: Word, *, is_first: bool) -> None:
        match = _ASSIGNMENT.fullmatch(word.text)
        inner = match.group(2) if match else word.text
        if RUN_LINE.search(inner) and re.search(r"\s", inner):
            nested = _Reader()
            try:
                nested.read(commands(re.sub(r"^(\$\(|`)|(\)|`)$", "", inner.strip())))
            except UnterminatedQuoteError:
                return
            (self.direct if match else self.quoted).extend(nested.direct)
            self.failures += nested.failures
        elif match and is_first:
            self.assignments[match.group(1)] = inner


def _run_at(words: Sequence[Word]) -> int | None:
    """Index of the first word after `docker [options] [container] run`."""
    for index, word in enumerate(words):
        if _engine(word) is None:
            continue
        position = index + 1
        while position < len(words) and words[position].text.startswith("-"):
            position += 2 if words[position].text in _GLOBAL_VALUES else 1
        if position < len(words) and words[position].text == "container":
            position += 1
        if position < len(words) and words[position].text in {"run", "create"}:
            return position + 1
    return None


def _engine(word: Word) -> str | None:
    """docker or podman; `ExecStart=/usr/bin/docker` of a unit and `@docker` of a makefile count."""
    return ENGINES.get(PurePosixPath(word.text.rsplit("=", 1)[-1].lstrip("@-")).name)


def _launch(words: Sequence[Word], start: int, warnings: tuple[str, ...], assignments: dict[str, str]) -> Launch:
    options, position = _options(words, start)
    if position >= len(words):
        last = words[-1]
        raise UnreadableError("the line ends without an image after", last.text, last.line, last.column)
    image = image_of(words[position].text)
    entrypoint, problem = _entrypoint(options)
    return Launch(
        kind="podman" if any(_engine(word) == "podman" for word in words[:start]) else "docker",
        image=image.reference,
        settings=settings_of(options),
        program=program(image, entrypoint, [word.text for word in words[position + 1 :]], problem),
        assignments=assignments,
        warnings=(*warnings, *_for_the_client(words)),
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


def _for_the_client(words: Sequence[Word]) -> tuple[str, ...]:
    names = []
    for word in words:
        match = _ASSIGNMENT.fullmatch(word.text)
        if match is None:
            break
        names.append(match.group(1))
    shown = ", ".join(names)
    return (f"{shown} in front of the line reaches the client, not the container; -e sets it there",) if names else ()


def _lost(following: Command | None, command: Command) -> tuple[str, ...]:
    if command.ended_by != "\n" or following is None or not following.words:
        return ()
    first = following.words[0]
    if not first.text.startswith("-"):
        return ()
    lost = " ".join(word.text for word in following.words)
    return (f"line {first.line}: the line before lacks its backslash, so {lost} never reaches the container",)


def _options(words: Sequence[Word], start: int) -> tuple[dict[str, list[str]], int]:
    options: dict[str, list[str]] = {}
    position = start
    while position < len(words) and words[position].text.startswith("-") and words[position].text != "-":
        word = words[position]
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
