"""A journal written by hand, turn by turn, and the database that follows it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sor_gateway.journal.record import Entry, FactCodec, Record
from sor_gateway.journal.segments import Journal
from sor_gateway.projection.follower import Progress, refresh
from sor_gateway.sor import decisions as de
from sor_gateway.sor import events as ev
from sor_gateway.sor.types import (
    ChildState,
    Liquidity,
    OrdType,
    ParentState,
    Side,
    TimeInForce,
)

T0 = 1_700_000_000_000_000_000
PX = 50_000_000
CENT = 10_000


class Desk:
    """Writes turns; each fact's time is T0 plus the turn's number."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "journal"
        self.database = folder / "view" / "sor.db"
        self.journal = Journal.open(self.folder, boot_id="boot", reserve_bytes=0)
        self.codec = FactCodec(ev.FACTS)
        self.number = 0

    @property
    def now(self) -> int:
        return T0 + self.number

    def turn(self, *facts: object, entries: Iterable[Entry] = ()) -> None:
        self.number += 1
        encoded = [self.codec.encode(fact) for fact in facts]
        self.journal.append(Record(self.number, self.now, list(entries), encoded))

    def refresh(self) -> Progress:
        return refresh(self.folder, self.database)

    # --- facts, with what does not matter filled in ---------------------------------------

    def submit(
        self,
        parent_id: str = "P1",
        cl_ord_id: str = "a",
        quantity: int = 1000,
        poss_resend: bool = False,
        client: str = "EMS",
        symbol: str = "ACME",
    ) -> ev.ParentSubmitted:
        return ev.ParentSubmitted(
            self.now,
            parent_id,
            client,
            cl_ord_id,
            symbol,
            Side.BUY,
            quantity,
            OrdType.LIMIT,
            PX,
            TimeInForce.DAY,
            "balanced",
            poss_resend=poss_resend,
        )

    def accept(self, parent_id: str = "P1") -> de.ParentAccepted:
        return de.ParentAccepted(self.now, parent_id, PX - CENT, PX + CENT)

    def plan(
        self, child_id: str = "C1", quantity: int = 300, venue: str = "ecn", parent_id: str = "P1"
    ) -> de.ChildPlanned:
        return de.ChildPlanned(
            self.now,
            parent_id,
            child_id,
            venue,
            quantity,
            OrdType.LIMIT,
            PX,
            TimeInForce.IOC,
            "sweep",
            1,
            1_200,
            7.25,
            "cheapest",
            bid_micros=PX - CENT,
            ask_micros=PX,
        )

    def fill(
        self,
        quantity: int,
        cum: int,
        exec_id: str,
        price: int = PX,
        child_id: str = "C1",
        venue: str = "ecn",
        fee: int = 0,
        average: int = 0,
    ) -> ev.ChildFilled:
        return ev.ChildFilled(
            self.now,
            venue,
            child_id,
            exec_id,
            quantity,
            price,
            cum,
            0,
            Liquidity.REMOVED,
            fee,
            "XECN",
            avg_price_micros=average,
        )

    def end(
        self,
        cum: int,
        how: ChildState = ChildState.CANCELED,
        child_id: str = "C1",
        average: int = 0,
        venue: str = "ecn",
    ) -> ev.ChildEnded:
        return ev.ChildEnded(
            self.now, venue, child_id, how, cum, text="no more", avg_price_micros=average
        )

    def cancel(self, cl_ord_id: str, orig: str) -> ev.CancelRequested:
        return ev.CancelRequested(self.now, "EMS", cl_ord_id, orig)

    def replace(
        self, cl_ord_id: str, orig: str, quantity: int, limit: int = PX
    ) -> ev.ReplaceRequested:
        return ev.ReplaceRequested(self.now, "EMS", cl_ord_id, orig, quantity, OrdType.LIMIT, limit)

    def close_parent(self, parent_id: str = "P1") -> de.ParentClosed:
        return de.ParentClosed(self.now, parent_id, ParentState.CANCELED, "as asked")

    def working(self) -> None:
        """An accepted order P1 of 1000 with one live child C1 of 300."""
        self.turn(self.submit(), self.accept(), self.plan())
        self.turn(ev.ChildAccepted(self.now, "ecn", "C1", "V1"))


def message(session: str, number: int, text: str, outbound: bool = True, key: str = "") -> Entry:
    fields = dict(pair.split("=", 1) for pair in text.strip("|").split("|"))
    raw = text.replace("|", "\x01").encode("latin-1")
    return Entry(session, 1, outbound, number, fields["35"], key, raw)
