"""What `${NAME:-default}` and its kin stand for when only the text is known.

A variable with a default is its default, `${NAME:+x}` is nothing, and a variable without one stays `$NAME`: the
reader of a launch cannot know it.
"""

import re
from dataclasses import dataclass

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?!$-]")
_BRACED = re.compile(r"!?([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*])(\[[^]]*\])?")
_OPERATORS = (":-", ":=", ":?", ":+", "-", "=", "?", "+")


@dataclass(frozen=True)
class Expansion:
    """The text a `$…` stands for, and where the source goes on after it.

    `raw` is a default that still has to be read (it may hold quotes and further variables); otherwise
    `literal` is the answer.
    """

    end: int
    literal: str = ""
    raw: str | None = None


def expansion_at(text: str, start: int) -> Expansion | None:
    """Reads the `$…` at `start`; None where the dollar stands for itself."""
    following = text[start + 1 : start + 2]
    if following == "{":
        end = closing(text, start + 1, "{", "}")
        return None if end is None else _braced(text[start + 2 : end], end + 1)
    if following == "(":
        end = closing(text, start + 1, "(", ")")
        return None if end is None else Expansion(end + 1, text[start : end + 1])
    match = _NAME.match(text, start + 1)
    return Expansion(match.end(), "$" + match.group()) if match else None


def interpolated(text: str) -> str:
    """A compose value after interpolation; `$$` is a dollar, quotes mean nothing here."""
    out: list[str] = []
    position = 0
    while position < len(text):
        if text[position] != "$":
            out.append(text[position])
            position += 1
        elif text[position + 1 : position + 2] == "$":
            out.append("$")
            position += 2
        else:
            found = expansion_at(text, position)
            if found is None or text[position + 1] == "(":
                out.append("$")
                position += 1
            else:
                out.append(found.literal if found.raw is None else interpolated(found.raw))
                position = found.end
    return "".join(out)


def closing(text: str, start: int, opening: str, ending: str) -> int | None:
    """Where the bracket at `start` closes, quotes and nesting respected; None if it never does."""
    depth, position = 0, start
    while position < len(text):
        character = text[position]
        if character == "\\":
            position += 1
        elif character == "'" and opening == "(":
            position = text.find("'", position + 1)
            if position < 0:
                return None
        elif character == opening:
            depth += 1
        elif character == ending:
            depth -= 1
            if depth == 0:
                return position
        position += 1
    return None


def _braced(inside: str, end: int) -> Expansion:
    match = _BRACED.match(inside.removeprefix("#"))
    if match is None:
        return Expansion(end, "${" + inside + "}")
    name, rest = match.group(1), inside.removeprefix("#")[match.end() :]
    operator = next((sign for sign in _OPERATORS if rest.startswith(sign)), "")
    if name in "@*" and operator != ":-":  # "${@:3}": parameters of the script
        operator = ""
    default = rest[len(operator) :]
    if operator in {":-", "-", ":=", "="}:
        return Expansion(end, raw=default)
    if operator in {":+", "+"}:
        return Expansion(end, raw="")
    return Expansion(end, "$" + name)
