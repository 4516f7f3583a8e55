"""A desk whose venues fail: the harness, one fault, random orders, and what came of it.

Owns: setting faults at running venues, the orders of a run, good weather at the end, the operator
who ends what no venue ends.
May not know: what any fault is, what has to hold (cases.py, audit.py).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Final

from sor_gateway.client.ems import NewOrder
from sor_gateway.daemon.recovery import fact_codec
from sor_gateway.daemon.sessions import ClientLink
from sor_gateway.journal.memory import MemoryJournal
from sor_gateway.sor.decisions import ChildPlanned
from sor_gateway.sor.events import ParentSubmitted, SymbolStatusChanged, VenueClosed
from sor_gateway.sor.router import Router
from sor_gateway.sor.types import Side
from sor_gateway.translate.tables import CXL_REJ_RESPONSE_TO
from tests.harness.desk import EMS, Desk
from tests.harness.loop import SECOND
from venue_sims.fault_config import fault_settings
from venue_sims.faults.board import Faults
from venue_sims.state import VenueOrder
from venue_sims.venue import Venue
from venue_sims.words import session_name

SCENARIO: Final = "default"
SYMBOL: Final = "ACME"
STRATEGIES: Final = ("balanced", "minimal-impact", "urgent", "lit-sweep")
MARKET_SCALE: Final = 10.0
BAD_NS: Final = 12 * SECOND
"""How long a run has under its fault."""
GOOD_NS: Final = 150 * SECOND
"""How long it has then, in good weather: longer than the longest pause between two questions."""
LATEST_NS: Final = 15 * SECOND
"""No fault plans further ahead."""
CLIENT: Final = "SOR"
VERSION: Final = "FIX.4.4"


@dataclass(slots=True)
class Owed:
    """A report that waited for the client when it began its numbers anew."""

    again: bool
    """It had a number before: the client may have it."""
    behind: int
    """How many messages the client had by then."""


class Bench:
    """One run. `dice` is all its chance but the venues' own, which have the desk's seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.dice = Random(seed)
        self.desk = Desk(SCENARIO, seed, market_scale=MARKET_SCALE, symbols=[SYMBOL])
        self.orders: list[str] = []
        self.faulty: dict[str, list[str]] = {}
        """Venues, and the faults that were set there."""
        self.resolved: list[str] = []
        """Children that an operator had to end."""
        self.not_before_ns = 0
        """The fault is not taken away before, whatever is over."""
        self.bad_until_ns = 0
        self._struck: Counter[str] = Counter()
        self.owed: dict[str, Owed] = {}
        """By ExecID, as things were when the client last began anew."""
        self._put_right: list[Callable[[], None]] = []
        self.notes: Counter[str] = Counter()
        """Figures of this run that a case wants shown."""

    # --- what a case does -----------------------------------------------------------------

    @property
    def lit(self) -> list[str]:
        return [name for name, each in self.desk.venues.items() if each.file.kind != "dark"]

    @property
    def dark(self) -> list[str]:
        return [name for name, each in self.desk.venues.items() if each.file.kind == "dark"]

    def pick(self, count: int = 2) -> list[str]:
        """Venues to fail: dark ones and lit ones."""
        return [*self.dice.sample(self.dark, count - 1), *self.dice.sample(self.lit, count - 1)]

    def fault(self, venue: str, name: str, **values: object) -> None:
        """Set a fault at a venue."""
        settings = fault_settings(name, values)
        server = self.desk.venues[venue].server
        line = f"fault {name} {values}"
        server.operate(line, lambda now: server.venue.faults.set(name, settings, line, now))
        self.faulty.setdefault(venue, []).append(name)

    def operate(self, venue: str, line: str, what: Callable[[int], None]) -> None:
        """Have something done in a venue's next turn."""
        self.desk.venues[venue].server.operate(line, what)

    def at_venue(
        self, venue: str, after_ns: int, line: str, what: Callable[[Venue, int], None]
    ) -> None:
        """Have something done to a venue in one of its turns, so long from now."""

        def ask() -> None:
            server = self.desk.venues[venue].server
            server.operate(line, lambda now: what(server.venue, now))

        self.faulty.setdefault(venue, []).append(line)
        self.desk.loop.at_ns(self.desk.now + after_ns, ask)

    def lose_one(self, venue: str, what: bytes) -> None:
        """The next message to a venue with these bytes in it never arrives, on a line that lives
        on."""
        line = self.desk.links[venue].line
        if line is None:
            return
        end = line.near

        def loses(data: bytes) -> bool:
            if what not in data:
                return False
            end.loses = lambda _: False
            self.notes["messages lost"] += 1
            return True

        end.loses = loses

    def begin_anew(self) -> None:
        """A client that is away comes back with 141=Y."""
        if self.desk.links[EMS].line is not None:
            return
        link = self.desk.gateway.parts.links[EMS]
        assert isinstance(link, ClientLink)
        behind = len(self.desk.ems.told)
        for exec_id, waiting in link.outbox.waiting.items():
            if waiting.report.kind not in CXL_REJ_RESPONSE_TO:  # those have no ExecID
                self.owed[exec_id] = Owed(bool(waiting.number) or waiting.again, behind)
        self.notes["epochs"] += 1
        self.desk.ems.session.reset()
        self.desk.connect(EMS)

    def at_the_end(self, what: Callable[[], None]) -> None:
        """Do something when the faults are taken away."""
        self._put_right.append(what)

    def later(self, least_ns: int, most_ns: int, what: Callable[[], object]) -> None:
        """Do something at a random time from now."""
        desk = self.desk
        desk.loop.at_ns(desk.now + self.dice.randint(least_ns, most_ns), what)

    def struck(self, *names: str) -> int:
        """How often faults happened until they were taken away; of these, or all."""
        return sum(count for name, count in self._struck.items() if not names or name in names)

    # --- the run --------------------------------------------------------------------------

    def start(self) -> None:
        """Everybody logs on, as far as the fault lets them."""
        self.desk.run_until(self.desk.now + SECOND // 2)

    def trade(self, bad_ns: int = BAD_NS, most: int = 5) -> None:
        """One to a few orders of any kind, and the time that they have under the fault."""
        desk, dice = self.desk, self.dice
        for _ in range(dice.randint(2, most)):
            side = dice.choice(["sell", "buy"])
            self.submit(
                side=side,
                quantity=100 * dice.randint(5, 150),
                strategy=dice.choice(STRATEGIES),
                price=None if dice.random() < 0.3 else ("48" if side == "sell" else "55"),
            )
            desk.run_until(desk.now + dice.randrange(2 * SECOND))
        self.wait(bad_ns)
        desk.run_until(max(desk.now, self.not_before_ns))
        self.bad_until_ns = desk.now

    def crowd(self) -> None:
        """Many orders at once that go to rest in the dark."""
        side, price = self.dice.choice([("sell", "48"), ("buy", "55")])
        for _ in range(8):
            self.submit(side, 100 * self.dice.randint(20, 150), "minimal-impact", price)

    def submit(self, side: str, quantity: int, strategy: str, price: str | None) -> str:
        """Send an order; its ClOrdID."""
        limit = None if price is None else Decimal(price)
        kind = "market" if limit is None else "limit"
        order = NewOrder(side, SYMBOL, quantity, kind, limit, strategy=strategy)
        self.orders.append(self.desk.ems.submit(order))
        return self.orders[-1]

    def wait(self, limit_ns: int) -> bool:
        """Until all orders are over, at most so long; whether they are."""
        end = self.desk.now + limit_ns
        while not self.over and self.desk.now < end:
            self.desk.run_until(min(end, self.desk.now + SECOND // 4))
        return self.over

    @property
    def over(self) -> bool:
        """Whether the client was told the end of all its orders and nothing is open."""
        told = all(self.desk.ems.order(each).over for each in self.orders)
        return told and not self.router.state.open_parents

    def calm(self) -> None:
        """The faults are taken away; every line comes back; what was planned may still happen."""
        for put_right in self._put_right:
            put_right()
        for venue in self.desk.venues.values():
            self._struck.update(venue.server.venue.state.faults.struck)
        for name, venue in self.desk.venues.items():
            if not venue.up:
                continue
            board = venue.server.venue.faults

            def clear(now: int, board: Faults = board) -> None:
                for fault in list(board.settings):
                    board.set(fault, None, "", now)

            self.operate(name, "faults off", clear)
        self.desk.connect()
        self.agree_on_numbers()
        self.wait(GOOD_NS)

    def agree_on_numbers(self) -> None:
        """Where numbers contradict each other no session comes up by itself: the operator asks the
        venue's desk for its numbers, and takes them."""
        self.desk.run_until(self.desk.now + SECOND)
        operate = self.desk.gateway.operations.operate
        for name, venue in self.desk.venues.items():
            ours = self.desk.gateway.parts.links[name].session
            theirs = venue.server.orders[session_name(CLIENT, VERSION)].session.numbers
            agree = theirs.next_out >= ours.numbers.next_in
            if ours.logged_on or agree:
                continue
            self.notes["numbers agreed on"] += 1
            self.desk.cut(name, hold=True)
            numbers = {"next_in": theirs.next_out, "next_out": theirs.next_in}
            for action, given in (("disable", {}), ("set-numbers", numbers), ("enable", {})):
                self.desk.run_until(self.desk.now + SECOND // 10)
                refusal = operate(name, action, "the venue's desk says so", given)
                assert not refusal, refusal
            self.desk.connect(name)

    def settle(self) -> None:
        """What no venue ends, an operator does who has called the venue: he says what it says."""
        router = self.router
        for venue, counts in router.counts.venues.items():
            for child_id in list(counts.doubted):
                found = self.order_at(venue, child_id)
                if found is not None and found.live:
                    self.operate(venue, f"cancel {found.order_id}", self._take_out(venue, found))
        self.desk.run_until(self.desk.now + SECOND)
        for venue, counts in router.counts.venues.items():
            for child_id in list(counts.doubted):
                found = self.order_at(venue, child_id)
                refusal = self.desk.gateway.operations.resolve(
                    child_id, found.cum_quantity if found else None, 0, "the venue's desk says so"
                )
                assert not refusal, refusal
                self.resolved.append(child_id)
        self.wait(GOOD_NS)

    def await_plans(self) -> None:
        """What a fault has planned for later comes, and is told."""
        end = self.desk.now + LATEST_NS
        while self.desk.now < end and any(
            venue.server.venue.state.faults.planned for venue in self.desk.venues.values()
        ):
            self.desk.run_until(self.desk.now + SECOND)
        self.desk.run_until(self.desk.now + SECOND)

    def finish(self) -> None:
        """Clients take back what nobody wants to trade with."""
        for cl_ord_id in self.orders:
            if not self.desk.ems.order(cl_ord_id).over:
                self.desk.ems.cancel(cl_ord_id)
        self.wait(GOOD_NS)

    def _take_out(self, venue: str, order: VenueOrder) -> Callable[[int], None]:
        machine = self.desk.venues[venue].server.venue

        def take_out(now: int) -> None:
            machine.cancel(order.order_id, "U: by telephone", now)

        return take_out

    # --- what came of it ------------------------------------------------------------------

    @property
    def router(self) -> Router:
        """The gateway's, as it is now."""
        return self.desk.gateway.parts.engine.router

    @property
    def alarms(self) -> Counter[str]:
        """All that were raised, by code."""
        lines = self.desk.gateway.log.lines
        return Counter(str(fields["code"]) for _, event, fields in lines if event == "alarm")

    def alarmed(self, *codes: str) -> dict[str, set[str]]:
        """By venue: which of these alarms were raised about it."""
        found: dict[str, set[str]] = {}
        for _, event, fields in self.desk.gateway.log.lines:
            if event == "alarm" and fields["code"] in codes:
                found.setdefault(str(fields["venue"]), set()).add(str(fields["code"]))
        return found

    def alarm_times(self, code: str, venue: str) -> list[int]:
        """When an alarm was raised about a venue."""
        return [
            at_ns
            for at_ns, event, fields in self.desk.gateway.log.lines
            if event == "alarm" and fields["code"] == code and fields["venue"] == venue
        ]

    def facts(self, venue: str) -> Counter[str]:
        """What stands in a venue's journal, by name."""
        journal = MemoryJournal(self.desk.venues[venue].storage, boot_id="audit")
        return Counter(name for record in journal.records() for name, _ in record.facts)

    def beyond_bands(self) -> int:
        """Orders that left for any venue with a limit beyond a band that was known by then."""
        codec, bands, beyond = fact_codec(), dict[str, tuple[int, int]](), 0
        sides: dict[str, Side] = {}
        journal = MemoryJournal(self.desk.gateway.storage, boot_id="audit")
        for record in journal.records():
            for pair in record.facts:
                fact = codec.decode(pair)
                if isinstance(fact, SymbolStatusChanged):
                    bands.pop(fact.venue, None)
                    if fact.high_micros:
                        bands[fact.venue] = (fact.low_micros, fact.high_micros)
                        self.notes["bands"] += 1
                elif isinstance(fact, VenueClosed):
                    bands.pop(fact.venue, None)
                elif isinstance(fact, ParentSubmitted):
                    sides[fact.parent_id] = fact.side
                elif isinstance(fact, ChildPlanned) and fact.limit_micros is not None:
                    buys = sides[fact.parent_id].is_buy
                    beyond += any(
                        fact.limit_micros > high if buys else fact.limit_micros < low
                        for low, high in bands.values()
                    )
        return beyond

    def logged(self, event: str) -> int:
        """Lines of the gateway's log."""
        return sum(each == event for _, each, _ in self.desk.gateway.log.lines)

    def order_at(self, venue: str, child_id: str) -> VenueOrder | None:
        """A child as its venue knows it."""
        state = self.desk.venues[venue].server.venue.state
        return state.order_meant(session_name(CLIENT, VERSION), child_id)

    def busiest(self, venue: str) -> int:
        """Most orders that the gateway sent to a venue within a second."""
        journal = MemoryJournal(self.desk.gateway.storage, boot_id="audit")
        times: deque[int] = deque()
        most = 0
        for record in journal.records():
            for entry in record.entries:
                if entry.outbound and entry.session == venue and entry.msg_type == "D":
                    times.append(record.at_ns)
            while times and times[0] <= record.at_ns - SECOND:
                times.popleft()
            most = max(most, len(times))
        return most

    def sent(self, venue: str, msg_type: str, begin_ns: int = 0, end_ns: int = 0) -> int:
        """Messages that the gateway sent to a venue, by its own journal."""
        journal = MemoryJournal(self.desk.gateway.storage, boot_id="audit")
        return sum(
            entry.outbound and entry.session == venue and entry.msg_type == msg_type
            for record in journal.records()
            if record.at_ns >= begin_ns and (not end_ns or record.at_ns < end_ns)
            for entry in record.entries
        )
