"""The page with the picture: well-formed, whole, without an overlap, and nobody's markup."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from xml.etree import ElementTree as ET

import pytest

from sor_gateway.explain.page import page
from sor_gateway.explain.panels import draw
from tests.explain.stories import T0, Chance, Told, order, told

SVG = "{http://www.w3.org/2000/svg}"
HTML = "{http://www.w3.org/1999/xhtml}"
SEEDS = range(40)
WIDEST_EM = 0.62
"""Of a character, in common sans serif fonts."""


@dataclass(slots=True)
class Area:
    """Where a text is."""

    text: str
    left: float
    right: float
    top: float
    bottom: float

    def meets(self, other: Area) -> bool:
        return (
            min(self.right, other.right) - max(self.left, other.left) > 0.5
            and min(self.bottom, other.bottom) - max(self.top, other.top) > 0.5
        )


def page_of(found: Told) -> ET.Element:
    return ET.fromstring(page(found.picture, found.report))


def drawing(found: Told, *, is_wide: bool) -> ET.Element:
    return ET.fromstring(draw(found.picture, found.story.order.quantity, is_wide=is_wide))


def areas(svg: ET.Element) -> Iterator[Area]:
    for text in svg.iter(f"{SVG}text"):
        size = 10.5 if "small" in text.get("class", "") else 12.0
        x, y = float(text.get("x", "nan")), float(text.get("y", "nan"))
        width = WIDEST_EM * size * len(text.text or "")
        left = x - width * {"start": 0.0, "middle": 0.5, "end": 1.0}[text.get("text-anchor", "")]
        yield Area(text.text or "", left, left + width, y - 0.75 * size, y + 0.2 * size)


@pytest.mark.parametrize("seed", SEEDS)
class TestAnyOrder:
    """Of whatever order: open or over, with one venue or fifty, with no fill or hundreds."""

    def test_it_is_well_formed_and_needs_nothing_else(self, seed: int) -> None:
        root = page_of(Chance(seed).tell())
        names = {element.tag.split("}")[1] for element in root.iter()}
        assert not names & {"script", "img", "link", "iframe", "object", "image", "use"}, names
        outside = [
            (name, value)
            for element in root.iter()
            for name, value in element.attrib.items()
            if name in ("href", "src", "style") or name.startswith("on") or "url(" in value
        ]
        assert outside == [], f"seed {seed}"

    @pytest.mark.parametrize("is_wide", [True, False])
    def test_no_two_texts_meet_and_none_leaves_the_sheet(self, seed: int, is_wide: bool) -> None:
        svg = drawing(Chance(seed).tell(), is_wide=is_wide)
        width, height = (float(each) for each in svg.get("viewBox", "").split()[2:])
        found = list(areas(svg))
        met = [(a.text, b.text) for a, b in combinations(found, 2) if a.meets(b)]
        assert met == [], f"seed {seed}"
        for area in found:
            assert area.top >= 0
            assert area.bottom <= height
            assert area.right <= width + 0.5, f"seed {seed}: {area}"

    def test_the_lanes_are_the_order(self, seed: int) -> None:
        found = Chance(seed).tell()
        for is_wide in (True, False):
            svg = drawing(found, is_wide=is_wide)
            lanes = [each for each in svg.iter(f"{SVG}path") if each.get("data-venue")]
            shares = {lane.get("data-venue"): int(lane.get("data-shares", "")) for lane in lanes}
            executed: dict[str, int] = {}
            for lane in found.picture.lanes:
                executed |= {lane.venue: lane.filled} if lane.filled else {}
            assert shares == executed
            assert sum(shares.values()) == found.story.order.cum_quantity, f"seed {seed}"

    def test_the_lanes_lie_on_one_another(self, seed: int) -> None:
        """Each ends, on the right, where the one below it ends; the last at all that was filled."""
        found = Chance(seed).tell()
        svg = drawing(found, is_wide=True)
        lanes = [each for each in svg.iter(f"{SVG}path") if each.get("data-venue")]
        if not lanes:
            return
        bottom = right_end(lanes[0].get("d", ""))[1]
        whole = max(found.story.order.quantity, found.picture.filled)
        below, total = bottom, 0
        for lane in lanes:
            upper, lower = right_end(lane.get("d", ""))
            total += int(lane.get("data-shares", ""))
            assert lower == pytest.approx(below, abs=0.11), f"seed {seed}"
            assert bottom - upper == pytest.approx(262 * total / whole, abs=0.11), f"seed {seed}"
            below = upper

    def test_every_figure_is_a_number(self, seed: int) -> None:
        svg = drawing(Chance(seed).tell(), is_wide=False)
        for element in svg.iter():
            for value in element.attrib.values():
                assert not re.search(r"\b(nan|inf|None)\b", value), f"seed {seed}: {value}"


def right_end(path: str) -> tuple[float, float]:
    """Of an area whose upper line is drawn to the right, and whose lower one back: where both are
    at the right edge."""
    over, under = path.split("L")
    upper = float(re.findall(r"[V,](-?[\d.]+)", over)[-1])
    return upper, float(under.split(",")[1].split("H")[0].split("V")[0])


def busy() -> Told:
    """An order with some marks and waves."""
    return next(found for found in map(tell, SEEDS) if 3 < len(found.picture.marks) < 20)


def tell(seed: int) -> Told:
    return Chance(seed).tell()


class TestWords:
    """What the page says, and that it is text."""

    def test_the_headline_and_the_account(self) -> None:
        found = Chance(7).tell()
        root = page_of(found)
        title = root.find(f".//{HTML}h1")
        assert title is not None
        assert title.text == f"Sell {found.story.order.quantity:,} ACME"
        rows = [list(row.itertext()) for row in root.iter(f"{HTML}tr")]
        assert rows[0][:4] == ["venue", "kind", "shares", "average"]
        for lane, row in zip(found.picture.lanes, rows[1:], strict=False):
            assert row[:3] == [lane.venue, lane.kind, f"{lane.filled:,}"]
        assert rows[-1][:2] == ["total", f"{found.picture.filled:,}"]

    def test_each_mark_has_a_number_and_a_text(self) -> None:
        found = busy()
        root = page_of(found)
        items = root.findall(f".//{HTML}ol/{HTML}li")
        texts = ["".join(item.itertext()) for item in items]
        assert len(texts) == len(found.picture.marks) > 3
        for text, mark in zip(texts, found.picture.marks, strict=True):
            assert text == f"{(mark.at_ns - T0) / 1e9:.3f} s {mark.text}"
        numbers = [
            text.text or ""
            for group in root.iter(f"{SVG}g")
            for text in group.findall(f"{SVG}text")
            if "mark" in group.get("class", "")
        ]
        wide = numbers[: len(numbers) // 2]
        assert {int(each.split("-")[0]) for each in wide} >= {1}

    def test_an_order_that_was_refused_has_a_page(self) -> None:
        root = page_of(
            told(order(state="rejected", ended_ns=T0, text="the kill switch is on: drill"))
        )
        said = "".join(root.itertext())
        assert "the kill switch is on: drill" in said
        assert "rejected" in said

    @pytest.mark.parametrize(
        "hostile",
        [
            "<script>alert(1)</script>",
            "</style></svg><img src=x onerror=alert(1)>",
            "\"onload='x' &amp; &lt;",
            "]]><!--",
            "\x00\x01\x1b[2J\x85\u202e",
            "\ud800",
        ],
    )
    def test_a_text_of_a_peer_is_a_text(self, hostile: str) -> None:
        """Wherever it stands: in ids, names, texts, marks, and in the tooltips of the picture."""
        found = busy()
        of = found.story.order
        of.cl_ord_id = of.client = of.symbol = of.text = of.strategy = of.state = hostile
        of.time_in_force = of.parent_id = hostile
        for lane in found.picture.lanes:
            lane.kind = hostile
        for mark in found.picture.marks:
            mark.text = hostile
        for box in found.picture.waves:
            box.tactics = hostile
        source = page(found.picture, found.report)
        source.encode()
        root = ET.fromstring(source)
        clean = page_of(busy())
        assert shape(root) == shape(clean)
        plain = "".join(each if each.isprintable() else "\ufffd" for each in hostile)
        assert plain in "".join(root.itertext())


def shape(root: ET.Element) -> list[tuple[str, tuple[str, ...]]]:
    """Elements and the names of their attributes, without what is a paragraph for a text."""
    return [
        (element.tag, tuple(element.attrib))
        for element in root.iter()
        if element.get("class") != "said"
    ]
