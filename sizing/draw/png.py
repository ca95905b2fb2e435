"""A page as PNG, with the font that comes with the image library: no system fonts are needed."""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from sizing.draw.page import PAPER, Box, Page, Words

SCALE = 2  # sharp on dense screens
ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}


def write_png(page: Page, path: Path) -> None:
    """Draws the page into the file; OSError where it cannot be written."""
    image = Image.new("RGB", (page.width * SCALE, page.height * SCALE), PAPER)
    drawing = ImageDraw.Draw(image)
    for shape in page.shapes:
        if isinstance(shape, Box):
            _box(drawing, shape)
        else:
            _words(drawing, shape)
    image.save(path, "PNG", optimize=True)


def _box(drawing: ImageDraw.ImageDraw, box: Box) -> None:
    left, top = round(box.x * SCALE), round(box.y * SCALE)
    right, bottom = round((box.x + box.width) * SCALE) - 1, round((box.y + box.height) * SCALE) - 1
    if right >= left:
        drawing.rectangle((left, top, right, bottom), fill=box.colour)


def _words(drawing: ImageDraw.ImageDraw, words: Words) -> None:
    font = ImageFont.load_default(words.size * SCALE)
    stroke = 0.6 if words.bold else 0
    place = (words.x * SCALE, words.y * SCALE)
    drawing.text(place, words.text, words.colour, font, ANCHORS[words.anchor], stroke_width=stroke)
