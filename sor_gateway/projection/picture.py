"""An order's course as figures: what a picture of it is drawn from, and what `--json` prints.

Owns: which facts make up a lane, a quote, a wave, a mark, a score.
May not know: how it is drawn, the database, the configuration.

Money is in micros, quantities in shares, times in ns UTC. Market data is not recorded: a quote is
what the router saw when it decided, and nothing is known of the time between two decisions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sor_gateway.projection.queries import ChildOrder, Execution
from sor_gateway.projection.waves import Leg, Note, Story, Wave
from sor_gateway.sor.types import OrdType, VenueKind

DISPLAYED: Final = "lit"
"""Kind of a venue that is configured no more and had displayed orders."""


class MarkKind(StrEnum):
    """What a mark on the time axis tells of."""

    GATE = "gate"
    """The order went on to another tier."""
    VENUE = "venue"
    """A venue was dropped, rests or is tried again."""
    CLIENT = "client"
    """What the client asked for, what came of it, the end."""
    DOUBT = "doubt"
    """A child or an execution may not be what it seemed."""


MARKS: Final = {
    "StageMoved": MarkKind.GATE,
    "VenueDropped": MarkKind.VENUE,
    "VenueReadmitted": MarkKind.VENUE,
    "ParentRefused": MarkKind.CLIENT,
    "CancelRequested": MarkKind.CLIENT,
    "ReplaceRequested": MarkKind.CLIENT,
    "AmendUnreadable": MarkKind.CLIENT,
    "ParentReplaced": MarkKind.CLIENT,
    "ParentReplaceRefused": MarkKind.CLIENT,
    "ParentClosed": MarkKind.CLIENT,
    "ChildrenDoubted": MarkKind.DOUBT,
    "ChildVoided": MarkKind.DOUBT,
    "ChildReleased": MarkKind.DOUBT,
    "ChildAssumedDead": MarkKind.DOUBT,
    "CancelGivenUp": MarkKind.CLIENT,
    "ChildResolved": MarkKind.DOUBT,
    "FillRevised": MarkKind.DOUBT,
    "RequestOverdue": MarkKind.CLIENT,
}
"""Facts between the waves that change the course. The others, such as a cancel that came too late
for a child, are told by the story alone."""


@dataclass(slots=True)
class Fill:
    """An execution."""

    at_ns: int
    quantity: int
    total: int
    """What the venue executed of the order, with this one."""
    price_micros: int
    fee_micros: int
    liquidity: str


@dataclass(slots=True)
class Lane:
    """One venue's part in the order."""

    venue: str
    kind: str
    """As configured; of a venue that is configured no more, `dark` or `lit` by what it was sent."""
    children: int = 0
    sent: int = 0
    filled: int = 0
    value_micros: int = 0
    fees_micros: int = 0
    fills: list[Fill] = field(default_factory=list)

    @property
    def is_dark(self) -> bool:
        """Whether its orders are hidden."""
        return self.kind == VenueKind.DARK

    @property
    def average_price_micros(self) -> int:
        """Of what was executed, rounded down to a micro; 0 when nothing was."""
        return self.value_micros // self.filled if self.filled else 0

    def add(self, execution: Execution) -> None:
        """Count an execution in; they come in the order of time. Of one that the venue took back,
        its fee is left, which it may have kept."""
        self.filled += execution.quantity
        self.value_micros += execution.quantity * execution.price_micros
        self.fees_micros += execution.fee_micros
        if execution.quantity:
            self.fills.append(
                Fill(
                    execution.at_ns,
                    execution.quantity,
                    self.filled,
                    execution.price_micros,
                    execution.fee_micros,
                    execution.liquidity,
                )
            )


@dataclass(slots=True)
class Quote:
    """Best bid and offer as the router saw them when it decided; 0 for a side that was not there.
    It is the same until the next one, as far as is known."""

    at_ns: int
    bid_micros: int
    ask_micros: int


@dataclass(slots=True)
class Part:
    """What one venue had of a wave."""

    venue: str
    sent: int
    filled: int


@dataclass(slots=True)
class Box:
    """A wave from its beginning to the end of its last child."""

    number: int
    stage: str
    """Empty when its beginning stands in a segment that is gone."""
    tactics: str
    began_ns: int
    ended_ns: int
    """0 while a child of it is open."""
    sent: int
    filled: int
    parts: list[Part]


@dataclass(slots=True)
class Mark:
    """Why something changed, as a point in time."""

    at_ns: int
    kind: MarkKind
    name: str
    """Of the fact."""
    venue: str
    """Empty when it is about the whole order."""
    text: str


@dataclass(slots=True)
class Score:
    """How a venue stood when a child was sent there."""

    at_ns: int
    venue: str
    wave: int
    tactic: str
    display_score: float
    """0 to 10."""
    cost_micros: int
    """Expected net cost per share."""


@dataclass(slots=True)
class Picture:
    """All that is drawn of an order."""

    began_ns: int
    until_ns: int
    """Its end, or the last that is known of it."""
    lanes: list[Lane]
    """Dark venues first, then by kind and name."""
    quotes: list[Quote]
    waves: list[Box]
    marks: list[Mark]
    scores: list[Score]

    @property
    def filled(self) -> int:
        """Shares executed."""
        return sum(lane.filled for lane in self.lanes)


def compose(story: Story, executions: list[Execution], kinds: Mapping[str, str]) -> Picture:
    """Draw a picture up from the story with each wave apart; `kinds` of venues as configured."""
    waves = [each for each in story.chapters if isinstance(each, Wave)]
    notes = [each for each in story.chapters if isinstance(each, Note)]
    legs = (leg for wave in waves for leg in wave.legs)
    children = sorted((leg.child for leg in legs), key=lambda child: child.planned_ns)
    boxes = [_box(wave) for wave in waves]
    moments = [story.order.submitted_ns, story.order.ended_ns]
    moments += [execution.at_ns for execution in executions]
    moments += [note.at_ns for note in notes]
    moments += [moment for box in boxes for moment in (box.began_ns, box.ended_ns)]
    return Picture(
        began_ns=story.order.submitted_ns,
        until_ns=max(moments),
        lanes=_lanes(children, executions, kinds),
        quotes=_quotes(story, children),
        waves=boxes,
        marks=[
            Mark(note.at_ns, MARKS[note.name], note.name, note.venue, note.text)
            for note in notes
            if note.name in MARKS
        ],
        scores=[
            Score(
                child.planned_ns,
                child.venue,
                child.wave,
                child.tactic,
                child.display_score,
                child.cost_micros,
            )
            for child in children
        ],
    )


def _lanes(
    children: list[ChildOrder], executions: list[Execution], kinds: Mapping[str, str]
) -> list[Lane]:
    lanes: dict[str, Lane] = {}
    for child in children:
        lane = lanes.get(child.venue)
        if lane is None:
            hidden = child.ord_type == OrdType.MID_PEG
            sent_as = VenueKind.DARK.value if hidden else DISPLAYED
            lane = lanes[child.venue] = Lane(child.venue, kinds.get(child.venue, sent_as))
        lane.children += 1
        lane.sent += child.quantity
    for execution in sorted(executions, key=lambda execution: execution.at_ns):
        lanes[execution.venue].add(execution)
    return sorted(lanes.values(), key=lambda lane: (not lane.is_dark, lane.kind, lane.venue))


def _quotes(story: Story, children: list[ChildOrder]) -> list[Quote]:
    order = story.order
    seen = [Quote(order.submitted_ns, order.arrival_bid_micros, order.arrival_ask_micros)]
    seen += [Quote(child.planned_ns, child.bid_micros, child.ask_micros) for child in children]
    quotes: list[Quote] = []
    for quote in seen:
        last = (quotes[-1].bid_micros, quotes[-1].ask_micros) if quotes else (0, 0)
        if (quote.bid_micros, quote.ask_micros) != last:
            quotes.append(quote)
    return quotes


def _box(wave: Wave) -> Box:
    ends = [leg.child.ended_ns for leg in wave.legs]
    return Box(
        wave.number,
        wave.stage,
        wave.tactics,
        wave.at_ns,
        0 if 0 in ends else max(ends, default=wave.at_ns),
        wave.sent,
        wave.filled,
        _parts(wave.legs),
    )


def _parts(legs: list[Leg]) -> list[Part]:
    parts: dict[str, Part] = {}
    for leg in legs:
        part = parts.setdefault(leg.child.venue, Part(leg.child.venue, 0, 0))
        part.sent += leg.child.quantity
        part.filled += leg.child.cum_quantity
    return list(parts.values())
