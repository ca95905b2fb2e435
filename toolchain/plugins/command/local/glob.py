"""Path globs: `*` stops at `/`, `**` does not, `?`, `[a-z]`, `[!a-z]`, `{one,two}` and `\\` as escape."""

from __future__ import annotations

import re

from toolchain.plugins.command.protocol.errors import CommandError


def compile_glob(glob: str) -> re.Pattern[str]:
    """The glob as a regular expression; raises CommandError where it is malformed."""
    parts: list[str] = []
    depth = 0
    position = 0
    while position < len(glob):
        character = glob[position]
        step = 1
        if character == "*":
            step = 2 if glob[position + 1 : position + 2] == "*" else 1
            parts.append(".*" if step == 2 else "[^/]*")
        elif character == "?":
            parts.append("[^/]")
        elif character == "[":
            step, text = _character_class(glob, position)
            parts.append(text)
        elif character == "\\":
            step = 2
            parts.append(re.escape(glob[position + 1 : position + 2]))
        elif character == "{":
            depth += 1
            parts.append("(?:")
        elif character == "," and depth:
            parts.append("|")
        elif character == "}" and depth:
            depth -= 1
            parts.append(")")
        else:
            parts.append(re.escape(character))
        position += step
    if depth:
        raise CommandError(f"glob {glob!r}: a brace is not closed")
    return re.compile("".join(parts), re.DOTALL)


def _character_class(glob: str, start: int) -> tuple[int, str]:
    """Length and expression of the class that begins at start."""
    end = glob.find("]", start + 2)
    if end < 0:
        raise CommandError(f"glob {glob!r}: a character class is not closed")
    inner = glob[start + 1 : end]
    negated = inner.startswith("!")
    inner = inner.removeprefix("!").replace("\\", "\\\\").replace("^", "\\^").replace("[", "\\[")
    return end - start + 1, f"[{'^' if negated else ''}{inner}]"
