"""Orders' stories made by chance, as the projection would give them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from sor_gateway.projection.picture import Picture, compose
from sor_gateway.projection.queries import ChildOrder, Execution, Happening, Order
from sor_gateway.projection.story import sentence
from sor_gateway.projection.waves import Story, tell
from sor_gateway.tca.measures import Report, report

T0 = 1_700_000_000_000_000_000
MID = 50_000_000
TICK = 10_000
KINDS = ("dark", "ecn", "inverted", "exchange")
GATES = ("StageMoved", "VenueDropped", "VenueReadmitted", "CancelRequested", "ChildVoided")


@dataclass(slots=True)
class Told:
    """All that a reader of the database gets of one order."""

    story: Story
    picture: Picture
    report: Report


def order(quantity: int = 1_000, **fields: object) -> Order:
    """A working order without any child."""
    known: dict[str, object] = {
        "parent_id": "P1",
        "client": "EMS",
        "cl_ord_id": "a-1",
        "symbol": "ACME",
        "side": "sell",
        "quantity": quantity,
        "ord_type": "limit",
        "limit_micros": MID - 100 * TICK,
        "time_in_force": "day",
        "strategy": "balanced",
        "account": "",
        "state": "working",
        "cum_quantity": 0,
        "cum_value_micros": 0,
        "fees_micros": 0,
        "submitted_ns": T0,
        "ended_ns": 0,
        "arrival_bid_micros": MID - TICK,
        "arrival_ask_micros": MID + TICK,
        "stage": "dark",
        "text": "",
    }
    return Order(**(known | fields))  # type: ignore[arg-type]


def told(
    of: Order,
    children: list[ChildOrder] | None = None,
    executions: list[Execution] | None = None,
    happenings: list[Happening] | None = None,
    kinds: dict[str, str] | None = None,
) -> Told:
    """Everything about an order from its parts."""
    executed = executions or []
    story = tell(of, children or [], happenings or [], full=True)
    picture = compose(story, executed, kinds or {})
    return Told(story, picture, report(of, children or [], executed))


class Chance:
    """An order of random size and course; what it is depends on the seed alone."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._now = T0
        self._step_ns = 10 ** self._random.randint(2, 11)
        """From nanoseconds to a minute and a half between two events."""
        self._children: list[ChildOrder] = []
        self._executions: list[Execution] = []
        self._happenings: list[Happening] = []
        count = self._random.choice((1, 2, 4, 7, 12, 50))
        self._kinds = {self._name(n): self._random.choice(KINDS) for n in range(count)}

    def tell(self) -> Told:
        """The order, worked wave by wave."""
        for wave in range(1, self._random.choice((0, 1, 3, 30, 200)) + 1):
            self._wave(wave)
            if self._random.random() < 0.2:
                self._gate()
        executed = sum(each.quantity for each in self._executions)
        of = order(
            max(100, self._random.choice((executed, 2 * executed, executed // 2))),
            cum_quantity=executed,
            cum_value_micros=sum(each.quantity * each.price_micros for each in self._executions),
            fees_micros=sum(each.fee_micros for each in self._executions),
            ended_ns=self._random.choice((0, self._now)),
        )
        known = {name: kind for name, kind in self._kinds.items() if self._random.random() < 0.9}
        return told(of, self._children, self._executions, self._happenings, known)

    def _name(self, number: int) -> str:
        return f"venue-{number}-" + "x" * self._random.choice((0, 0, 0, 5, 40))

    def _pass(self) -> int:
        self._now += self._random.randrange(self._step_ns)
        return self._now

    def _happen(self, name: str, **data: object) -> None:
        fields = {"at_ns": self._pass(), "parent_id": "P1", **data}
        text = sentence(name, fields)
        self._happenings.append(Happening(1, self._now, name, "", text, fields))

    def _wave(self, number: int) -> None:
        stage = self._random.choice(("dark", "lit"))
        self._happen("WaveStarted", wave=number, stage=stage)
        most = min(len(self._kinds), 4)
        for venue in self._random.sample(list(self._kinds), self._random.randint(1, most)):
            child = self._child(number, venue, stage)
            while child.cum_quantity < child.quantity and self._random.random() < 0.7:
                self._fill(child)
            if self._random.random() < 0.9:
                child.ended_ns = self._pass()

    def _child(self, wave: int, venue: str, stage: str) -> ChildOrder:
        random = self._random
        bid, ask = (random.choice((0, MID + random.randint(-50, 50) * TICK)) for _ in range(2))
        child = ChildOrder(
            child_id=f"C{len(self._children) + 1:09d}",
            parent_id="P1",
            venue=venue,
            quantity=random.randint(1, 20_000),
            ord_type="mid-peg" if stage == "dark" else "limit",
            limit_micros=MID,
            time_in_force="day",
            tactic="dark" if stage == "dark" else "spray",
            wave=wave,
            state="live",
            cum_quantity=0,
            cum_value_micros=0,
            fees_micros=0,
            cost_micros=random.randint(-1_000, 50_000),
            display_score=random.uniform(0.0, 10.0),
            why="by chance",
            planned_ns=self._now,
            ended_ns=0,
            bid_micros=bid,
            ask_micros=ask,
            doubt="",
            text="",
        )
        self._children.append(child)
        return child

    def _fill(self, child: ChildOrder) -> None:
        quantity = self._random.randint(1, child.quantity - child.cum_quantity)
        price = MID + self._random.randint(-60, 60) * TICK // 2
        child.cum_quantity += quantity
        child.cum_value_micros += quantity * price
        fill = Execution(
            venue=child.venue,
            child_id=child.child_id,
            parent_id="P1",
            exec_id=f"E{len(self._executions)}",
            quantity=quantity,
            price_micros=price,
            fee_micros=self._random.randint(-500, 1_500),
            liquidity="added",
            at_ns=self._pass(),
            last_market="XECN",
            reported=True,
        )
        self._executions.append(fill)

    def _gate(self) -> None:
        name, venue = self._random.choice(GATES), self._random.choice(list(self._kinds))
        data = {"stage": "lit", "why": "by chance", "client": "EMS", "orig_cl_ord_id": "a-1"}
        about = {} if name in ("StageMoved", "CancelRequested") else {"venue": venue}
        self._happen(name, **data, **about, child_id="C000000001")
