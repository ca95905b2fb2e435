"""Finds the launch in a text: a compose file, a shell line, or vLLM's arguments alone."""

import re

from sizing.audit.compose import read_compose
from sizing.audit.images import image_of
from sizing.audit.launch import ContainerSettings, Launch, Program, UnreadableError
from sizing.audit.program import names_a_program
from sizing.audit.script import RUN_LINE, read_run_lines
from sizing.audit.shell import UnterminatedQuoteError, commands
from sizing.audit.transcript import unquoted

MAX_TEXT_BYTES = 1 << 20
_FENCE = re.compile(r"^[ \t]*(```|~~~)[^`\n]*\n(.*?)^[ \t]*\1[ \t]*$", re.DOTALL | re.MULTILINE)
# A line of a fence, or the marks around code within a line.
_FENCE_MARK = re.compile(r"^[ \t]*(```|~~~)[^`\n]*$|```", re.MULTILINE)
_HERE_DOCUMENT = re.compile(
    r"<<-?[ \t]*(['\"]?)([A-Za-z_]\w*)\1[^\n]*\n(.*?)^[ \t]*\2[ \t]*$", re.DOTALL | re.MULTILINE
)
_COMPOSE = re.compile(r"^services\s*:", re.MULTILINE)
_COMMENT_MARK = re.compile(r"^[ \t]*(#|//)[ \t]?", re.MULTILINE)
_LAUNCHES = re.compile(RUN_LINE.pattern + r"|^\s*image\s*:", re.MULTILINE)


def read_launch(text: str, service: str | None = None) -> Launch:
    """The launch of vLLM in `text`; `service` picks one of a compose file.

    Of several launches the first that serves with vLLM counts, else the first that has to do with it.
    Raises UnreadableError, pointing at the word.
    """
    if len(text.encode()) > MAX_TEXT_BYTES:
        raise UnreadableError(f"the text is longer than {MAX_TEXT_BYTES} bytes")
    if not text.strip():
        raise UnreadableError("the text is empty; give a docker run line or a compose file on standard input")
    found = _found(text, service)
    if not found:
        return _bare_arguments(text)
    if service is not None:
        named = [launch for launch in found if launch.service == service]
        if not named:
            names = ", ".join(launch.service or "" for launch in found)
            raise UnreadableError(f"there is no service '{service}'; found: {names}")
        return named[0]
    return next(filter(_serves, found), next(filter(_runs_vllm, found), found[0]))


def _found(text: str, service: str | None) -> list[Launch]:
    """Every launch up to the first that serves, or is the service asked for; a block that is broken is
    passed over where another is whole."""
    found: list[Launch] = []
    broken: UnreadableError | None = None
    *blocks, whole = _candidates(text)
    for block in blocks:
        try:
            found += _launches(block)
        except UnreadableError as error:
            broken = broken or error
        if any(map(_serves, found)) and (service is None or service in {launch.service for launch in found}):
            return found
    if found:
        return found
    if broken is not None:
        raise broken
    return _launches(whole)


def _candidates(text: str) -> list[str]:
    """Each fenced block that launches something, each compose file a script writes, and the whole text
    without the marks of blocks."""
    if _LAUNCHES.search(text):
        text = unquoted(text)
    fenced = [match.group(2) for match in _FENCE.finditer(text)]
    written = [match.group(3) for match in _HERE_DOCUMENT.finditer(text)]
    return [*filter(_LAUNCHES.search, fenced), *filter(_COMPOSE.search, written), _FENCE_MARK.sub("", text)]


def _launches(text: str) -> list[Launch]:
    try:
        found = read_compose(text)
    except RecursionError as error:
        raise UnreadableError("the file is nested too deeply, or an anchor holds itself") from error
    if found is not None or not RUN_LINE.search(text):
        return found or []
    try:
        # Last, a line someone commented out or quoted in a remark.
        return read_run_lines(text) or read_run_lines(_COMMENT_MARK.sub("", text))
    except RecursionError as error:
        raise UnreadableError("a shell within a shell, nested too deeply") from error


def _serves(launch: Launch) -> bool:
    """A script, a look at the GPU or a shell in vLLM's image has less to say than a launch with arguments."""
    words = launch.program.arguments
    return (
        _runs_vllm(launch)
        and launch.program.form not in {"script", "other_program"}
        and not (launch.program.form == "image_entrypoint" and words and names_a_program(words[0]))
    )


def _runs_vllm(launch: Launch) -> bool:
    if launch.program.form in {"image_entrypoint", "script", "other_program"}:
        return "vllm" in launch.image.lower() or any("vllm" in word for word in launch.program.arguments)
    return True


def _bare_arguments(text: str) -> Launch:
    """`--max-model-len 32768 \\ …` or `vllm serve MODEL …` without a container around it."""
    try:
        found = [command for command in commands(text) if command.words]
    except UnterminatedQuoteError as error:
        raise UnreadableError(str(error), "", error.line, error.column) from error
    if not found:
        raise UnreadableError("there is no command in the text")
    words = [word.text for word in found[0].words]
    for index, word in enumerate(words):
        if word.rsplit("/", 1)[-1] == "vllm" and words[index + 1 : index + 2] == ["serve"]:
            return _arguments(words[index + 2 :])
    first = found[0].words[0]
    if first.text.startswith("-"):
        return _fragment(words)
    raise UnreadableError(
        "neither a docker run line, a compose file nor options of vLLM", first.text, first.line, first.column
    )


def _fragment(words: list[str]) -> Launch:
    if words[0] in {"-e", "--env"}:
        settings = ContainerSettings(
            environment=dict(
                value.partition("=")[::2]
                for flag, value in zip(words[::2], words[1::2], strict=False)
                if flag in {"-e", "--env"}
            )
        )
        return _arguments([], settings)
    return _arguments(words)


def _arguments(words: list[str], settings: ContainerSettings | None = None) -> Launch:
    return Launch(
        kind="arguments",
        image=image_of("").reference,
        settings=settings or ContainerSettings(),
        program=Program("image_entrypoint", tuple(words)),
    )
