"""Path globs: `*` stops at `/`, `**` does not, `?`, `[a-z]`, `[!a-z]`, `{one,two}` and `\\` as escape."""

from __future__ import annotations

import re

from toolchain.plugins.command.protocol.errors import CommandError


def compile_glob(glob: str) -> re.Pattern[str]:
    """The glob as a regular expression; raises CommandError where it is malformed."""
    parts: list[str] = []
    braces = 0
    position = 0
    while position < len(glob):
        character = glob[position]
        length = 1
        if character == "*":
            length = 2 if glob[position + 1 : position + 2] == "*" else 1
            parts.append(".*" if length == 2 else "[^/]*")
        elif character == "[":
            length, text = _character_class(glob, position)
            parts.append(text)
        elif character == "\\":
            length = 2
            parts.append(re.escape(glob[position + 1 : position + 2]))
        else:
            text, braces = _plain(character, braces)
            parts.append(text)
        position += length
    # A brace that is never closed ends with the glob.
    return re.compile("".join(parts) + ")" * braces, re.DOTALL)


def _plain(character: str, braces: int) -> tuple[str, int]:
    """The expression of one character, and how many braces are open after it."""
    if character == "?":
        return "[^/]", braces
    if character == "{":
        return "(?:", braces + 1
    if character == "," and braces:
        return "|", braces
    if character == "}" and braces:
        return ")", braces - 1
    return re.escape(character), braces


def _character_class(glob: str, start: int) -> tuple[int, str]:
    """Length and expression of the class that begins at start: characters, or one range such as a-z."""
    position = start + 1
    negated = glob[position : position + 1] == "!"
    position += negated
    members: list[tuple[str, bool]] = []
    while position < len(glob) and glob[position] != "]":
        escaped = glob[position] == "\\"
        position += escaped
        members.append((glob[position : position + 1], escaped))
        position += 1
    if position >= len(glob):
        raise CommandError("unexpected end of input")
    if not members:
        raise CommandError("could not parse range")
    inner = "".join("-" if one == "-" and not escaped else re.escape(one) for one, escaped in members)
    try:
        re.compile(f"[{inner}]")
    except re.error:
        raise CommandError("could not parse range") from None
    return position - start + 1, f"[{'^' if negated else ''}{inner}]"
