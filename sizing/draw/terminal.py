"""Bars in a terminal: block characters, coloured on a terminal that shows colours."""

import textwrap
from collections.abc import Iterator

from sizing.draw.bars import Bar

# Without colours each slice has a pattern of its own.
PATTERNS = "█▒▓░▚◆▤▪╱·"
BLOCK = "█"
INDENT = 4


def draw(bar: Bar, width: int, *, colours: bool) -> Iterator[str]:
    """The bar and its legend, in lines of at most `width` characters."""
    yield f"{bar.title}  {bar.total}"
    marks = [Mark(number, piece.colour, colours) for number, piece in enumerate(bar.slices)]
    cells = bar.cells(width)
    yield "".join(mark(cell) for mark, cell in zip(marks, cells, strict=True))
    longest = max(len(piece.name) for piece in bar.slices)
    for mark, piece in zip(marks, bar.slices, strict=True):
        spread = f"  ({piece.range})" if piece.range else ""
        head = f"  {{}} {piece.name:<{longest}} {piece.size:>10} {100 * piece.share:5.1f} %{spread}  "
        lines = wrapped(head.format(BLOCK) + piece.reason, width, len(head.format(BLOCK)))
        yield lines[0].replace(BLOCK, mark(1), 1)
        yield from lines[1:]


def wrapped(text: str, width: int, indent: int) -> list[str]:
    """Lines of at most `width`; later ones start below the reason, or a little in where that leaves no room."""
    under = indent if width - indent >= 30 else INDENT
    return textwrap.wrap(text, max(width, 20), subsequent_indent=" " * under, drop_whitespace=True) or [""]


class Mark:
    """How one slice is printed: so many cells of its colour or its pattern."""

    def __init__(self, number: int, colour: str, colours: bool) -> None:
        self.glyph = BLOCK if colours else PATTERNS[number % len(PATTERNS)]
        red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
        self.before, self.after = (f"\x1b[38;2;{red};{green};{blue}m", "\x1b[0m") if colours else ("", "")

    def __call__(self, cells: int) -> str:
        return f"{self.before}{self.glyph * cells}{self.after}"
