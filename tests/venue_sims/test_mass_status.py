"""Mass status requests (AF) from message to message: which orders are listed, and how the series is
told to be one (fix.md 3.3). FIX 4.2 has none; test_translate.py says how it is told so."""

from __future__ import annotations

import pytest

from sor_gateway.fix.dialect import FIX42, FIX44
from sor_gateway.fix.message import Message
from tests.venue_sims.helpers import SOR
from tests.venue_sims.wire import CENT, SELL, Fix, Wire, framed, said, still
from venue_sims.checks import MassStatus
from venue_sims.commands import MassStatusReceived
from venue_sims.state import VenueState
from venue_sims.translate import BusinessReject, to_command
from venue_sims.words import Phase

OTHER = "OTHER-FIX.4.4"


def the_desk(lists: MassStatus) -> Wire:
    """A buy and a sell of ACME that rest, a buy that is cancelled, a buy of BOLT, and somebody
    else's buy of ACME."""
    file = still("exchange")
    file.mass_status = lists
    wire = Wire(file)
    wire.order("A1", wire.bid)
    wire.order("A2", wire.bid - CENT)
    wire.order("A3", wire.ask, {54: SELL})
    wire.order("B1", 100 * 1_000_000, {55: "BOLT"})
    wire.order("A1", wire.bid, session=OTHER)
    wire.send("F", "X1", {41: "A2"})
    wire.settle()
    return wire


@pytest.fixture
def wire() -> Wire:
    return the_desk(MassStatus.OPEN)


def ask(wire: Wire, **more: object) -> list[Fix]:
    """Ask, and what comes back; `more` are tags such as t585="7"."""
    fields = {int(name[1:]): value for name, value in more.items()}
    wire.send_exactly("AF", {584: "M1", **fields})
    return wire.settle()


class TestWhatIsListed:
    def test_all_live_orders_of_the_client_as_one_series(self, wire: Wire) -> None:
        reports = ask(wire, t585="7")
        assert said(reports, 35, 150, 584, 911, 912, 11, 39) == [
            ("8", "I", "M1", "3", "N", "A1", "0"),
            ("8", "I", "M1", "3", "N", "A3", "0"),
            ("8", "I", "M1", "3", "Y", "B1", "0"),
        ]
        assert all(790 not in report for report in reports)

    def test_those_of_a_symbol(self, wire: Wire) -> None:
        assert said(ask(wire, t585="1", t55="BOLT"), 11, 911, 912) == [("B1", "1", "Y")]

    def test_those_of_a_side(self, wire: Wire) -> None:
        assert said(ask(wire, t585="7", t54=SELL), 11, 911) == [("A3", "1")]

    def test_what_is_over_too_where_the_venue_lists_all_of_the_day(self) -> None:
        reports = ask(the_desk(MassStatus.ALL), t585="7")
        assert said(reports, 11, 39, 911) == [
            ("A1", "0", "4"),
            ("A2", "4", "4"),
            ("A3", "0", "4"),
            ("B1", "0", "4"),
        ]

    def test_of_the_day_before_nothing(self) -> None:
        wire = the_desk(MassStatus.ALL)
        for phase in (Phase.CLOSED, Phase.OPEN):
            wire.desk.venue.enter_phase(phase, wire.desk.now)
        wire.settle()
        assert said(ask(wire, t585="7"), 911) == [("0",)]

    def test_one_report_says_that_there_is_none(self, wire: Wire) -> None:
        (report,) = ask(wire, t585="1", t55="CRUX")
        assert said([report], 150, 39, 37, 11, 584, 911, 912) == [
            ("I", "8", "NONE", None, "M1", "0", "Y")
        ]

    def test_executions_stand_in_it(self) -> None:
        wire = the_desk(MassStatus.ALL)
        wire.send("D", "S1", {44: "40", 38: 500_000, 54: SELL}, OTHER)
        wire.settle()
        report = ask(wire, t585="7")[0]
        assert said([report], 11, 39, 14, 151) == [("A1", "2", "100", "0")]

    def test_a_fold_of_the_facts_is_the_live_memory(self, wire: Wire) -> None:
        ask(wire, t585="7")
        live, state = wire.desk.venue.state.client(SOR), VenueState(wire.mic)
        for fact in wire.desk.facts:
            state.apply(fact)
        folded = state.client(SOR)
        assert (folded.reported, folded.ids) == (live.reported, live.ids)
        assert said([framed(each, FIX44, wire.mic) for each in folded.outbox][-3:], 584, 912) == [
            ("M1", "N"),
            ("M1", "N"),
            ("M1", "Y"),
        ]


class TestRefusals:
    def read(self, text: str, dialect: object = FIX44) -> object:
        kind, *fields = [field.split("=", 1) for field in text.split("|")]
        message = Message(kind[1], [(int(tag), value) for tag, value in fields])
        assert dialect in (FIX44, FIX42)
        chosen = FIX44 if dialect is FIX44 else FIX42
        return to_command(message, "S", chosen, 5, poss_resend=False)

    def test_a_request_is_read(self) -> None:
        assert self.read("35=AF|584=M1|585=1|55=ACME") == MassStatusReceived("S", 5, "M1", "ACME")

    @pytest.mark.parametrize(
        ("text", "reason"),
        [("35=AF|584=M1|585=8", 0), ("35=AF|584=M1|585=1", 5), ("35=AF|584=M1|585=7|54=9", 0)],
    )
    def test_what_cannot_be_answered(self, text: str, reason: int) -> None:
        reject = self.read(text)
        assert isinstance(reject, BusinessReject)
        assert reject.reason == reason

    def test_fix_42_has_none(self) -> None:
        reject = self.read("35=AF|584=M1|585=7", FIX42)
        assert isinstance(reject, BusinessReject)
        assert reject.reason == 3
