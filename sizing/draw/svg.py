"""A page as SVG."""

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from sizing.draw.page import PAPER, Box, Page, Words

FONTS = "Helvetica, Arial, 'Liberation Sans', system-ui, sans-serif"


def svg(page: Page) -> str:
    """The document's text."""
    return "\n".join(_lines(page)) + "\n"


def _lines(page: Page) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{page.width}" height="{page.height}" '
        f'viewBox="0 0 {page.width} {page.height}" font-family="{FONTS}">'
    )
    yield f'<rect width="100%" height="100%" fill="{PAPER}"/>'
    for shape in page.shapes:
        yield _box(shape) if isinstance(shape, Box) else _words(shape)
    yield "</svg>"


def _box(box: Box) -> str:
    place = f'x="{box.x:.2f}" y="{box.y:.2f}" width="{box.width:.2f}" height="{box.height:.2f}" fill="{box.colour}"'
    return f"<rect {place}><title>{escape(box.title)}</title></rect>" if box.title else f"<rect {place}/>"


def _words(words: Words) -> str:
    weight = ' font-weight="600"' if words.bold else ""
    anchor = "" if words.anchor == "start" else f" text-anchor={quoteattr(words.anchor)}"
    return (
        f'<text x="{words.x:.2f}" y="{words.y:.2f}" font-size="{words.size}" fill="{words.colour}"{weight}{anchor}>'
        f"{escape(words.text)}</text>"
    )
