"""Finds the lines that start a container in shell text, and what the script around them assigns."""

import re
import shlex
from collections.abc import Sequence
from pathlib import PurePosixPath

from sizing.audit.docker_run import launch_of
from sizing.audit.launch import Launch, UnreadableError
from sizing.audit.shell import Command, UnterminatedQuoteError, Word, commands
from sizing.audit.transcript import cleaned

ENGINES = {
    **dict.fromkeys(("docker", "docker.exe", "nvidia-docker", "nerdctl"), "docker"),
    **dict.fromkeys(("podman", "podman.exe", "podman-remote"), "podman"),
}
# `$DOCKER run`, `"${CONTAINER_ENGINE}" run`, `$(PODMAN) run`: the engine's name lies in a variable.
_ENGINE_NAME = r"(?i:\w*(?:docker|podman|container|engine|runtime)\w*)"
_ENGINE_VARIABLE = re.compile(rf"\$\(?{_ENGINE_NAME}\)?")
RUN_LINE = re.compile(
    r"\b(docker|podman|nerdctl)\b[^\n]*?\b(run|create)\b" + rf"|\$[({{]?{_ENGINE_NAME}(?:\[@\])?[)}}]?\"?\s+run\b"
)
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(\+?)=(.*)", re.DOTALL)
_OPENING = {"if", "case", "for", "while", "until", "select"}
_CLOSING = {"fi", "esac", "done"}
_BEFORE_ASSIGNMENTS = {"export", "readonly", "local", "declare", "typeset", "then", "else", "do", "{"}
_LONGEST_VALUE = 1 << 16
_GLOBAL_VALUES = {
    *("--context", "-c", "-H", "--host", "--config", "-l", "--log-level", "--namespace", "-n"),
    *("--cgroup-manager", "--connection", "--root", "--runroot", "--storage-driver", "--url"),
}


def read_run_lines(text: str) -> list[Launch]:
    """Every launch of a container in the text: those of the script itself first, then those quoted in it.

    Raises UnreadableError for the first line that cannot be read, where no other can.
    """
    text = cleaned(text)
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


class _Reader:
    """Collects launches from commands; what a script assigns is kept for the lines after it."""

    def __init__(self) -> None:
        self.direct: list[Launch] = []
        self.quoted: list[Launch] = []
        self.failures: list[UnreadableError] = []
        self.assignments: dict[str, str] = {}

    def read(self, found: Sequence[Command]) -> None:
        """Reads the commands of one script."""
        branches = 0  # if, case and loops around the command
        name = ""
        array: list[Word] | None = None
        for index, command in enumerate(found):
            if array is not None:
                array += command.words
                if command.ended_by == ")":
                    self._array(name, array, in_branch=branches > 0)
                    array = None
                continue
            first = command.words[0].text if command.words else ""
            branches += (first in _OPENING) - (first in _CLOSING and branches > 0)
            start = _run_at(command.words)
            if start is not None:
                self._run_line(command, start, found[index + 1] if index + 1 < len(found) else None)
                continue
            for word in command.words:
                declares = word is command.words[0] or first in _BEFORE_ASSIGNMENTS
                self._word(word, declares=declares, in_branch=branches > 0)
            last = _ASSIGNMENT.fullmatch(command.words[-1].text) if command.words else None
            if last is not None and command.ended_by == "(" and not last.group(3):
                name, array = last.group(1) + last.group(2), []

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
        self._launch(command.words, start, _lost(following, command))

    def _launch(self, words: Sequence[Word], start: int, warnings: tuple[str, ...] = ()) -> None:
        podman = any(_engine(word) == "podman" for word in words[:start])
        warnings = (*warnings, *_for_the_client(words))
        try:
            launch = launch_of("podman" if podman else "docker", words, start, warnings, dict(self.assignments))
        except UnreadableError as error:
            self.failures.append(error)
        else:
            self.direct.append(launch)

    def _array(self, name: str, words: Sequence[Word], *, in_branch: bool) -> None:
        """`ARGS=(…)`; of `cmd=(docker run …)` the launch counts."""
        start = _run_at(words)
        if start is not None:
            self._launch(words, start)
        self._assign(name, " ".join(shlex.quote(word.text) for word in words), in_branch=in_branch)

    def _assign(self, name: str, value: str, *, in_branch: bool) -> None:
        """`name` ends in + where the value is appended. What a branch assigns counts only where nothing
        outside did: the branch may not be taken."""
        name, appends = name.rstrip("+"), name.endswith("+")
        before = self.assignments.get(name)
        if in_branch and before is not None:
            return
        value = re.sub(rf"\${name}\b", lambda _: before or "", value)
        separator = " " if before and not value.startswith(" ") else ""
        value = (before or "") + separator + value if appends else value
        if len(value) <= _LONGEST_VALUE:
            self.assignments[name] = value

    def _word(self, word: Word, *, declares: bool, in_branch: bool) -> None:
        match = _ASSIGNMENT.fullmatch(word.text)
        inner = match.group(3) if match else word.text
        if RUN_LINE.search(inner) and re.search(r"\s", inner):
            nested = _Reader()
            try:
                nested.read(commands(re.sub(r"^(\$\(|`)|(\)|`)$", "", inner.strip())))
            except UnterminatedQuoteError:
                return
            (self.direct if match else self.quoted).extend(nested.direct)
            self.failures += nested.failures
        elif match and declares:
            self._assign(match.group(1) + match.group(2), inner, in_branch=in_branch)


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
    """docker or podman; `ExecStart=/usr/bin/docker`, a makefile's `@docker` and a notebook's `!docker` count."""
    text = word.text.rsplit("=", 1)[-1].lstrip("@-!")
    if _ENGINE_VARIABLE.fullmatch(text):
        return "podman" if "podman" in text.lower() else "docker"
    return ENGINES.get(PurePosixPath(text).name)


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
