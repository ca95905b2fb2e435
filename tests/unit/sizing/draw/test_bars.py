"""Bars add up, on every medium."""

import struct
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosts.stack import Goal
from sizing.draw.bars import Bar, bar_of, bars_of, readable
from sizing.draw.page import MARGIN, WIDTH, Box, ink_on, page_of
from sizing.draw.png import SCALE, write_png
from sizing.draw.svg import svg
from sizing.draw.terminal import draw
from sizing.plan import plan
from sizing.serving import ServingPlan
from sizing.sized import Budget, Part
from tests.unit.sizing.hosts_and_models import guide_model, host

GIB = 1 << 30


@pytest.fixture(scope="module")
def planned() -> ServingPlan:
    goal = Goal.model_validate({"context_tokens": 32768, "parallel_requests": 16, "profile": "full", "ttft_s": 3.0})
    return plan(host("guide-21g-8c-32g"), guide_model(), goal, "0.32.0", served_name='a <b> & "c"')


@given(st.lists(st.integers(0, 1 << 40), min_size=1, max_size=12).filter(any), st.integers(20, 200))
def test_cells_always_fill_the_bar(sizes: list[int], length: int) -> None:
    parts = tuple(Part(name=f"p{number}", size_bytes=size, reason="r") for number, size in enumerate(sizes))
    bar = bar_of(Budget(name="b", total_bytes=sum(sizes), parts=parts), "b")
    cells = bar.cells(length)
    assert sum(cells) == length
    assert all(cell >= 1 for cell in cells), "a part that is there is seen"
    assert sum(piece.share for piece in bar.slices) == pytest.approx(1)


def test_a_terminal_line_is_as_long_as_asked_and_plain_without_colours(planned: ServingPlan) -> None:
    for bar in bars_of(planned):
        lines = list(draw(bar, 100, colours=False))
        assert len(lines[1]) == 100
        assert len(set(lines[1])) == len(bar.slices), "each part has a pattern of its own"
        assert all(len(line) <= 100 and "\x1b" not in line for line in lines)
        assert "\x1b[38;2;" in "".join(draw(bar, 100, colours=True))


def test_the_svg_is_well_formed_and_its_slices_fill_the_bars(planned: ServingPlan) -> None:
    page = page_of([planned])
    root = ET.fromstring(svg(page))  # noqa: S314 - our own text
    space = "{http://www.w3.org/2000/svg}"
    wide = [rect for rect in root.iter(f"{space}rect") if rect.find(f"{space}title") is not None]
    rows: dict[str, float] = {}
    for rect in wide:
        rows[rect.attrib["y"]] = rows.get(rect.attrib["y"], 0) + float(rect.attrib["width"])
    assert len(rows) == 2
    assert all(total == pytest.approx(WIDTH - 2 * MARGIN, abs=0.1) for total in rows.values())
    assert 'a <b> & "c"' in "".join(root.itertext())


def test_nothing_is_drawn_outside_the_page(planned: ServingPlan) -> None:
    page = page_of([planned, planned])
    for shape in page.shapes:
        assert 0 <= shape.x <= page.width
        assert 0 <= shape.y <= page.height
        if isinstance(shape, Box):
            assert shape.x + shape.width <= page.width + 0.01


def test_the_png_has_the_pages_size(planned: ServingPlan, tmp_path: Path) -> None:
    page = page_of([planned])
    file = tmp_path / "plan.png"
    write_png(page, file)
    data = file.read_bytes()
    assert data.startswith(b"\x89PNG")
    assert struct.unpack(">II", data[16:24]) == (page.width * SCALE, page.height * SCALE)
    assert len(data) > 20_000, "text and bars, not an empty sheet"


def test_the_same_plan_is_the_same_picture(planned: ServingPlan) -> None:
    assert svg(page_of([planned])) == svg(page_of([planned]))


@pytest.mark.parametrize(("colour", "ink"), [("#ffffff", "#000000"), ("#000000", "#ffffff"), ("#0072b2", "#ffffff")])
def test_labels_are_readable_on_their_colour(colour: str, ink: str) -> None:
    assert ink_on(colour) == ink


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (2048, "2.0 KiB"), (5 << 20, "5.0 MiB"), (GIB // 2, "0.50 GiB"), (GIB * 3, "3.00 GiB")],
)
def test_sizes_are_written_as_people_read_them(size: int, text: str) -> None:
    assert readable(size) == text


def test_a_cpu_host_has_one_bar() -> None:
    found = plan(host("sandbox", memory_gib=12), guide_model(), Goal(context_tokens=2048), "0.32.0", served_name="m")
    bars: list[Bar] = list(bars_of(found))
    assert [bar.title for bar in bars] == ["Host RAM"]
