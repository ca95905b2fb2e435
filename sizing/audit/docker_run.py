"""Reads `docker run`, `podman run` and `nerdctl run` lines out of shell text."""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from sizing.audit.docker_options import SAME, SHORT_SWITCHES, SHORT_VALUES, SWITCHES, VALUES
from sizing.audit.images import image_of
from sizing.audit.launch import ContainerSettings, Launch, Port, Ulimit, UnreadableError
from sizing.audit.program import program
from sizing.audit.shell import Command, UnterminatedQuoteError, Word, commands
from sizing.audit.sizes import size_bytes

ENGINES = {"docker": "docker", "podman": "podman", "nerdctl": "docker", "podman-remote": "podman"}
RUN_LINE = re.compile(r"\b(docker|podman|nerdctl)\b[^\n]*?\b(run|create)\b")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_CONTINUATION_PROMPT = re.compile(r"(?<=\\\n)[ \t]*>[ \t]+(?=\S)")
_GLOBAL_VALUES = {"--context", "-c", "-H", "--host", "--config", "-l", "--log-level", "--namespace", "-n"}


def read_run_lines(text: str) -> list[Launch]:
    """Every launch of a container in the text, in order. Raises UnreadableError where one cannot be read."""
    return list(_launches(_cleaned(text)))


def _cleaned(text: str) -> str:
    """Text as the shell got it: no fences, no prompts, the continuation marks of other shells made POSIX."""
    text = text.replace("\r\n", "\n")
    text = re.sub(r"^[ \t]*(```|~~~)[^\n]*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"[ \t]`[ \t]*\n", " \\\\\n", text)  # PowerShell
    text = re.sub(r"[ \t]\^[ \t]*\n", " \\\\\n", text)  # cmd.exe
    return _CONTINUATION_PROMPT.sub("", text)


def _launches(text: str) -> Iterator[Launch]:
    try:
        found = commands(text)
    except UnterminatedQuoteError as error:
        raise UnreadableError(str(error), "", error.line, error.column) from error
    assignments: dict[str, str] = {}
    for index, command in enumerate(found):
        following = found[index + 1] if index + 1 < len(found) else None
        start = _run_at(command.words)
        if start is not None:
            yield _launch(command.words, start, following, command, dict(assignments))
            continue
        for word in command.words:
            match = _ASSIGNMENT.fullmatch(word.text)
            inner = match.group(2) if match else word.text
            if RUN_LINE.search(inner) and re.search(r"\s", inner):
                yield from _launches(re.sub(r"^(\$\(|`)|(\)|`)$", "", inner.strip()))
            elif match and word is command.words[0]:
                assignments[match.group(1)] = inner


def _run_at(words: Sequence[Word]) -> int | None:
    """Index of the first word after `docker [options] [container] run`."""
    for index, word in enumerate(words):
        if PurePosixPath(word.text.rsplit("=", 1)[-1]).name not in ENGINES:
            continue
        position = index + 1
        while position < len(words) and words[position].text.startswith("-"):
            position += 2 if words[position].text in _GLOBAL_VALUES else 1
        if position < len(words) and words[position].text == "container":
            position += 1
        if position < len(words) and words[position].text in {"run", "create"}:
            return position + 1
    return None


def _launch(
    words: Sequence[Word], start: int, following: Command | None, command: Command, assignments: dict[str, str]
) -> Launch:
    options, position = _options(words, start)
    if position >= len(words):
        last = words[-1]
        raise UnreadableError("the line ends without an image after", last.text, last.line, last.column)
    image = image_of(words[position].text)
    entrypoint = [options["entrypoint"][-1]] if "entrypoint" in options else None
    if entrypoint == [""]:
        entrypoint = []
    engine = next(
        ENGINES[name] for word in words[:start] if (name := PurePosixPath(word.text.rsplit("=", 1)[-1]).name) in ENGINES
    )
    return Launch(
        kind="podman" if engine == "podman" else "docker",
        image=image.reference,
        settings=_settings(options),
        program=program(image, entrypoint, [word.text for word in words[position + 1 :]]),
        assignments=assignments,
        warnings=_lost(following, command),
    )


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


def _settings(options: dict[str, list[str]]) -> ContainerSettings:
    def last(name: str) -> str | None:
        return options[name][-1] if name in options else None

    bad: list[str] = []

    def size(name: str) -> int | None:
        text = last(name)
        if text is None or "$" in text:
            return None
        found = size_bytes(text)
        if found is None:
            bad.append(f"--{name} {text}")
        return found

    environment = dict(entry.partition("=")[::2] for entry in options.get("env", []))
    devices = [name for name in options.get("device", []) if re.search(r"nvidia|/dev/(kfd|dri)", name)]
    cpus = last("cpus")
    return ContainerSettings(
        gpus=last("gpus") or (devices[0] if devices else None),
        runtime=last("runtime"),
        ipc=last("ipc"),
        network=last("network"),
        privileged=last("privileged") == "true",
        shm_bytes=size("shm-size"),
        memory_bytes=size("memory"),
        memory_swap_bytes=size("memory-swap"),
        cpus=float(cpus) if cpus and re.fullmatch(r"\d+(\.\d+)?", cpus) else None,
        restart=last("restart"),
        ports=tuple(port_of(entry) for entry in options.get("publish", [])),
        environment=environment,
        volumes=(*options.get("volume", ()), *options.get("mount", ())),
        ulimits=tuple(Ulimit(*entry.partition("=")[::2]) for entry in options.get("ulimit", [])),
        user=last("user"),
        health_check="health-cmd" in options,
        removed_on_exit=last("rm") == "true",
        bad_sizes=tuple(bad),
    )


def port_of(text: str) -> Port:
    """`127.0.0.1:8000:8000` has an address, `8000:8000` has none."""
    match = re.match(r"(\[[0-9a-fA-F:]+\]|[0-9.]+|localhost|\$\w+):[^:]*:[^:]+$", text)
    return Port(match.group(1) if match else "", text)
