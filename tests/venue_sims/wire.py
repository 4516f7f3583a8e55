"""A venue under a hand-held clock that is spoken to in FIX, in either version."""

from __future__ import annotations

from collections.abc import Mapping

from sor_gateway.fix.codec import decode, encode
from sor_gateway.fix.dialect import FIX44, Dialect
from sor_gateway.fix.dictionary import load_packaged
from sor_gateway.fix.message import Message
from sor_gateway.fix.values import price_to_text
from tests.venue_sims.helpers import SOR, Desk, make_venue, market, venue_file
from venue_sims.config import VenueFile
from venue_sims.matching.orders import Side
from venue_sims.reports import Report
from venue_sims.translate import BusinessReject, to_command, to_message

BUY, SELL = "1", "2"
CENT = 10_000
DOLLAR = 100 * CENT
TIME = "20260105-10:00:00"

Fix = dict[int, str]


def still(name: str) -> VenueFile:
    """A venue's file without flow, but for the house of a lit one, which never refills."""
    file = venue_file(name, quiet=True)
    file.house.refill_s, file.fade.p = 100_000.0, 0.0
    return file


class Wire:
    """A venue in a market that stands still. Each message that it sends is held against the
    published dictionary."""

    def __init__(self, file: VenueFile, dialect: Dialect = FIX44) -> None:
        settings = market()
        for symbol in settings.symbols:
            symbol.path.sigma_day = symbol.path.jumps_day = 0
        for quoter in settings.quoters:
            quoter.back = 0
        self.desk = Desk(make_venue(file, settings))
        self.dialect, self.mic = dialect, file.mic
        self.floor = self.desk.venue.floors["ACME"]
        quote = self.floor.nbbo(self.desk.venue.clock.market(self.desk.now))
        self.bid, self.ask = quote.bid, quote.ask

    def send(
        self, msg_type: str, cl_ord_id: str, fields: Mapping[int, object], session: str = SOR
    ) -> None:
        """Send a message; what is not in `fields` is a buy limit order for 100 ACME."""
        body: dict[int, object] = {11: cl_ord_id, 21: "1", 55: "ACME", 54: BUY, 38: 100, 40: "2"}
        self.send_exactly(msg_type, {**body, 60: TIME, **fields}, session)

    def send_exactly(self, msg_type: str, body: Mapping[int, object], session: str = SOR) -> None:
        """Send a message with these fields."""
        message = Message(msg_type, [(tag, str(value)) for tag, value in body.items()])
        now = self.desk.now
        command = to_command(message, session, self.dialect, now, poss_resend=False)
        assert not isinstance(command, BusinessReject)
        self.desk.send(command)

    def order(
        self,
        cl_ord_id: str,
        price: int | None = None,
        fields: Mapping[int, object] | None = None,
        session: str = SOR,
    ) -> list[Fix]:
        """A new order with this limit; what SOR is told because of it."""
        limit: dict[int, object] = {} if price is None else {44: price_to_text(price)}
        self.send("D", cl_ord_id, {**limit, **(fields or {})}, session)
        return self.settle()

    def replace(
        self, cl_ord_id: str, orig: str, price: int, fields: Mapping[int, object] | None = None
    ) -> list[Fix]:
        """A replace of SOR's order."""
        self.send("G", cl_ord_id, {41: orig, 44: price_to_text(price), **(fields or {})})
        return self.settle()

    def settle(self, seconds: float = 1.0) -> list[Fix]:
        """Let time pass; what SOR is told meanwhile."""
        return [self._written(report) for report in self.desk.settle(seconds)]

    def depth(self, side: Side) -> list[tuple[int, int, int]]:
        """The displayed book."""
        return self.floor.matcher.depth(side, 3)

    def _written(self, report: Report) -> Fix:
        return framed(report, self.dialect, self.mic)


def framed(report: Report, dialect: Dialect, mic: str) -> Fix:
    """A report as a message, held against the published dictionary."""
    msg_type, body = to_message(report, dialect, mic)
    header = [(34, "1"), (49, "V"), (52, "20260101-00:00:00.000"), (56, "SOR")]
    frame = encode(dialect.begin_string, msg_type, header, body)
    assert load_packaged(dialect.begin_string).validate(decode(frame)) is None
    return {35: msg_type, **dict(body)}


def said(reports: list[Fix], *tags: int) -> list[tuple[str | None, ...]]:
    """These fields of each report."""
    return [tuple(report.get(tag) for tag in tags) for report in reports]
