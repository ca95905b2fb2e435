"""Versions as the host's programs print them, made comparable."""

import re


def release(text: str) -> tuple[int, ...]:
    """The leading dotted numbers: '26.1.5+dfsg1' is (26, 1, 5). ValueError where there are none.

    Example: `release("580.159.03") >= release("580.65.06")`
    """
    match = re.match(r"\d+(?:\.\d+)*", text)
    if match is None:
        raise ValueError(f"'{text}' does not begin with a version")
    return tuple(int(part) for part in match[0].split("."))
