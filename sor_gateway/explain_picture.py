"""An order's story as a picture: an SVG file that any browser shows.

Owns: the drawing. May not know: where the story comes from, terminals.

Three panels over one time axis: shares done, venue upon venue; each venue's children from planning
to end, the stronger the more of one filled; the display score with which each was chosen. The gates
of the pecking order stand as lines through all three: a stage that opened, a venue that was dropped
or tried again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from sor_gateway.projection.queries import ChildOrder, Execution, Order
from sor_gateway.projection.waves import Note, Story

NANOS_PER_SECOND: Final = 1_000_000_000
NAMESPACE: Final = "http://www.w3.org/2000/svg"
WIDTH: Final = 1_000
LEFT, RIGHT, TOP, GAP, BOTTOM = 110, 40, 56, 34, 50
SHARES_HEIGHT, ROW_HEIGHT, SCORES_HEIGHT = 260, 22, 120
SCORE_MAX: Final = 10.0
TICKS: Final = 6
COLOURS: Final = (
    *("#1f6f8b", "#c2571a", "#4f7d34", "#7b4b94", "#8a7a1f"),
    *("#b03a5b", "#3c5aa6", "#6b6b6b"),
)
GATES: Final = {"StageMoved": "#0a8f8f", "VenueDropped": "#c08a00", "VenueReadmitted": "#4f7d34"}
STYLE: Final = (
    "text{font:12px system-ui,sans-serif;fill:#333}.head{font-size:15px;font-weight:600}"
    ".gate{stroke-dasharray:4 3;stroke-width:1.2}.axis{stroke:#bbb}"
)


@dataclass(slots=True)
class _Frame:
    """The time axis: which part of the picture is when."""

    began_ns: int
    ended_ns: int

    def x(self, at_ns: int) -> float:
        """Where a time is."""
        span = max(1, self.ended_ns - self.began_ns)
        part = (at_ns - self.began_ns) / span
        return LEFT + (WIDTH - LEFT - RIGHT) * min(max(part, 0.0), 1.0)


def picture(story: Story, children: Sequence[ChildOrder], executions: Sequence[Execution]) -> str:
    """The SVG document."""
    order = story.order
    times = [order.submitted_ns + 1]
    times += [max(child.planned_ns, child.ended_ns) for child in children]
    times += [execution.at_ns for execution in executions]
    frame = _Frame(order.submitted_ns, max(times))
    venues = list(dict.fromkeys(child.venue for child in children))
    colours = {name: COLOURS[at % len(COLOURS)] for at, name in enumerate(venues)}
    rows_top = TOP + SHARES_HEIGHT + GAP
    scores_top = rows_top + ROW_HEIGHT * len(venues) + GAP
    bottom = scores_top + SCORES_HEIGHT
    parts = [
        f'<svg xmlns="{NAMESPACE}" viewBox="0 0 {WIDTH} {bottom + BOTTOM}" width="{WIDTH}">',
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{bottom + BOTTOM}" fill="#fdfdfb"/>',
        *_headline(order),
        *_shares(frame, order, venues, colours, executions),
        *_rows(frame, rows_top, venues, colours, children),
        *_scores(frame, scores_top, colours, children),
        *_gates(frame, bottom, [each for each in story.chapters if isinstance(each, Note)]),
        *_clock(frame, bottom),
        "</svg>",
    ]
    return "\n".join(parts)


def _headline(order: Order) -> Iterator[str]:
    text = (
        f"{order.parent_id}: {order.side} {order.quantity:,} {order.symbol}, {order.state}, "
        f"{order.cum_quantity:,} done"
    )
    yield f'<text class="head" x="{LEFT}" y="24">{escape(text)}</text>'


def _shares(
    frame: _Frame,
    order: Order,
    venues: Sequence[str],
    colours: dict[str, str],
    executions: Sequence[Execution],
) -> Iterator[str]:
    """Shares done over time, one venue upon the other."""
    base = TOP + SHARES_HEIGHT
    scale = SHARES_HEIGHT / max(1, order.quantity, sum(each.quantity for each in executions))
    done = dict.fromkeys(venues, 0)
    lower: dict[str, list[tuple[float, float]]] = {name: [] for name in venues}
    upper: dict[str, list[tuple[float, float]]] = {name: [] for name in venues}

    def mark(x: float) -> None:
        height = 0.0
        for name in venues:
            lower[name].append((x, base - height))
            height += done[name] * scale
            upper[name].append((x, base - height))

    mark(frame.x(frame.began_ns))
    for each in executions:
        mark(frame.x(each.at_ns))
        done[each.venue] = done.get(each.venue, 0) + each.quantity
        mark(frame.x(each.at_ns))
    mark(frame.x(frame.ended_ns))
    for name in venues:
        if done[name]:
            outline = [*upper[name], *reversed(lower[name])]
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in outline)
            title = f"{name}: {done[name]:,} shares"
            yield (
                f'<polygon points="{points}" fill="{colours[name]}" fill-opacity="0.8">'
                f"<title>{escape(title)}</title></polygon>"
            )
    yield f'<line class="axis" x1="{LEFT}" y1="{base}" x2="{WIDTH - RIGHT}" y2="{base}"/>'
    for part in (0.5, 1.0):
        y = base - order.quantity * part * scale
        yield f'<line class="axis" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>'
        yield _label(LEFT - 6, y + 4, f"{round(order.quantity * part):,}", "end")
    yield _label(LEFT - 6, base + 4, "shares 0", "end")


def _rows(
    frame: _Frame,
    top: float,
    venues: Sequence[str],
    colours: dict[str, str],
    children: Sequence[ChildOrder],
) -> Iterator[str]:
    """A row for each venue, a bar for each child."""
    places = {name: top + ROW_HEIGHT * at for at, name in enumerate(venues)}
    for name, y in places.items():
        yield _label(LEFT - 6, y + ROW_HEIGHT - 7, name, "end")
    for child in children:
        x = frame.x(child.planned_ns)
        width = max(1.5, frame.x(child.ended_ns or frame.ended_ns) - x)
        opacity = 0.15 + 0.85 * child.cum_quantity / max(1, child.quantity)
        title = (
            f"{child.child_id} {child.tactic}: {child.cum_quantity:,} of {child.quantity:,}, "
            f"{child.state}; {child.why}"
        )
        yield (
            f'<rect x="{x:.1f}" y="{places[child.venue] + 3:.1f}" width="{width:.1f}"'
            f' height="{ROW_HEIGHT - 6}" fill="{colours[child.venue]}"'
            f' fill-opacity="{opacity:.2f}"><title>{escape(title)}</title></rect>'
        )


def _scores(
    frame: _Frame, top: float, colours: dict[str, str], children: Sequence[ChildOrder]
) -> Iterator[str]:
    """The display score of each child when it was chosen."""
    base = top + SCORES_HEIGHT
    for score in (0.0, SCORE_MAX / 2, SCORE_MAX):
        y = base - SCORES_HEIGHT * score / SCORE_MAX
        yield f'<line class="axis" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>'
        yield _label(LEFT - 6, y + 4, f"score {score:g}", "end")
    for child in children:
        y = base - SCORES_HEIGHT * min(max(child.display_score, 0.0), SCORE_MAX) / SCORE_MAX
        title = f"{child.venue} {child.child_id}: {child.display_score:.1f}"
        yield (
            f'<circle cx="{frame.x(child.planned_ns):.1f}" cy="{y:.1f}" r="3"'
            f' fill="{colours[child.venue]}"><title>{escape(title)}</title></circle>'
        )


def _gates(frame: _Frame, bottom: float, notes: Sequence[Note]) -> Iterator[str]:
    """Lines through all panels where the pecking order went on."""
    for note in notes:
        colour = GATES.get(note.name)
        if colour is not None:
            x = frame.x(note.at_ns)
            yield (
                f'<line class="gate" x1="{x:.1f}" y1="{TOP - 10}" x2="{x:.1f}" y2="{bottom}"'
                f' stroke="{colour}"><title>{escape(note.text)}</title></line>'
            )
            if note.name == "StageMoved":
                yield _label(x + 4, TOP - 12, note.text, "start")


def _clock(frame: _Frame, bottom: float) -> Iterator[str]:
    """Seconds from the order's arrival."""
    span_ns = frame.ended_ns - frame.began_ns
    for tick in range(TICKS + 1):
        at_ns = frame.began_ns + span_ns * tick // TICKS
        seconds = (at_ns - frame.began_ns) / NANOS_PER_SECOND
        yield _label(frame.x(at_ns), bottom + 20, f"{seconds:.2f} s", "middle")


def _label(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
