"""Finds the arguments of vLLM in what an image, its entry point and its command make together."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from sizing.audit.images import Image
from sizing.audit.launch import Form, Program
from sizing.audit.shell import commands

MODULE = re.compile(r"vllm\.entrypoints\.(openai\.)?api_server$")
_SHELLS = {"sh", "bash", "dash", "ash", "zsh"}
_PYTHONS = re.compile(r"python[0-9.]*$")
_PROGRAMS = {"vllm", "ray", "sleep", "tail", "nvidia-smi", "torchrun", "uvicorn", "sglang", "true", "env"}
_SCRIPT = re.compile(r"\.(sh|py|bash)$")
_PREFIXES = {"exec", "nohup", "sudo", "time", "tini", "dumb-init", "--", "nice", "env", "stdbuf", "numactl", "then"}
# Programs that take options of their own and then the command to start.
_LAUNCHERS = {"conda", "mamba", "micromamba", "uv", "poetry", "pipenv", "pixi", "nsys", "gosu", "su-exec", "taskset"}
_LAUNCHERS |= {"timeout", "ionice", "setpriv", "opentelemetry-instrument", "ddtrace-run", "mpirun"}


def program(
    image: Image, entrypoint: Sequence[str] | None, command: Sequence[str], quote_problem: str | None = None
) -> Program:
    """`entrypoint` is None where the image's own is used; an empty one clears it."""
    if entrypoint is None and image.starts != "nothing":
        found = None if image.starts == "vllm" else _started(command, "vllm_serve_in_command")
        result = found or _handed_to_image(image, command)
    elif entrypoint is None:
        result = _started(command, "vllm_serve_in_command") or _bare_image(image, command)
    else:
        form: Form = "entrypoint_override" if entrypoint else "vllm_serve_in_command"
        words = [*entrypoint, *command]
        result = _started(words, form) or _not_in_text(words)
    if quote_problem and not result.problem:
        return Program(result.form, result.arguments, quote_problem, result.known)
    return result


def _handed_to_image(image: Image, command: Sequence[str]) -> Program:
    problem = None
    if image.starts == "vllm" and _started(command, "vllm_serve_in_command"):
        problem = (
            "the image already starts `vllm serve`, so the repeated command arrives as surplus words: "
            + " ".join(command[:2])
        )
    elif image.starts == "vllm" and command and command[0] == "serve":
        problem = "the image already starts `vllm serve`, so the word 'serve' is taken for the model"
    if image.starts != "vllm" and command and names_a_program(command[0]):
        return _not_in_text(command)
    known = bool(command) or image.starts == "vllm"
    return Program("image_entrypoint", tuple(command), problem, known)


def names_a_program(word: str) -> bool:
    """Whether a first word names something to run rather than an option or a model."""
    name = PurePosixPath(word).name
    return name in _SHELLS | _PROGRAMS | _LAUNCHERS or bool(_PYTHONS.match(name)) or bool(_SCRIPT.search(word))


def _bare_image(image: Image, command: Sequence[str]) -> Program:
    if command and names_a_program(command[0]):
        return _not_in_text(command)
    problem = f"{image.name} does not start vLLM by itself: the command must begin with `vllm serve`"
    return Program("image_entrypoint", tuple(command), problem, bool(command))


def _not_in_text(words: Sequence[str]) -> Program:
    script = any(_SCRIPT.search(word) or "/" in word for word in words[:2])
    form: Form = "script" if script else "other_program"
    return Program(form, (), "the arguments are not in the text", known=False)


def _started(words: Sequence[str], form: Form) -> Program | None:
    """vLLM's arguments where these words start it, else None."""
    rest = list(words)
    while rest and (rest[0] in _PREFIXES or re.match(r"[A-Za-z_]\w*=", rest[0])):
        rest.pop(0)
    if not rest:
        return None
    name = PurePosixPath(rest[0]).name
    if name in _SHELLS:
        return _in_shell(rest[1:])
    if name == "vllm":
        return Program(form, tuple(rest[2:])) if rest[1:2] == ["serve"] else None
    if _PYTHONS.match(name) or rest[0] == "-m":
        return _module(rest, form)
    if name in _LAUNCHERS:
        # The environment of `conda run -n vllm python …` is no program.
        starts = (at for at in range(1, len(rest)) if _may_start(rest[at]) or rest[at : at + 2] == ["vllm", "serve"])
        at = next(starts, None)
        return None if at is None else _started(rest[at:], form)
    return None


def _may_start(word: str) -> bool:
    name = PurePosixPath(word).name
    return name in _SHELLS or bool(_PYTHONS.match(name))


def _module(words: Sequence[str], form: Form) -> Program | None:
    for index, word in enumerate(words[:-1]):
        if word == "-m" and MODULE.match(words[index + 1]):
            kind: Form = "module_in_command" if form == "vllm_serve_in_command" else form
            return Program(kind, tuple(words[index + 2 :]))
    for index, word in enumerate(words):
        if PurePosixPath(word).name == "vllm" and words[index + 1 : index + 2] == ["serve"]:
            return Program(form, tuple(words[index + 2 :]))
        if word.endswith("api_server.py"):
            return Program(form, tuple(words[index + 1 :]))
    return None


def _in_shell(words: Sequence[str]) -> Program | None:
    for index, word in enumerate(words):
        if re.fullmatch(r"-[a-z]*c[a-z]*", word):
            script = words[index + 1] if index + 1 < len(words) else ""
            found = _in_script(script, words[index + 3 :])
            if found is None and words[index + 2 :]:
                found = _started(words[index + 1 :], "shell_wrapped")
                problem = f"the shell runs '{script}' alone; the words after it are not part of the command: quote it"
                return None if found is None else Program(found.form, found.arguments, problem)
            return found
    return None


def _in_script(script: str, parameters: Sequence[str]) -> Program | None:
    for command in commands(script, lenient=True):
        words: list[str] = []
        for word in command.words:
            words += list(parameters) if word.text in {"$@", "$*"} and parameters else [word.text]
        for start in range(len(words)):
            if PurePosixPath(words[start]).name == "vllm" or _PYTHONS.match(PurePosixPath(words[start]).name):
                found = _started(words[start:], "shell_wrapped")
                if found is not None:
                    return found
    return None
