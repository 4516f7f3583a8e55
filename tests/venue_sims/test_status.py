"""Trading status: halts, limit states, the phases of a day and what clients are told of them, in
both versions of FIX."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sor_gateway.fix.codec import decode, encode
from sor_gateway.fix.dialect import FIX42, FIX44, Dialect
from sor_gateway.fix.dictionary import load_packaged
from sor_gateway.fix.message import Message
from sor_gateway.fix.schedule import Schedule
from sor_gateway.fix.values import parse_utc_timestamp, price_to_text
from sor_gateway.journal.record import Entry, Record
from tests.venue_sims.helpers import SECOND, SOR, Desk, make_venue, market, terms, venue_file
from tests.venue_sims.raw_client import RawClient
from tests.venue_sims.test_server import running
from tests.venue_sims.wire import CENT, SELL, Wire, said, still
from venue_sims.commands import StatusReceived
from venue_sims.facts import PhaseChanged
from venue_sims.matching.orders import Side
from venue_sims.phases import Hours
from venue_sims.recovery import Recovered, encode_image, fact_codec, fold, recover
from venue_sims.state import VenueState
from venue_sims.status import MAX_SUBSCRIPTIONS, Outgoing, StatusDesk, halt_reason
from venue_sims.venue import LIMIT_STATE_NS, PAUSE_NS
from venue_sims.words import Capacity, Phase, Reason, ReportKind, State

DOLLAR = 1_000_000
OPENS, CLOSES = "20260302-14:30:00", "20260302-21:00:00"
"""A Monday's hours in New York, in UTC."""

both_versions = pytest.mark.parametrize("dialect", [FIX42, FIX44])


def at(text: str) -> int:
    return parse_utc_timestamp(text)


def new_york(pre_open_s: int = 0, pre_close_s: int = 0) -> Hours:
    schedule = Schedule(ZoneInfo("America/New_York"), time(9, 30), time(16), frozenset(range(5)))
    return Hours(schedule, pre_open_s * SECOND, pre_close_s * SECOND)


class TestHours:
    def test_without_a_schedule_a_venue_is_always_open(self) -> None:
        assert Hours().phase(0) is Phase.OPEN
        assert Hours().next_change_ns(0) is None

    @pytest.mark.parametrize(
        ("moment", "phase", "until"),
        [
            ("20260301-12:00:00", Phase.CLOSED, "20260302-14:00:00"),
            ("20260302-14:00:00", Phase.PRE_OPEN, OPENS),
            (OPENS, Phase.OPEN, "20260302-20:50:00"),
            ("20260302-20:50:00", Phase.PRE_CLOSE, CLOSES),
            (CLOSES, Phase.CLOSED, "20260303-14:00:00"),
            ("20260306-21:00:00", Phase.CLOSED, "20260309-13:00:00"),
        ],
        ids=["weekend", "before", "open", "before-close", "closed", "daylight-saving"],
    )
    def test_the_phases_of_a_day(self, moment: str, phase: Phase, until: str) -> None:
        hours = new_york(pre_open_s=1_800, pre_close_s=600)
        assert hours.phase(at(moment)) is phase
        assert hours.next_change_ns(at(moment)) == at(until)

    def test_without_edges_a_day_has_two_phases(self) -> None:
        hours = new_york()
        assert hours.next_change_ns(at("20260302-12:00:00")) == at(OPENS)
        assert hours.next_change_ns(at(OPENS)) == at(CLOSES)


class TestHolidays:
    def hours(self) -> Hours:
        hours = new_york(pre_open_s=1_800, pre_close_s=600)
        hours.holidays = frozenset({date(2026, 11, 26)})
        hours.early_closes = {date(2026, 11, 27): time(13)}
        return hours

    @pytest.mark.parametrize(
        ("moment", "phase", "until"),
        [
            ("20261125-21:00:00", Phase.CLOSED, "20261127-14:00:00"),
            ("20261126-15:00:00", Phase.CLOSED, "20261127-14:00:00"),
            ("20261127-14:00:00", Phase.PRE_OPEN, "20261127-14:30:00"),
            ("20261127-14:30:00", Phase.OPEN, "20261127-17:50:00"),
            ("20261127-17:50:00", Phase.PRE_CLOSE, "20261127-18:00:00"),
            ("20261127-18:00:00", Phase.CLOSED, "20261130-14:00:00"),
            ("20261127-20:00:00", Phase.CLOSED, "20261130-14:00:00"),
            ("20261130-14:30:00", Phase.OPEN, "20261130-20:50:00"),
        ],
    )
    def test_thanksgiving(self, moment: str, phase: Phase, until: str) -> None:
        hours = self.hours()
        assert hours.phase(at(moment)) is phase
        assert hours.next_change_ns(at(moment)) == at(until)

    def test_what_rests_expires_at_the_early_close(self) -> None:
        file = venue_file("exchange", quiet=True)
        file.hours = self.hours()
        desk = Desk(make_venue(file, market()), at("20261127-17:59:00"))
        desk.order(terms("C1", Capacity.SELL, 100, 60 * DOLLAR))
        (expired,) = desk.settle(120)
        assert (expired.state, expired.at_ns) == (State.EXPIRED, at("20261127-18:00:00"))


def desk_at(moment: str, name: str = "exchange") -> Desk:
    file = venue_file(name, quiet=True)
    file.hours = new_york(pre_open_s=600)
    return Desk(make_venue(file, market()), at(moment))


class TestTheDay:
    def test_orders_are_refused_before_the_open_and_after_the_close(self) -> None:
        desk = desk_at("20260302-14:25:00")
        assert desk.venue.state.phase is Phase.PRE_OPEN
        (rejected,) = desk.order(terms("C1", Capacity.SELL, 100, 60 * DOLLAR))
        assert (rejected.kind, rejected.reason) == (ReportKind.REJECTED, Reason.CLOSED)
        assert rejected.text == "z: the venue is closed: pre-open"
        desk.settle(300)
        assert desk.order(terms("C2", Capacity.SELL, 100, 60 * DOLLAR))[0].kind is ReportKind.NEW

    def test_the_house_stands_in_the_book_only_while_it_is_open(self) -> None:
        desk = desk_at("20260302-14:29:59")
        matcher = desk.venue.floors["ACME"].matcher
        assert matcher.depth(Side.BUY, 1) == []
        desk.settle(2)
        assert matcher.depth(Side.BUY, 1)
        desk.settle(6.5 * 3600)
        assert desk.venue.state.phase is Phase.CLOSED
        assert matcher.depth(Side.BUY, 1) == []

    def test_what_rests_expires_at_the_close(self) -> None:
        desk = desk_at("20260302-20:59:00")
        desk.order(terms("C1", Capacity.SELL, 100, 60 * DOLLAR))
        (expired,) = desk.settle(120)
        assert (expired.kind, expired.state) == (ReportKind.EXPIRED, State.EXPIRED)
        assert (expired.leaves, expired.at_ns) == (0, at(CLOSES))
        assert desk.venue.floors["ACME"].matcher.orders == {}

    def test_a_close_that_nobody_lived_through_expires_them_too(self) -> None:
        desk = desk_at("20260302-20:59:00")
        desk.order(terms("C1", Capacity.SELL, 100, 60 * DOLLAR))
        codec = fact_codec()
        image = encode_image(desk.venue.state, 1, {}, codec)
        state = recover("XLIT", image, (), codec).state
        file = venue_file("exchange", quiet=True)
        file.hours = new_york()
        again = Desk(make_venue(file, market(), state), at("20260303-15:00:00"))
        assert again.venue.state.phase is Phase.OPEN
        (expired,) = again.settle()
        assert expired.state is State.EXPIRED

    def test_a_start_in_mid_day_leaves_the_days_orders_alone(self) -> None:
        desk = desk_at("20260302-15:00:00")
        desk.order(terms("C1", Capacity.SELL, 100, 60 * DOLLAR))
        codec = fact_codec()
        image = encode_image(desk.venue.state, 1, {}, codec)
        file = venue_file("exchange", quiet=True)
        file.hours = new_york()
        state = recover("XLIT", image, (), codec).state
        again = Desk(make_venue(file, market(), state), at("20260302-16:00:00"))
        assert [order.live for order in again.venue.state.live_orders()] == [True]

    def test_an_id_may_be_used_again_the_next_day_and_the_old_order_is_still_known(self) -> None:
        desk = desk_at("20260302-15:00:00")
        desk.order(terms("C1", Capacity.SELL, 100, 49 * DOLLAR))
        desk.order(terms("C2", Capacity.SELL, 100, 49 * DOLLAR))
        (again,) = desk.order(terms("C1", Capacity.SELL, 100, 49 * DOLLAR))
        assert again.reason is Reason.DUPLICATE
        desk.settle(24 * 3600)
        desk.send(StatusReceived(SOR, desk.now, "C2"))
        (status,) = desk.settle()
        assert (status.kind, status.state) == (ReportKind.STATUS, State.FILLED)
        assert desk.order(terms("C1", Capacity.SELL, 100, 49 * DOLLAR))[-1].state is State.FILLED
        assert len(desk.venue.state.orders) == 3

    def test_what_is_two_days_old_is_forgotten(self) -> None:
        desk = desk_at("20260302-15:00:00")
        desk.order(terms("C1", Capacity.SELL, 100, 49 * DOLLAR))
        for _ in range(2):
            desk.settle(24 * 3600)
        assert desk.venue.state.orders == {}
        desk.send(StatusReceived(SOR, desk.now, "C1"))
        assert desk.settle()[0].kind is ReportKind.UNKNOWN

    def test_the_fold_of_two_days_is_the_live_state(self) -> None:
        desk = desk_at("20260302-15:00:00")
        codec, folded = fact_codec(), Recovered(VenueState("XLIT"))
        for day in range(3):
            desk.facts = [] if day else desk.facts
            entries = []
            for name in ("C1", "C2"):
                reports = desk.order(terms(name, Capacity.SELL, 100, (49 + day) * DOLLAR))
                entries += [Entry(SOR, 1, True, 0, "8", str(r.number), b"") for r in reports]
            late = desk.settle(24 * 3600)
            entries += [Entry(SOR, 1, True, 0, "8", str(r.number), b"") for r in late]
            facts = [codec.encode(fact) for fact in desk.facts]
            fold(folded, Record(day + 1, desk.now, entries, facts), codec)
            live = encode_image(desk.venue.state, 0, {}, codec)
            assert encode_image(folded.state, 0, {}, codec) == live

    def test_an_operator_may_close_early(self) -> None:
        desk = desk_at("20260302-15:00:00")
        desk.order(terms("C1", Capacity.SELL, 100, 60 * DOLLAR))
        desk.venue.enter_phase(Phase.CLOSED, desk.now)
        assert [report.state for report in desk.settle()] == [State.EXPIRED]
        (rejected,) = desk.order(terms("C2", Capacity.SELL, 100, 60 * DOLLAR))
        assert rejected.reason is Reason.CLOSED
        desk.settle(24 * 3600)
        assert desk.venue.state.phase is Phase.OPEN, "the next day begins by its hours"

    @pytest.mark.parametrize("asleep", [False, True])
    def test_who_closed_early_stays_closed_until_the_next_open(self, asleep: bool) -> None:
        file = venue_file("exchange", quiet=True)
        file.hours = new_york(pre_open_s=600, pre_close_s=600)
        desk = Desk(make_venue(file, market()), at("20260302-15:00:00"))
        desk.venue.enter_phase(Phase.CLOSED, desk.now)
        phases = []
        for moment in ("20260302-16:00:00", "20260302-20:55:00", "20260302-21:30:00"):
            if asleep:
                desk = Desk(make_venue(file, market(), desk.venue.state), at(moment))
            else:
                desk.settle((at(moment) - desk.now) / SECOND)
            phases.append(desk.venue.state.phase)
        assert phases == [Phase.CLOSED] * 3
        closes = [f for f in desk.facts if isinstance(f, PhaseChanged) and f.phase is Phase.CLOSED]
        assert len(closes) <= 2, "the close of the hours finds it closed"
        if asleep:
            desk = Desk(make_venue(file, market(), desk.venue.state), at("20260303-15:00:00"))
        else:
            desk.settle(17.5 * 3600)
        assert desk.venue.state.phase is Phase.OPEN

    def test_a_restart_asks_nobody_who_opened_it_on_a_sunday(self) -> None:
        desk = desk_at("20260301-15:00:00")
        desk.venue.enter_phase(Phase.OPEN, desk.now)
        file = venue_file("exchange", quiet=True)
        file.hours = new_york()
        again = Desk(make_venue(file, market(), desk.venue.state), at("20260301-16:00:00"))
        assert again.venue.state.phase is Phase.OPEN

    @both_versions
    def test_on_the_wire(self, dialect: Dialect) -> None:
        wire = Wire(still("exchange"), dialect)
        wire.order("B1", wire.bid)
        wire.desk.venue.enter_phase(Phase.CLOSED, wire.desk.now)
        (expired,) = wire.settle()
        assert said([expired], 150, 39, 151, 14) == [("C", "C", "0", "0")]
        assert expired[58].startswith("X: ")
        (rejected,) = wire.order("B2", wire.bid)
        assert said([rejected], 150, 39, 103) == [("8", "8", "2")]
        assert rejected[58].startswith("z: ")


class TestLimitState:
    def test_orders_beyond_the_band_are_refused_and_others_are_not(self) -> None:
        wire = Wire(still("exchange"))
        low, high = wire.bid - 5 * CENT, wire.ask + 5 * CENT
        wire.desk.venue.limit("ACME", low, high, wire.desk.now)
        (rejected,) = wire.order("B1", high + CENT)
        assert said([rejected], 150, 103) == [("8", "3")]
        assert rejected[58].startswith("M: outside of the price band")
        (rejected,) = wire.order("S1", low - CENT, {54: SELL})
        assert rejected[150] == "8"
        assert wire.order("B2", low)[0][150] == "0"
        assert wire.order("S2", high, {54: SELL})[0][150] == "0"

    def test_a_market_order_trades_within_the_band_and_no_further(self) -> None:
        wire = Wire(still("exchange"))
        reachable = sum(
            shares for price, shares, _ in wire.depth(Side.SELL) if price <= wire.ask + CENT
        )
        wire.desk.venue.limit("ACME", wire.bid - CENT, wire.ask + CENT, wire.desk.now)
        reports = wire.order("B1", fields={40: "1", 38: reachable + 500})
        assert said(reports[-1:], 39, 14) == [("4", str(reachable))]

    def test_it_ends_in_a_pause_and_the_pause_in_trading(self) -> None:
        desk = Desk(make_venue(venue_file("exchange", quiet=True), market(scale=60)))
        state, began = desk.venue.state, desk.now
        desk.venue.limit("ACME", 49 * DOLLAR, 51 * DOLLAR, desk.now)
        desk.settle(LIMIT_STATE_NS / SECOND / 60 - 0.01)
        assert state.trades("ACME")
        desk.settle(0.02)
        assert state.halted == {"ACME": "volatility trading pause"}
        assert not state.bands
        desk.settle(PAUSE_NS / SECOND / 60 - 0.03)
        assert not state.trades("ACME")
        desk.settle(0.04)
        assert state.trades("ACME")
        assert desk.now - began < (LIMIT_STATE_NS + PAUSE_NS) // 60 + SECOND
        assert desk.venue.floors["ACME"].matcher.depth(Side.BUY, 1), "the house is back"

    def test_resumed_before_its_time_there_is_no_pause(self) -> None:
        desk = Desk(make_venue(venue_file("exchange", quiet=True), market(scale=60)))
        desk.venue.limit("ACME", 49 * DOLLAR, 51 * DOLLAR, desk.now)
        desk.venue.resume("ACME", desk.now)
        desk.settle(60)
        assert desk.venue.state.trades("ACME")

    def test_a_restart_forgets_neither_band_nor_pause(self) -> None:
        codec = fact_codec()
        desk = Desk(make_venue(venue_file("exchange", quiet=True), market(scale=60)))
        desk.venue.limit("ACME", 49 * DOLLAR, 51 * DOLLAR, desk.now)
        for halted in (False, True):
            image = encode_image(desk.venue.state, 1, {}, codec)
            state = recover("XLIT", image, (), codec).state
            file = venue_file("exchange", quiet=True)
            desk = Desk(make_venue(file, market(scale=60), state), desk.now)
            assert ("ACME" in state.halted) is halted
            desk.settle(0.3 if not halted else 5.1)
        assert desk.venue.state.trades("ACME")


class Asker:
    """One FIX session's view of a venue's status; whatever it is told passes the dictionary."""

    def __init__(self, dialect: Dialect, *, unasked: bool = True, hours: Hours | None = None):
        file = venue_file("exchange", quiet=True)
        file.hours = hours or Hours()
        self.desk = Desk(make_venue(file, market()), at("20260302-15:00:00"))
        self.venue = self.desk.venue
        self.status = StatusDesk(
            self.venue.state, list(self.venue.floors), self.venue.settings.hours, unasked
        )
        self.dialect = dialect
        self._dictionary = load_packaged(dialect.begin_string)

    def ask(self, msg_type: str, *body: tuple[int, str]) -> list[dict[int, str]]:
        return self.read(self.status.request(Message(msg_type, list(body)), self.desk.now))

    def news(self) -> list[dict[int, str]]:
        told: list[Outgoing] = []
        for news in self.venue.take_news():
            told += self.status.told(news)
        return self.read(told)

    def read(self, outgoing: list[Outgoing]) -> list[dict[int, str]]:
        for msg_type, body in outgoing:
            header = [(34, "1"), (49, "V"), (52, "20260101-00:00:00.000"), (56, "SOR")]
            frame = encode(self.dialect.begin_string, msg_type, header, body)
            assert self._dictionary.validate(decode(frame)) is None
        return [{35: msg_type, **dict(body)} for msg_type, body in outgoing]


@both_versions
class TestWhatIsSaid:
    def test_a_request_for_a_symbol_is_answered(self, dialect: Dialect) -> None:
        asker = Asker(dialect)
        (status,) = asker.ask("e", (324, "Q1"), (55, "ACME"), (263, "0"))
        expected = {35: "f", 324: "Q1", 55: "ACME", 326: "17"}
        assert {tag: status.get(tag) for tag in expected} == expected
        assert 325 not in status
        (unknown,) = asker.ask("e", (324, "Q2"), (55, "NONE"), (263, "1"))
        assert unknown[326] == "20"

    def test_a_request_for_the_session_is_answered_with_its_hours(self, dialect: Dialect) -> None:
        asker = Asker(dialect, hours=new_york())
        (status,) = asker.ask("g", (335, "S1"), (263, "0"))
        assert (status[35], status[335], status[340]) == ("h", "S1", "2")
        assert (status[342], status[344]) == (f"{OPENS}.000", f"{CLOSES}.000")

    def test_a_halt_and_its_end_are_told_unasked(self, dialect: Dialect) -> None:
        asker = Asker(dialect)
        asker.venue.halt("ACME", "news pending", asker.desk.now)
        (halted,) = asker.news()
        expected = {35: "f", 55: "ACME", 325: "Y", 326: "2", 327: "P"}
        assert {tag: halted.get(tag) for tag in expected} == expected
        asker.venue.resume("ACME", asker.desk.now)
        assert said(asker.news(), 325, 326, 327) == [("Y", "3", None)]

    def test_a_limit_state_with_its_band_then_the_pause_then_trading(
        self, dialect: Dialect
    ) -> None:
        asker = Asker(dialect)
        asker.venue.limit("ACME", 49 * DOLLAR, 51 * DOLLAR, asker.desk.now)
        asker.desk.settle(320)
        told = asker.news()
        assert said(told, 326, 333, 332, 327) == [
            ("6", "49", "51", None),
            ("2", None, None, "M"),
            ("3", None, None, None),
        ]

    def test_phases_are_told(self, dialect: Dialect) -> None:
        asker = Asker(dialect)
        for phase in (Phase.PRE_CLOSE, Phase.CLOSED, Phase.PRE_OPEN, Phase.OPEN):
            asker.venue.enter_phase(phase, asker.desk.now)
            (told,) = asker.news()
            expected = {Phase.OPEN: "2", Phase.CLOSED: "3", Phase.PRE_OPEN: "4"}.get(phase, "5")
            assert (told[35], told[325], told[340]) == ("h", "Y", expected)

    def test_who_subscribed_is_told_under_its_own_id(self, dialect: Dialect) -> None:
        asker = Asker(dialect, unasked=False)
        asker.venue.halt("ACME", "news", asker.desk.now)
        assert asker.news() == []
        asker.ask("e", (324, "Q1"), (55, "ACME"), (263, "1"))
        asker.ask("e", (324, "Q2"), (55, "BOLT"), (263, "1"))
        asker.venue.resume("ACME", asker.desk.now)
        (resumed,) = asker.news()
        assert (resumed[324], resumed[326]) == ("Q1", "3")
        asker.ask("e", (324, "Q1"), (55, "ACME"), (263, "2"))
        asker.venue.halt("ACME", "news", asker.desk.now)
        assert asker.news() == []

    def test_ids_of_both_kinds_do_not_meet_and_subscriptions_are_bounded(
        self, dialect: Dialect
    ) -> None:
        asker = Asker(dialect, unasked=False)
        asker.ask("e", (324, "1"), (55, "ACME"), (263, "1"))
        asker.ask("g", (335, "1"), (263, "1"))
        asker.venue.halt("ACME", "news", asker.desk.now)
        asker.venue.enter_phase(Phase.PRE_CLOSE, asker.desk.now)
        assert said(asker.news(), 35) == [("f",), ("h",)]
        for number in range(2, MAX_SUBSCRIPTIONS):
            asker.ask("e", (324, str(number)), (55, "ACME"), (263, "1"))
        more = [(324, "more"), (55, "ACME"), (263, "1")]
        assert not asker.status.takes(Message("e", more))
        assert asker.status.takes(Message("e", [*more[:2], (263, "0")]))

    def test_at_logon_only_what_is_unusual(self, dialect: Dialect) -> None:
        asker = Asker(dialect)
        assert asker.status.greet(asker.desk.now) == []
        asker.venue.halt("ACME", "order imbalance", asker.desk.now)
        asker.venue.limit("BOLT", DOLLAR, 2 * DOLLAR, asker.desk.now)
        asker.venue.enter_phase(Phase.PRE_CLOSE, asker.desk.now)
        told = asker.read(asker.status.greet(asker.desk.now))
        assert said(told, 35, 55, 326, 340) == [
            ("h", None, None, "5"),
            ("f", "ACME", "2", None),
            ("f", "BOLT", "6", None),
        ]
        assert told[2][333] == price_to_text(DOLLAR)


@pytest.mark.parametrize(
    ("text", "code"),
    [("News pending", "P"), ("order imbalance", "I"), ("news", "D"), ("because", "M")],
)
def test_a_reason_has_its_letter(text: str, code: str) -> None:
    assert halt_reason(text) == code


class TestOverTheWire:
    @pytest.mark.parametrize("version", ["FIX.4.2", "FIX.4.4"])
    async def test_a_client_is_told_and_may_ask(self, tmp_path: Path, version: str) -> None:
        async with running("exchange", tmp_path, quiet=True) as venue:
            client = RawClient("SOR", "EXCH", version)
            await client.connect(venue.port)
            venue.control.answer("halt ACME news pending")
            halted = await client.expect(lambda m: m[35] == "f")
            assert (halted[55], halted[325], halted[326]) == ("ACME", "Y", "2")
            client.send("e", (324, "Q1"), (55, "BOLT"), (263, 0))
            answer = await client.expect(lambda m: m.get(324) == "Q1")
            assert (answer[55], answer[326]) == ("BOLT", "17")
            client.send("g", (335, "S1"), (263, 0))
            assert (await client.expect(lambda m: m[35] == "h"))[340] == "2"
            client.send(
                "V", (262, "R"), (263, 1), (264, 1), (267, 1), (269, 0), (146, 1), (55, "A")
            )
            assert (await client.expect(lambda m: m[35] == "Y"))[262] == "R"
            await client.close()

    async def test_an_old_status_is_gap_filled_and_the_present_one_is_told(
        self, tmp_path: Path
    ) -> None:
        async with running("exchange", tmp_path, quiet=True) as venue:
            client = RawClient("SOR", "EXCH")
            await client.connect(venue.port)
            venue.control.answer("halt ACME news")
            old = await client.expect(lambda m: m[35] == "f")
            venue.control.answer("resume ACME")
            await client.expect(lambda m: m[35] == "f")
            client.send("2", (7, old[34]), (16, 0))
            gap = await client.expect(lambda m: m[35] == "4")
            assert (gap[34], gap[123], gap[43]) == (old[34], "Y", "Y")
            now = await client.expect(lambda m: m[35] == "f")
            assert (now[326], 43 in now) == ("17", False)
            await client.close()

    async def test_who_logs_on_in_a_halt_is_told(self, tmp_path: Path) -> None:
        async with running("exchange", tmp_path, quiet=True) as venue:
            venue.control.answer("halt ACME news")
            client = RawClient("SOR", "EXCH")
            await client.connect(venue.port)
            assert (await client.expect(lambda m: m[35] == "f"))[326] == "2"
            await client.close()

    async def test_market_data_says_at_once_that_nothing_trades(self, tmp_path: Path) -> None:
        async with running("exchange", tmp_path, quiet=True) as venue:
            client = RawClient("SORMD", "EXCH")
            await client.connect(venue.port, reset=True)
            client.send(
                "V",
                (262, "R1"), (263, 1), (264, 0), (265, 1),
                (267, 2), (269, 0), (269, 1), (146, 1), (55, "ACME"),
            )  # fmt: skip
            client.send("e", (324, "Q1"), (55, "ACME"), (263, 1))
            await client.expect(lambda m: m[35] == "W" and m[268] == "20")
            venue.control.answer("halt ACME news")
            halted = await client.expect(lambda m: m[35] == "f" and m[326] == "2")
            assert halted[324] == "Q1"
            await client.expect(lambda m: m[35] == "W" and m[268] == "0")
            venue.control.answer("resume ACME")
            await client.expect(lambda m: m[35] == "W" and m[268] == "20")
            await client.close()


def test_a_session_that_is_not_connected_hears_nothing_old() -> None:
    """News are for who is there: nothing waits in a queue for who is not."""
    desk = Desk(make_venue(venue_file("exchange", quiet=True), market()))
    desk.venue.halt("ACME", "news", desk.now)
    assert desk.settle(10) == []
    assert not desk.venue.state.client(SOR).outbox
