"""Where everything stands on the drawn page: rectangles and texts, for SVG and PNG alike. Units are pixels."""

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from sizing.draw.bars import Bar, bars_of
from sizing.serving import ServingPlan

WIDTH = 1040
MARGIN = 28
BAR_HEIGHT = 46
LINE = 21
TEXT = 13
SMALL = 12
CHARACTER = 0.57  # mean width of a character in a wide font, in font sizes
INK, PALE_INK, PAPER = "#1a1a1a", "#5a5a5a", "#ffffff"
VERDICT_COLOURS = {"meets": "#00734f", "coin toss": "#9a6a00", "cannot": "#b03a00", "not judged": PALE_INK}
VERDICT_WORDS = {
    "meets": "the goal is met",
    "coin toss": "the goal is a coin toss",
    "cannot": "the goal cannot be met",
    "not judged": "the goal is not judged",
}
COLUMNS = {"name": MARGIN + 22, "size": MARGIN + 250, "share": MARGIN + 312, "reason": MARGIN + 330}


@dataclass(frozen=True)
class Box:
    """A filled rectangle; `title` is what a pointer over it shows."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    title: str = ""


@dataclass(frozen=True)
class Words:
    """A line of text; `y` is its baseline."""

    x: float
    y: float
    text: str
    size: int = TEXT
    colour: str = INK
    bold: bool = False
    anchor: Literal["start", "middle", "end"] = "start"


@dataclass(frozen=True)
class Page:
    """A page of a fixed width and the height its content took."""

    width: int
    height: int
    shapes: tuple[Box | Words, ...]


def page_of(plans: Iterable[ServingPlan]) -> Page:
    """One plan below the other."""
    shapes: list[Box | Words] = []
    y = float(MARGIN)
    for plan in plans:
        for shape, below in _plan(plan, y):
            shapes.append(shape)
            y = max(y, below)
        y += 30
    return Page(WIDTH, int(y), tuple(shapes))


Placed = Iterator[tuple[Box | Words, float]]


def _plan(plan: ServingPlan, y: float) -> Placed:
    y += 14
    yield Words(MARGIN, y, f"{plan.host}: {plan.model} on vLLM {plan.vllm_version}", 18, bold=True), y
    verdict = plan.verdict
    says = VERDICT_WORDS[verdict]
    yield Words(WIDTH - MARGIN, y, says, 15, VERDICT_COLOURS[verdict], bold=True, anchor="end"), y
    y += 20
    arguments = textwrap.wrap(
        "vllm serve " + " ".join(plan.vllm_arguments), int((WIDTH - 2 * MARGIN) / SMALL / CHARACTER)
    )
    for line in arguments:
        yield Words(MARGIN, y, line, SMALL, PALE_INK), y
        y += 16
    for bar in bars_of(plan):
        y += 16
        for shape, below in _bar(bar, y):
            yield shape, below
            y = max(y, below)
    y += 16 + TEXT
    yield Words(MARGIN, y, "Goal", 15, bold=True), y
    for axis in plan.outlook.axes:
        y += LINE
        name = axis.field.removeprefix("goal.")
        yield Words(MARGIN, y, axis.verdict, TEXT, VERDICT_COLOURS[axis.verdict], bold=True), y
        yield Words(COLUMNS["name"] + 60, y, name), y
        yield Words(COLUMNS["reason"], y, f"{axis.asked:,.10g} {axis.unit} asked, {axis.predicted} predicted"), y


def _bar(bar: Bar, y: float) -> Placed:
    y += TEXT
    yield Words(MARGIN, y, f"{bar.title}  {bar.total}", 15, bold=True), y
    y += 10
    whole = WIDTH - 2 * MARGIN
    x = float(MARGIN)
    for piece in bar.slices:
        width = piece.share * whole
        yield Box(x, y, width, BAR_HEIGHT, piece.colour, f"{piece.name}: {piece.size}"), y + BAR_HEIGHT
        label = _label(piece.name, piece.size, width)
        if label:
            yield Words(x + width / 2, y + BAR_HEIGHT / 2 + 5, label, TEXT, ink_on(piece.colour), anchor="middle"), y
        x += width
    y += BAR_HEIGHT + 8
    for piece in bar.slices:
        y += LINE
        yield Box(MARGIN, y - 11, 14, 14, piece.colour), y
        yield Words(COLUMNS["name"], y, piece.name), y
        yield Words(COLUMNS["size"], y, piece.size, anchor="end"), y
        yield Words(COLUMNS["share"], y, f"{100 * piece.share:.1f} %", colour=PALE_INK, anchor="end"), y
        room = int((WIDTH - MARGIN - COLUMNS["reason"]) / SMALL / CHARACTER)
        reason = f"{piece.range}; {piece.reason}" if piece.range else piece.reason
        for number, line in enumerate(textwrap.wrap(reason, room)):
            y += 15 if number else 0
            yield Words(COLUMNS["reason"], y, line, SMALL, PALE_INK), y
    yield Words(MARGIN, y, ""), y + 8


def _label(name: str, size: str, width: float) -> str:
    """The longest of the labels that the slice has room for."""
    for label in (f"{name}  {size}", name, size):
        if len(label) * TEXT * CHARACTER + 12 <= width:
            return label
    return ""


def ink_on(colour: str) -> str:
    """Black or white, whichever reads better on `colour` (relative luminance of WCAG)."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if luminance > 0.179 else "#ffffff"
