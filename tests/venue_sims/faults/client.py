"""A client of one venue on virtual time: both ends of the line are the real machines.

Owns: dialling, what the client was told, its answers to what it is asked for again.
May not know: the gateway.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from sor_gateway.fix import events
from sor_gateway.fix.dictionary import load_packaged
from sor_gateway.fix.session import Numbers, Role, Session, SessionSettings
from sor_gateway.fix.values import price_to_text, utc_timestamp
from sor_gateway.journal.memory import MemoryJournal
from tests.harness.line import Line
from tests.harness.loop import SECOND, Call, VirtualLoop
from tests.harness.machines import Venue
from tests.venue_sims.helpers import market
from tests.venue_sims.wire import CENT, Fix, still
from venue_sims.config import VenueFile
from venue_sims.fault_config import fault_settings
from venue_sims.faults.facts import FaultStruck
from venue_sims.recovery import fact_codec

F = TypeVar("F")
START = 1_790_000_000 * SECOND
LINE_NS = 50_000
MS = SECOND // 1_000
_ORDER: dict[int, object] = {55: "ACME", 54: "1", 38: 100, 40: "2"}
_SIDED: dict[int, object] = {55: "ACME", 54: "1"}
_BODIES = {"D": _ORDER, "G": _ORDER, "F": _SIDED, "H": _SIDED}


class Client(asyncio.Protocol):
    """One session of a client. It dials once; `dial` again when the line is gone."""

    def __init__(
        self, loop: VirtualLoop, venue: Venue, name: str = "SOR", *, markers: bool = False
    ) -> None:
        self.settings = SessionSettings(
            name=name,
            begin_string="FIX.4.4",
            sender_comp_id=name,
            target_comp_id=venue.file.comp_id,
            role=Role.INITIATOR,
            reset_on_logon=name == "SORMD",
            markers=markers,
            heart_bt_int_s=5,
        )
        self.session = Session(self.settings, Numbers(), load_packaged("FIX.4.4"))
        self.received: list[Fix] = []
        """Messages about business, in order."""
        self.events: list[events.Event] = []
        self.arrivals: list[tuple[int, int]] = []
        """Time and length of each piece of bytes."""
        self.lost: list[str] = []
        """Why each line was lost."""
        self.line: Line | None = None
        self._loop = loop
        self._venue = venue
        self._stored: dict[int, bytes] = {}
        self._timer: Call | None = None

    # --- what a test does -----------------------------------------------------------------

    def dial(self) -> None:
        """A new line."""
        self.line = Line(self._loop, LINE_NS, "client", "venue")
        self._venue.attach(self.settings, self.line.far, lambda: None)
        self.line.near.protocol = self
        self.session.connect(self._loop.now_ns)
        self.flush()

    def send(
        self,
        msg_type: str,
        fields: Mapping[int, object],
        behind: Sequence[tuple[int, str]] = (),
    ) -> None:
        """A message; what is not in `fields` of an order is a buy limit order for 100 ACME.
        `behind`: more fields, as they stand."""
        body = {**_BODIES.get(msg_type, {}), **fields}
        if msg_type in "DFG":
            body.setdefault(60, utc_timestamp(self._loop.now_ns))
        pairs = [(tag, str(value)) for tag, value in body.items()]
        self.session.send(msg_type, [*pairs, *behind], self._loop.now_ns)
        self.flush()

    def reports(self, cl_ord_id: str) -> list[Fix]:
        """What was said of an order."""
        return [each for each in self.received if each[35] == "8" and each[11] == cl_ord_id]

    def flush(self) -> None:
        """The end of a turn."""
        session = self.session
        while True:
            for sent in session.take_sent():
                self._stored[sent.number] = sent.raw
            session.take_consumed()
            happened = session.take_events()
            output = session.take_output()
            if output and self.line is not None:
                self.line.near.write(output)
            if not happened:
                break
            for event in happened:
                self._on(event)
        self._set_timer()

    # --- its end of the line --------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self.arrivals.append((self._loop.now_ns, len(data)))
        self.session.receive(data, self._loop.now_ns)
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self.line = None
        self.lost.append(str(exc or "closed"))
        self.session.disconnect(self._loop.now_ns, str(exc))
        self.flush()

    def pause_writing(self) -> None:
        """Nothing is held back here."""

    def resume_writing(self) -> None:
        """Nothing is held back here."""

    def _on(self, event: events.Event) -> None:
        self.events.append(event)
        if isinstance(event, events.AppReceived):
            message = event.message
            self.received.append({35: message.msg_type, **dict(message.fields[3:-1])})
        elif isinstance(event, events.ReplayWanted):
            found = [
                (number, raw)
                for number, raw in sorted(self._stored.items())
                if event.begin <= number <= event.end
            ]
            self.session.resend(found, event.end, self._loop.now_ns)
        elif isinstance(event, events.Close) and self.line is not None:
            self.line.near.close()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        due = self.session.next_deadline()
        self._timer = None if due is None else self._loop.at_ns(due, self._tick)

    def _tick(self) -> None:
        self.session.tick(self._loop.now_ns)
        self.flush()


class Floor:
    """One venue with faults, and the clients of a test, in a market that stands still."""

    def __init__(
        self,
        faults: Mapping[str, Mapping[str, object]],
        *,
        change: Callable[[VenueFile], None] = lambda _: None,
    ) -> None:
        self.loop = VirtualLoop(START)
        file = still("exchange")
        file.throttle.msgs = 0
        file.faults = {name: fault_settings(name, values) for name, values in faults.items()}
        change(file)
        settings = market()
        for symbol in settings.symbols:
            symbol.path.sigma_day = symbol.path.jumps_day = 0
        for quoter in settings.quoters:
            quoter.back = 0
        self.venue = Venue(self.loop, file, settings, START - 600 * SECOND)
        floor = self.venue.server.venue.floors["ACME"]
        quote = floor.nbbo(600 * SECOND)
        self.bid, self.ask = quote.bid, quote.ask

    def client(self, name: str = "SOR", *, markers: bool = False) -> Client:
        """A client that has dialled and had time to log on."""
        client = Client(self.loop, self.venue, name, markers=markers)
        client.dial()
        self.run(0.1)
        return client

    def run(self, seconds: float) -> None:
        """Live through this time."""
        until = self.loop.now_ns + round(seconds * SECOND)
        while (due := self.loop.next_ns()) is not None and due <= until:
            self.loop.step()
        self.loop.advance(until)

    def take(self, client: Client, cl_ord_id: str, seconds: float = 0.2) -> None:
        """The client buys 100 from the house."""
        client.send("D", {11: cl_ord_id, 44: price_to_text(self.ask + 5 * CENT), 59: "3"})
        self.run(seconds)

    def rest(self, client: Client, cl_ord_id: str, seconds: float = 0.2) -> None:
        """The client bids where nobody sells."""
        client.send("D", {11: cl_ord_id, 44: price_to_text(self.bid - 5 * CENT)})
        self.run(seconds)

    def facts(self, kind: type[F]) -> list[F]:
        """All of the journal of this kind."""
        codec, journal = fact_codec(), MemoryJournal(self.venue.storage, boot_id="audit")
        facts = (codec.decode(pair) for record in journal.records() for pair in record.facts)
        return [fact for fact in facts if isinstance(fact, kind)]

    def struck(self, fault: str) -> int:
        """How often the journal says that a fault happened."""
        return sum(fact.fault == fault for fact in self.facts(FaultStruck))
