"""Makes pasted text what the shell got: no prompts, no quotation marks, one kind of continuation mark."""

import re

_QUOTED_BLOCK = re.compile(r"(?:^[ \t]*>(?: .*)?(?:\n|\Z))+", re.MULTILINE)
_PROMPT = re.compile(r"^(?:[A-Z]:\\[^>\n]*>|PS [^>\n]*>)[ \t]*", re.MULTILINE)
_CONTINUATION_PROMPT = re.compile(r"^[ \t]*>[ \t]+(?=\S)")
# Written from a here-document or a string, a continuation mark is doubled.
_DOUBLED_BACKSLASH = re.compile(r"(?<=\s)\\{2,}$")


def unquoted(text: str) -> str:
    """A page whose block quotes (`> docker run …`) stand as plain text."""

    def plain(match: re.Match[str]) -> str:
        continues = text[: match.start()].rstrip(" \t").endswith("\\\n")
        return match.group() if continues else re.sub(r"^[ \t]*> ?", "", match.group(), flags=re.MULTILINE)

    return _QUOTED_BLOCK.sub(plain, text)


def cleaned(text: str) -> str:
    """A script or a transcript without prompts, the continuation marks of other shells made POSIX."""
    lines = _PROMPT.sub("", text.replace("\r\n", "\n")).split("\n")
    for index, line in enumerate(lines):
        bare = line.rstrip()
        if bare.endswith("`") and bare.count("`") % 2:  # PowerShell
            lines[index] = bare[:-1] + " \\"
        elif bare.endswith(" ^"):  # cmd.exe
            lines[index] = bare[:-1] + "\\"
        else:
            lines[index] = _DOUBLED_BACKSLASH.sub(r"\\", line)
    return "\n".join(_without_continuation_prompts(lines))


def _without_continuation_prompts(lines: list[str]) -> list[str]:
    """A terminal shows `> ` on every continued line; on some of them only, it is a redirection."""
    start = 0
    while start < len(lines):
        end = start
        while lines[end].endswith("\\") and end + 1 < len(lines):
            end += 1
        continued = lines[start + 1 : end + 1]
        if continued and all(map(_CONTINUATION_PROMPT.match, continued)):
            lines[start + 1 : end + 1] = [_CONTINUATION_PROMPT.sub("", line) for line in continued]
        start = end + 1
    return lines
