"""What clients can ask of a venue, from the FIX message in to the FIX message out, in both
versions: pegs, reserve, post-only, ISO, D-Limit, self-match prevention, conditional orders."""

from __future__ import annotations

import pytest

from sor_gateway.fix.dialect import FIX42, FIX44, Dialect
from sor_gateway.fix.values import price_to_text
from tests.venue_sims.helpers import SOR, make_venue, market, venue_file
from tests.venue_sims.wire import CENT, SELL, Wire, said, still
from venue_sims.flow.market_path import MarketPath
from venue_sims.matching.crossing import Improvement
from venue_sims.matching.orders import Side
from venue_sims.matching.rules import SelfMatch
from venue_sims.matching.signal import QuoteSignal, SignalSettings
from venue_sims.recovery import encode_image, fact_codec, recover
from venue_sims.state import VenueState

OTHER = "OTHER-FIX.4.4"

both_versions = pytest.mark.parametrize("dialect", [FIX42, FIX44])


def fill_type(wire: Wire, *, complete: bool = True) -> str:
    return wire.dialect.exec_type_of_fill(complete=complete)


@both_versions
class TestPegs:
    def test_a_midpoint_peg_is_hidden_and_trades_inside_the_quote(self, dialect: Dialect) -> None:
        wire = Wire(still("exchange"), dialect)
        (new,) = wire.order("P1", fields={40: "P", 18: "M"})
        assert said([new], 150, 40, 18, 44) == [("0", "P", "M", None)]
        assert wire.depth(Side.BUY)[0][0] == wire.bid
        (fill,) = wire.order("T1", wire.bid, {54: SELL, 59: 3}, OTHER)
        mid = price_to_text((wire.bid + wire.ask) // 2)
        assert said([fill], 150, 31, 32, 39) == [(fill_type(wire), mid, "100", "2")]
        assert fill[9730] == "M"

    @pytest.mark.parametrize(
        ("text", "offset", "stands_at"), [("R", "-0.01", "near"), ("P", "-0.02", "far")]
    )
    def test_with_an_offset(self, dialect: Dialect, text: str, offset: str, stands_at: str) -> None:
        wire = Wire(still("exchange"), dialect)
        (new,) = wire.order("P1", fields={40: "P", 18: text, 211: offset})
        assert new[18] == text
        order = wire.floor.matcher.orders[new[37]]
        expected = wire.bid - CENT if stands_at == "near" else wire.ask - 2 * CENT
        assert order.working == expected

    @pytest.mark.parametrize(
        ("fields", "text"),
        [
            ({40: "P"}, "A: 40=P goes with one of 18=M, P and R"),
            ({40: "P", 18: "M R"}, "A: 40=P goes with one of 18=M, P and R"),
            ({40: "P", 18: "R", 211: "0.005"}, "A: peg offset increment"),
            ({40: "2", 44: "40", 211: "0.01"}, "A: no peg offset for this order"),
            ({40: "P", 18: "M", 111: 50}, "A: no reserve for this order"),
        ],
    )
    def test_what_is_refused(self, dialect: Dialect, fields: dict[int, object], text: str) -> None:
        wire = Wire(still("exchange"), dialect)
        assert said(wire.order("P1", fields=fields), 150, 58) == [("8", text)]


@both_versions
class TestDisplay:
    def test_market_data_shows_only_what_is_displayed(self, dialect: Dialect) -> None:
        wire = Wire(still("exchange"), dialect)
        price, shares, orders = wire.depth(Side.BUY)[0]
        (new,) = wire.order("R1", wire.bid, {38: 1_000, 111: 200})
        assert new[111] == "200"
        assert wire.depth(Side.BUY)[0] == (price, shares + 200, orders + 1)
        wire.order("H1", wire.bid, {38: 700, 111: 0})
        assert wire.depth(Side.BUY)[0] == (price, shares + 200, orders + 1)

    def test_the_reserve_is_shown_in_turns_and_all_of_it_trades(self, dialect: Dialect) -> None:
        wire = Wire(still("exchange"), dialect)
        _, shares, _ = wire.depth(Side.BUY)[0]
        wire.order("R1", wire.bid, {38: 500, 111: 200})
        wire.send("D", "T1", {44: price_to_text(wire.bid), 38: shares + 500, 54: SELL}, OTHER)
        fills = wire.settle()
        assert said(fills, 32, 151) == [("200", "300"), ("200", "100"), ("100", "0")]

    @pytest.mark.parametrize(("shown", "text"), [(150, "round lots"), (50, "round lots")])
    def test_a_reserve_shows_round_lots(self, dialect: Dialect, shown: int, text: str) -> None:
        wire = Wire(still("exchange"), dialect)
        (rejected,) = wire.order("R1", wire.bid, {38: 1_000, 111: shown})
        assert rejected[150] == "8"
        assert text in rejected[58]

    def test_an_odd_lot_trades_but_is_not_quoted(self, dialect: Dialect) -> None:
        wire = Wire(still("exchange"), dialect)
        before, better = wire.depth(Side.BUY), wire.bid + CENT
        wire.order("O1", better, {38: 40})
        assert wire.depth(Side.BUY) == before
        wire.send("D", "T1", {44: price_to_text(better), 38: 40, 54: SELL}, OTHER)
        assert said(wire.settle(), 32, 31) == [("40", price_to_text(better))]

    def test_a_replace_of_what_is_shown_goes_to_the_back(self, dialect: Dialect) -> None:
        wire = Wire(still("exchange"), dialect)
        wire.order("A1", wire.bid, {38: 500})
        wire.order("B1", wire.bid, {38: 500})
        (replaced,) = wire.replace("A2", "A1", wire.bid, {38: 500, 111: 100})
        assert said([replaced], 11, 41, 111) == [("A2", "A1", "100")]
        queue = [order.order_id for order in wire.floor.matcher.queue(Side.BUY)]
        assert queue.index(replaced[37]) > 1
        wire.replace("A3", "A2", wire.bid, {38: 300, 111: 100})
        assert wire.desk.venue.state.orders[replaced[37]].terms.quantity == 300


@both_versions
class TestTaking:
    def test_post_only_is_refused_or_slides(self, dialect: Dialect) -> None:
        wire = Wire(still("exchange"), dialect)
        (rejected,) = wire.order("P1", wire.ask, {18: 6})
        assert said([rejected], 150, 103) == [("8", dialect.ord_rej_reason(99))]
        assert rejected[58].startswith("W: ")
        file = still("exchange")
        file.match.slide = True
        wire = Wire(file, dialect)
        new, restated = wire.order("P1", wire.ask, {18: 6})
        assert said([new, restated], 150, 44, 378) == [
            ("0", price_to_text(wire.ask), None),
            ("D", price_to_text(wire.ask - CENT), "3"),
        ]
        assert said([restated], 39, 151, 18) == [("0", "100", "6")]

    def test_what_would_trade_through_the_nbbo_is_canceled_unless_it_is_a_sweep(
        self, dialect: Dialect
    ) -> None:
        file = still("exchange")
        file.match.protect = True
        wire = Wire(file, dialect)
        at_touch = wire.depth(Side.SELL)[0][1]
        deep = {38: at_touch + 100, 59: 3}
        *fills, canceled = wire.order("M1", wire.ask + CENT, deep)
        assert sum(int(fill[32]) for fill in fills if 32 in fill) == at_touch
        assert said([canceled], 150, 39, 151) == [("4", "4", "0")]
        assert canceled[58].startswith("T: ")
        reports = Wire(file, dialect).order("I1", wire.ask + CENT, {**deep, 18: "f"})
        assert said(reports[-1:], 39, 14, 18) == [("2", str(at_touch + 100), "f")]

    def test_a_sweep_is_immediate(self, dialect: Dialect) -> None:
        wire = Wire(still("exchange"), dialect)
        (rejected,) = wire.order("I1", wire.ask, {18: "f", 59: 0})
        assert rejected[58] == "A: an intermarket sweep is immediate or cancel"

    @pytest.mark.parametrize(
        ("mode", "expected"),
        [
            (SelfMatch.NEWEST, [("S1", "4", "0", None)]),
            (SelfMatch.OLDEST, [("R1", "4", "0", None)]),
            (SelfMatch.BOTH, [("R1", "4", "0", None), ("S1", "4", "0", None)]),
            (SelfMatch.DECREMENT, [("R1", "D", "200", "5"), ("S1", "4", "0", None)]),
        ],
    )
    def test_self_match_prevention(
        self, dialect: Dialect, mode: SelfMatch, expected: list[tuple[str | None, ...]]
    ) -> None:
        file = still("exchange")
        file.match.self_match = mode
        wire = Wire(file, dialect)
        inside = wire.bid + CENT
        wire.order("R1", inside, {38: 300, 7928: "ME"})
        new, *reports = wire.order("S1", inside, {54: SELL, 7928: "ME"})
        assert new[150] == "0"
        assert said(reports, 11, 150, 151, 378) == expected
        assert {report[58][:2] for report in reports} == {"V:"}
        assert {report[7928] for report in reports} == {"ME"}


@both_versions
class TestDLimit:
    """A signal that is easily alarmed: it is on for the first milliseconds of each slot. An order
    comes when it is off, so it rests where it asked to, until the next slot."""

    @pytest.fixture
    def wire(self, dialect: Dialect) -> Wire:
        file = still("exchange-iex")
        file.match.signal.threshold = 0.001
        return Wire(file, dialect)

    def test_is_restated_one_tick_outside(self, wire: Wire) -> None:
        outside = price_to_text(wire.bid - CENT)
        new, restated = wire.order("D1", wire.bid, {9704: "Y"})
        assert said([new], 150, 44, 9704) == [("0", price_to_text(wire.bid), "Y")]
        assert said([restated], 150, 378, 39, 44, 11, 151) == [
            ("D", "3", "0", outside, "D1", "100")
        ]
        assert restated[58].startswith("C: ")
        wire.send("F", "X1", {41: "D1"})
        assert said(wire.settle(), 150, 44) == [("4", outside)]

    def test_or_canceled(self, wire: Wire) -> None:
        new, canceled = wire.order("D1", wire.bid, {9704: "C"})
        assert said([new, canceled], 150, 39, 9704) == [("0", "0", "C"), ("4", "4", "C")]

    def test_a_plain_order_stays(self, wire: Wire) -> None:
        assert said(wire.order("D1", wire.bid), 150) == [("0",)]

    def test_one_outside_the_quote_stays(self, wire: Wire) -> None:
        assert said(wire.order("D1", wire.bid - CENT, {9704: "Y"}), 150) == [("0",)]

    def test_a_primary_peg_with_it_is_a_discretionary_one(self, wire: Wire) -> None:
        """It leaves the midpoint while the signal is on, which no report tells."""
        wire.send("D", "D1", {40: "P", 18: "R", 9704: "Y"})
        stands = set()
        for _ in range(400):
            wire.settle(0.001)
            stands |= {order.working for order in wire.floor.matcher.orders.values() if order.peg}
        assert stands == {(wire.bid + wire.ask) // 2, wire.bid - CENT}
        wire.send("H", "D1", {})
        (status,) = wire.settle()
        assert said([status], 39, 40, 18, 9704) == [("0", "P", "R", "Y")]

    @pytest.mark.parametrize("name", ["exchange", "ecn", "inverted", "dark-a"])
    def test_is_the_business_of_the_exchange_behind_the_bump_alone(
        self, dialect: Dialect, name: str
    ) -> None:
        wire = Wire(still(name), dialect)
        (rejected,) = wire.order("D1", wire.bid, {9704: "Y"})
        assert said([rejected], 150, 58) == [("8", "A: d-limit orders are not taken here")]


@both_versions
class TestDark:
    def test_the_improvement_is_split_at_10_0025_in_ticks(self, dialect: Dialect) -> None:
        """A midpoint peg buys, a market order sells: they meet halfway to the bid."""
        file = still("dark-a")
        file.match.improvement = Improvement.SPLIT
        wire = Wire(file, dialect)
        wire.order("P1", fields={40: "P", 18: "M"})
        wire.send("D", "M1", {40: "1", 54: SELL}, OTHER)
        (fill,) = wire.settle()
        middle = (wire.bid + wire.ask) // 2
        assert fill[31] == price_to_text((middle + wire.bid) // 2)

    def test_a_natural_buyer_stands_at_the_midpoint_too(self, dialect: Dialect) -> None:
        """So a client's peg is not behind it for want of a limit, and nothing is to be split."""
        file = venue_file("dark-a")
        file.match.improvement = Improvement.SPLIT
        wire = Wire(file, dialect)
        _, fill, *_ = wire.order("P1", fields={40: "P", 18: "M", 54: SELL})
        assert fill[31] == price_to_text((wire.bid + wire.ask) // 2)

    @pytest.mark.parametrize(("mode", "filled"), [("C", "500"), ("M", "300")])
    def test_both_min_qty_modes(self, dialect: Dialect, mode: str, filled: str) -> None:
        """Sellers of 200 and 300 rest; a buyer of 1,000 wants 300 at least."""
        wire = Wire(still("dark-a"), dialect)
        for name, quantity in (("S1", 200), ("S2", 300)):
            wire.order(name, wire.bid, {54: SELL, 38: quantity}, OTHER)
        reports = wire.order("B1", wire.ask, {38: 1_000, 110: 300, 9701: mode})
        assert reports[-1][14] == filled
        assert reports[0][110] == "300"

    def test_tiers_that_never_meet(self, dialect: Dialect) -> None:
        file = still("dark-a")
        file.match.tiers, file.match.apart = {SOR: 3, OTHER: 1}, frozenset({(1, 3)})
        wire = Wire(file, dialect)
        wire.order("S1", wire.bid, {54: SELL}, OTHER)
        assert said(wire.order("B1", wire.ask), 150) == [("0",)]


def conditional(wire: Wire, cl_ord_id: str = "C1") -> dict[int, str]:
    """SOR's conditional buy of 5,000 meets a firm seller of 300; what invites it."""
    wire.order("S1", wire.bid, {54: SELL, 38: 300}, OTHER)
    new, invitation = wire.order(cl_ord_id, wire.ask, {38: 5_000, 9702: "Y"})
    assert said([new], 150, 9702) == [("0", "Y")]
    return invitation


class TestConditionals:
    @both_versions
    def test_the_invitation_and_the_firm_order_that_answers(self, dialect: Dialect) -> None:
        wire = Wire(still("dark-a"), dialect)
        invitation = conditional(wire)
        middle = price_to_text((wire.bid + wire.ask) // 2)
        assert said([invitation], 150, 39, 58, 38, 44, 14) == [
            ("4", "4", "FIRMUP", "5000", middle, "0")
        ]
        assert invitation[9705] > invitation[60], "the deadline is later than the invitation"
        firm = {38: 5_000, 9703: invitation[9703]}
        new, fill = wire.order("F1", wire.ask, firm)
        assert said([new, fill], 150, 9703, 14) == [
            ("0", invitation[9703], "0"),
            (fill_type(wire, complete=False), invitation[9703], "300"),
        ]

    def test_an_answer_too_late_is_refused(self) -> None:
        wire = Wire(still("dark-a"))
        invitation = conditional(wire)
        wire.settle(1.0)
        (rejected,) = wire.order("F1", wire.ask, {38: 5_000, 9703: invitation[9703]})
        assert said([rejected], 150, 103) == [("8", "4")]
        assert rejected[58].startswith("J: ")

    @pytest.mark.parametrize(
        "fields", [{9703: "F1"}, {54: SELL}, {55: "BOLT"}, {9702: "Y"}], ids=str
    )
    def test_so_is_one_to_something_else(self, fields: dict[int, object]) -> None:
        wire = Wire(still("dark-a"))
        wire.order("S1", wire.bid, {54: SELL, 38: 300}, OTHER)
        wire.send("D", "C1", {44: price_to_text(wire.ask), 38: 5_000, 9702: "Y"})
        _, invitation = wire.settle(0.1)
        answer = {44: "50", 38: 5_000, 9703: invitation[9703], **fields}
        wire.send("D", "F1", answer)
        (rejected,) = wire.settle(0.1)
        assert rejected[58].startswith("J: no invitation ")

    def test_who_does_not_answer_is_suspended(self) -> None:
        file = still("dark-a")
        file.match.invitations.sample, file.match.invitations.suspend_below_ppm = 2, 500_000
        wire = Wire(file)
        for name in ("C1", "C2"):
            conditional(wire, name)
            wire.send("F", f"X{name}", {41: "S1"}, OTHER)
            wire.settle(1.0)
            wire.desk.venue.state.client(OTHER).ids.clear()
        (rejected,) = wire.order("C3", wire.ask, {38: 5_000, 9702: "Y"})
        assert said([rejected], 150, 103) == [("8", "99")]
        assert rejected[58].startswith("f: ")

    def test_are_day_orders(self) -> None:
        wire = Wire(still("dark-a"))
        (rejected,) = wire.order("C1", wire.ask, {9702: "Y", 59: 3})
        assert rejected[58] == "A: a conditional order is for the day"

    def test_a_restart_knows_the_open_invitation(self) -> None:
        wire = Wire(still("dark-a"))
        wire.order("S1", wire.bid, {54: SELL, 38: 300}, OTHER)
        wire.send("D", "C1", {44: price_to_text(wire.ask), 38: 5_000, 9702: "Y"})
        _, invitation = wire.settle(0.1)
        state = wire.desk.venue.state
        folded = VenueState(state.mic)
        for fact in wire.desk.facts:
            folded.apply(fact)
        codec = fact_codec()
        again = recover(state.mic, encode_image(folded, 0, {}, codec), (), codec).state
        for each in (folded, again):
            assert each.invitations.open == state.invitations.open
            assert each.invitations.conducts == state.invitations.conducts
            assert list(each.invitations.open) == [invitation[9703]]


class TestTheSignalOverThePath:
    def test_knows_more_than_chance_of_where_the_bid_goes(self) -> None:
        """The published weights, over the default market: within two seconds of an alarm the best
        bid has fallen at least twice as often as it does at any time."""
        venue = make_venue(still("exchange-iex"), market())
        path = venue.floors["ACME"].path
        assert isinstance(path, MarketPath)
        quoters = [path.quoters[mic].mic for mic in path.quoters]

        def snapshot(slot: int) -> list[tuple[int, int]]:
            quotes = [path.quote(mic, slot) for mic in quoters]
            return [(quote.bid, quote.ask) for quote in quotes]

        leaders = (quoters.index("XECN"), quoters.index("XLIT"))
        signal = QuoteSignal(SignalSettings(leader_venues=leaders), snapshot, path.slot_ns)
        slots = range(8_000)
        fell = [path.nbbo(slot + 20).bid < path.nbbo(slot).bid for slot in slots]
        alarms = [fell[slot] for slot in slots if signal.unstable(slot * path.slot_ns)[0]]
        assert 20 < len(alarms) < len(slots) // 20
        assert sum(alarms) / len(alarms) > 2 * sum(fell) / len(fell)
