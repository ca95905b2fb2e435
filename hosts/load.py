"""Reads a stack's configuration from its file or from plain data; every error names its line."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError

from hosts.problems import ConfigError, Location, Problem, dotted, problems_of
from hosts.stack import StackConfig

NAMESPACE = "gpuhost"
# Keys of ours that other parts of the program read: secrets stay out of the typed configuration.
_ELSEWHERE = frozenset({"apiKey", "hubToken"})
_MAX_BYTES = 4 << 20


@dataclass(frozen=True)
class StackFile:
    """A parsed `Pulumi.<stack>.yaml`: our section as plain data, and the line of each location."""

    path: Path
    data: Mapping[str, object]
    lines: Mapping[Location, int]

    @property
    def folder(self) -> Path:
        """Relative paths in the file start here."""
        return self.path.parent


def load_stack(path: Path) -> StackConfig:
    """The validated configuration in the stack file at `path`.

    Raises ConfigError that lists every problem with file and line; touches nothing else.
    """
    return validate(read_stack_file(path))


def read_stack_file(path: Path) -> StackFile:
    """Parses a stack file without judging our section's content.

    Raises ConfigError where the file is missing, too large or not YAML with a `config:` map.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError([Problem("file", f"is larger than {_MAX_BYTES >> 20} MiB: not a stack file", str(path))])
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([Problem("file", f"cannot be read: {error}", str(path))]) from error
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        why = getattr(error, "problem", None) or type(error).__name__
        raise ConfigError([Problem("file", f"is not YAML: {why}", str(path), line)]) from error
    config = document.get("config") if isinstance(document, dict) else None
    if not isinstance(config, dict):
        raise ConfigError([Problem("config", "is missing: the file needs a 'config:' map", str(path), 1)])
    lines: dict[Location, int] = {}
    if root is not None:
        _note_lines(root, (), lines, 0)
    return StackFile(path, _our_section(config), _ours(lines))


def validate(source: StackFile) -> StackConfig:
    """The typed configuration, or a ConfigError with every problem in the order of the file."""
    known = {key: value for key, value in source.data.items() if key not in _ELSEWHERE}
    try:
        return StackConfig.model_validate(known)
    except ValidationError as error:
        problems = [
            Problem(dotted(location) or NAMESPACE, message, str(source.path), line_of(source.lines, location))
            for location, message in problems_of(error, StackConfig)
        ]
        raise ConfigError(sorted(problems, key=lambda problem: problem.line or 0)) from error


def validate_config(data: Mapping[str, object], path: Path) -> StackConfig:
    """The typed configuration in `data`, as the engine hands it over; lines come from the file at `path`.

    Raises ConfigError with every problem; a file that says something else (an override on the command line)
    is not quoted.
    """
    source = StackFile(path, data, {})
    if path.is_file():
        written = read_stack_file(path)
        # The engine hands over what it is asked for: a key nobody asks for would pass unseen.
        unasked = {key: value for key, value in written.data.items() if key not in data}
        same = {key: value for key, value in written.data.items() if key in data} == data
        source = StackFile(path, unasked | dict(data), written.lines if same else {})
    return validate(source)


def line_of(lines: Mapping[Location, int], location: Location) -> int | None:
    """The line of the location, or of the nearest enclosing thing that is in the file."""
    for end in range(len(location), -1, -1):
        if location[:end] in lines:
            return lines[location[:end]]
    return None


def _our_section(config: Mapping[object, object]) -> dict[str, object]:
    prefix = f"{NAMESPACE}:"
    return {str(key).removeprefix(prefix): value for key, value in config.items() if str(key).startswith(prefix)}


def _ours(lines: Mapping[Location, int]) -> dict[Location, int]:
    prefix = f"{NAMESPACE}:"
    ours: dict[Location, int] = {(): lines.get(("config",), 1)}
    for location, line in lines.items():
        if len(location) > 1 and location[0] == "config" and str(location[1]).startswith(prefix):
            ours[str(location[1]).removeprefix(prefix), *location[2:]] = line
    return ours


def _note_lines(node: yaml.Node, at: Location, lines: dict[Location, int], depth: int) -> None:
    if depth > 32:
        return
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            where = (*at, str(key.value))
            lines[where] = key.start_mark.line + 1
            _note_lines(value, where, lines, depth + 1)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[*at, index] = item.start_mark.line + 1
            _note_lines(item, (*at, index), lines, depth + 1)
