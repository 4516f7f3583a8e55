"""The venue machine: its promises to clients, and that a fold of its facts is its memory."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from sor_gateway.fix.codec import decode, encode
from sor_gateway.fix.dialect import FIX42, FIX44
from sor_gateway.fix.dictionary import load_packaged
from sor_gateway.journal.record import Entry, Record
from tests.venue_sims.helpers import (
    SECOND,
    SOR,
    START,
    Desk,
    fix_of,
    make_venue,
    market,
    terms,
    venue_file,
)
from venue_sims.commands import (
    CancelReceived,
    Command,
    MassCancelReceived,
    MassStatusReceived,
    OrderReceived,
    OrderUnusable,
    ReplaceReceived,
    StatusReceived,
)
from venue_sims.matching.crossing import Improvement
from venue_sims.matching.orders import Lifetime, Manner, Side
from venue_sims.matching.rules import SelfMatch
from venue_sims.recovery import Recovered, encode_image, fact_codec, fold, recover
from venue_sims.reports import Report
from venue_sims.state import VenueState
from venue_sims.translate import to_message
from venue_sims.words import PEG_KINDS, Capacity, Liquidity, OrdType, Reason, ReportKind, State

BUY, SELL = Capacity.BUY, Capacity.SELL
DOLLAR = 1_000_000


@pytest.fixture
def exchange() -> Desk:
    return Desk(make_venue(venue_file("exchange", quiet=True), market()))


@pytest.fixture
def dark() -> Desk:
    return Desk(make_venue(venue_file("dark-a", quiet=True), market()))


def touch(desk: Desk, side: Side) -> int:
    price = desk.venue.floors["ACME"].matcher.best(side)
    assert price is not None
    return price


class TestOrders:
    def test_first_new_then_fills(self, exchange: Desk) -> None:
        reports = exchange.order(terms("C1", SELL, 100, 49 * DOLLAR))
        assert [report.kind for report in reports] == [ReportKind.NEW, ReportKind.TRADE]
        new, fill = reports
        assert (new.state, new.cum_quantity, new.leaves) == (State.NEW, 0, 100)
        assert (fill.state, fill.cum_quantity, fill.leaves) == (State.FILLED, 100, 0)
        assert fill.liquidity is Liquidity.REMOVED
        assert fill.fee_micros == 280_000

    def test_a_resting_order_earns_the_rebate(self, exchange: Desk) -> None:
        """It queues behind the house at the bid; a seller takes the house's shares first."""
        price, shares, _ = exchange.venue.floors["ACME"].matcher.depth(Side.BUY, 1)[0]
        exchange.send(OrderReceived(SOR, exchange.now, terms("C1", BUY, 100, price)))
        exchange.send(OrderReceived(SOR, exchange.now, terms("C2", SELL, shares + 100, price)))
        trades = [r for r in exchange.settle() if r.kind is ReportKind.TRADE]
        resting = next(r for r in trades if r.terms.cl_ord_id == "C1")
        taking = next(r for r in reversed(trades) if r.terms.cl_ord_id == "C2")
        assert (resting.liquidity, resting.fee_micros) == (Liquidity.ADDED, -180_000)
        assert (taking.liquidity, taking.fee_micros) == (Liquidity.REMOVED, 280_000)
        assert (taking.last_quantity, taking.state) == (100, State.FILLED)
        assert resting.last_price == taking.last_price == price

    def test_ioc_remainder_is_canceled_with_a_reason(self, exchange: Desk) -> None:
        order = terms("C1", BUY, 100, 40 * DOLLAR)
        order.lifetime = Lifetime.IOC
        new, canceled = exchange.order(order)
        assert (new.kind, canceled.kind) == (ReportKind.NEW, ReportKind.CANCELED)
        assert (canceled.state, canceled.leaves) == (State.CANCELED, 0)
        assert canceled.text.startswith("N: ")

    def test_a_market_order_sweeps(self, exchange: Desk) -> None:
        reports = exchange.order(terms("C1", SELL, 5_000, None))
        prices = [r.last_price for r in reports if r.kind is ReportKind.TRADE]
        assert len(set(prices)) > 1
        assert prices == sorted(prices, reverse=True)
        assert reports[-1].cum_value_micros == sum(
            r.last_price * r.last_quantity for r in reports if r.kind is ReportKind.TRADE
        )

    def test_a_duplicate_is_refused_and_touches_nothing(self, exchange: Desk) -> None:
        exchange.order(terms("C1", BUY, 100, 40 * DOLLAR))
        (again,) = exchange.order(terms("C1", BUY, 300, 40 * DOLLAR))
        assert (again.kind, again.reason) == (ReportKind.REJECTED, Reason.DUPLICATE)
        order = exchange.venue.state.order_meant(SOR, "C1")
        assert order is not None
        assert (order.terms.quantity, order.state) == (100, State.NEW)

    def test_sent_again_with_97_is_answered_with_its_status(self, exchange: Desk) -> None:
        exchange.order(terms("C1", BUY, 100, 40 * DOLLAR))
        (status,) = exchange.order(terms("C1", BUY, 100, 40 * DOLLAR), poss_resend=True)
        assert (status.kind, status.state) == (ReportKind.STATUS, State.NEW)

    @pytest.mark.parametrize(
        ("change", "reason", "code", "code_42"),
        [
            ({"symbol": "NONE"}, Reason.UNKNOWN_SYMBOL, "1", "1"),
            ({"quantity": 0}, Reason.BAD_QUANTITY, "13", "0"),
            ({"quantity": 1_000_001}, Reason.EXCEEDS_LIMIT, "3", "3"),
            ({"price": 40_001_000}, Reason.PRICE_INCREMENT, "99", "0"),
            ({"price": None}, Reason.UNSUPPORTED, "11", "0"),
            ({"ord_type": OrdType.DISCRETIONARY_PEG}, Reason.UNSUPPORTED, "11", "0"),
            ({"price": 60 * DOLLAR, "manner": Manner.POST_ONLY}, Reason.POST_ONLY, "99", "0"),
        ],
    )
    def test_refusals_by_the_book(
        self,
        exchange: Desk,
        change: dict[str, object],
        reason: Reason,
        code: str,
        code_42: str,
    ) -> None:
        order = terms("C1", BUY, 100, 40 * DOLLAR)
        for name, value in change.items():
            setattr(order, name, value)
        (rejected,) = exchange.order(order)
        assert (rejected.kind, rejected.state, rejected.reason) == (
            ReportKind.REJECTED,
            State.REJECTED,
            reason,
        )
        assert rejected.text[1:3] == ": "
        assert dict(to_message(rejected, FIX44, "XLIT")[1])[103] == code
        assert dict(to_message(rejected, FIX42, "XLIT")[1])[103] == code_42


class TestRequests:
    def test_fills_come_before_the_cancel_reject_that_they_cause(self, exchange: Desk) -> None:
        exchange.send(OrderReceived(SOR, exchange.now, terms("C1", SELL, 100, 49 * DOLLAR)))
        exchange.send(CancelReceived(SOR, exchange.now, "X1", "C1"))
        kinds = [report.kind for report in exchange.settle()]
        assert kinds == [ReportKind.NEW, ReportKind.TRADE, ReportKind.CANCEL_REFUSED]

    def test_fills_carry_the_original_id_until_a_replace_is_accepted(self, exchange: Desk) -> None:
        exchange.order(terms("C1", SELL, 300, 60 * DOLLAR))
        best = touch(exchange, Side.BUY)
        exchange.send(ReplaceReceived(SOR, exchange.now, "G1", "C1", "ACME", 300, best))
        replaced, *fills = exchange.settle()
        assert (replaced.kind, replaced.terms.cl_ord_id, replaced.orig_cl_ord_id) == (
            ReportKind.REPLACED,
            "G1",
            "C1",
        )
        assert fills
        assert {fill.terms.cl_ord_id for fill in fills} == {"G1"}

    def test_a_replace_down_to_what_is_done_fills_the_order(self, exchange: Desk) -> None:
        book = exchange.venue.floors["ACME"].matcher
        best = touch(exchange, Side.BUY)
        there = book.depth(Side.BUY, 1)[0][1]
        exchange.order(terms("C1", SELL, there + 1_000, best))
        order = exchange.venue.state.order_meant(SOR, "C1")
        assert order is not None
        done = order.cum_quantity
        assert 0 < done < there + 1_000
        exchange.send(ReplaceReceived(SOR, exchange.now, "G1", "C1", "ACME", 1, best))
        (replaced,) = exchange.settle(0.5)
        assert (replaced.state, replaced.terms.quantity, replaced.leaves) == (State.FILLED, done, 0)

    def test_unknown_late_duplicate_and_stale_ids(self, exchange: Desk) -> None:
        exchange.order(terms("C1", BUY, 100, 40 * DOLLAR))
        exchange.send(CancelReceived(SOR, exchange.now, "X1", "C7"))
        exchange.send(CancelReceived(SOR, exchange.now, "X1", "C1"))
        exchange.send(ReplaceReceived(SOR, exchange.now, "G1", "C1", "ACME", 90, 40 * DOLLAR))
        exchange.send(CancelReceived(SOR, exchange.now, "X2", "C1"))
        exchange.send(CancelReceived(SOR, exchange.now, "X3", "G1"))
        exchange.send(CancelReceived(SOR, exchange.now, "X4", "G1"))
        reports = exchange.settle()
        said = [(r.kind, r.reason) for r in reports]
        assert said == [
            (ReportKind.CANCEL_REFUSED, Reason.UNKNOWN_ORDER),
            (ReportKind.CANCEL_REFUSED, Reason.DUPLICATE),
            (ReportKind.REPLACED, None),
            (ReportKind.CANCEL_REFUSED, Reason.UNKNOWN_ORDER),
            (ReportKind.CANCELED, None),
            (ReportKind.CANCEL_REFUSED, Reason.TOO_LATE),
        ]
        codes = [fix_of(r).get(102) for r in reports if r.kind is ReportKind.CANCEL_REFUSED]
        assert codes == ["1", "6", "1", "0"]
        codes_42 = [
            dict(to_message(r, FIX42, "XLIT")[1]).get(102)
            for r in reports
            if r.kind is ReportKind.CANCEL_REFUSED
        ]
        assert codes_42 == ["1", "2", "1", "0"]

    def test_a_status_request_is_answered_behind_every_order_before_it(
        self, exchange: Desk
    ) -> None:
        exchange.send(OrderReceived(SOR, exchange.now, terms("C1", BUY, 100, 40 * DOLLAR)))
        exchange.send(StatusReceived(SOR, exchange.now, "C1", status_id="Q1"))
        exchange.send(StatusReceived(SOR, exchange.now, "C2", status_id="Q2"))
        new, known, unknown = exchange.settle()
        assert (new.kind, known.kind) == (ReportKind.NEW, ReportKind.STATUS)
        assert (known.state, known.status_id) == (State.NEW, "Q1")
        assert (unknown.kind, unknown.status_id) == (ReportKind.UNKNOWN, "Q2")

    def test_after_a_cancel_a_status_goes_by_the_orders_own_id(self, exchange: Desk) -> None:
        exchange.order(terms("C1", BUY, 100, 40 * DOLLAR))
        exchange.send(CancelReceived(SOR, exchange.now, "X1", "C1"))
        exchange.send(StatusReceived(SOR, exchange.now, "C1"))
        canceled, status = exchange.settle()
        assert (canceled.terms.cl_ord_id, canceled.orig_cl_ord_id) == ("X1", "C1")
        assert (status.terms.cl_ord_id, status.state) == ("C1", State.CANCELED)

    def test_mass_cancel_takes_what_it_means(self, exchange: Desk) -> None:
        exchange.order(terms("C1", BUY, 100, 40 * DOLLAR))
        exchange.order(terms("C2", SELL, 100, 60 * DOLLAR))
        other = terms("C3", BUY, 100, 40 * DOLLAR)
        other.symbol = "BOLT"
        exchange.order(other)
        exchange.send(MassCancelReceived(SOR, exchange.now, "Q1", "ACME", BUY))
        summary, canceled = exchange.settle()
        assert summary.affected_cl_ord_ids == ["C1"]
        assert (canceled.kind, canceled.terms.cl_ord_id) == (ReportKind.CANCELED, "C1")
        exchange.send(MassCancelReceived(SOR, exchange.now, "Q2"))
        assert len(exchange.settle()) == 3


class TestLatency:
    def test_nothing_overtakes_and_nothing_leaves_at_once(self, exchange: Desk) -> None:
        venue, sent_at = exchange.venue, exchange.now
        for number in range(200):
            venue.receive(
                OrderReceived(SOR, sent_at, terms(f"C{number}", BUY, 100, 40 * DOLLAR)), sent_at
            )
        assert venue.due_report(SOR, sent_at) is None
        reports = exchange.settle()
        assert [r.terms.cl_ord_id for r in reports] == [f"C{n}" for n in range(200)]
        assert [r.due_ns for r in reports] == sorted(r.due_ns for r in reports)
        assert min(r.at_ns for r in reports) > sent_at

    def test_how_often_the_venue_is_woken_does_not_matter(self) -> None:
        outcomes = []
        for step_ns in (SECOND, 1_300_000):
            desk = Desk(make_venue(venue_file("exchange"), market(scale=60)))
            desk.send(OrderReceived(SOR, desk.now, terms("C1", SELL, 5_000, 49 * DOLLAR)))
            desk.send(OrderReceived(SOR, desk.now, terms("C2", SELL, 400, touch(desk, Side.SELL))))
            end, facts = START + SECOND, []
            while desk.now < end:
                desk.now = min(end, desk.now + step_ns)
                desk.venue.advance(desk.now)
                facts += desk.venue.take_facts()
            outcomes.append(facts)
        assert outcomes[0] == outcomes[1]
        assert len(outcomes[0]) > 4


class TestDark:
    def test_a_peg_trades_with_the_latent_buyer_at_the_nbbo_midpoint(self) -> None:
        desk = Desk(make_venue(venue_file("dark-a"), market()))
        order = terms("C1", SELL, 500, 49 * DOLLAR)
        order.ord_type = OrdType.MID_PEG
        reports = desk.order(order)
        fills = [r for r in reports if r.kind is ReportKind.TRADE]
        assert sum(fill.last_quantity for fill in fills) == 500
        floor = desk.venue.floors["ACME"]
        for fill in fills:
            quote = floor.nbbo(desk.venue.clock.market(fill.at_ns))
            assert fill.last_price == (quote.bid + quote.ask) // 2
            assert fill.liquidity is Liquidity.MIDPOINT
            assert fill.fee_micros == 1_500 * fill.last_quantity

    def test_two_clients_orders_cross(self, dark: Desk) -> None:
        dark.order(terms("C1", BUY, 300, 60 * DOLLAR))
        reports = dark.order(terms("C2", SELL, 200, 40 * DOLLAR))
        trades = [r for r in reports if r.kind is ReportKind.TRADE]
        assert {r.terms.cl_ord_id for r in trades} == {"C1", "C2"}
        assert len({r.exec_id for r in trades}) == 2

    def test_a_limit_waits_for_the_midpoint_to_come(self) -> None:
        desk = Desk(make_venue(venue_file("dark-a", quiet=True), market(scale=60)))
        floor = desk.venue.floors["ACME"]
        quote = floor.nbbo(desk.venue.clock.market(desk.now))
        desk.order(terms("C1", BUY, 100, quote.bid - 20_000))
        reports = desk.order(terms("C2", SELL, 100, 40 * DOLLAR))
        for _ in range(600):
            reports += desk.settle(0.1)
            if any(r.kind is ReportKind.TRADE for r in reports):
                break
        trade = next(r for r in reports if r.kind is ReportKind.TRADE)
        assert trade.last_price <= quote.bid - 20_000


def random_command(draw: random.Random, number: int, now: int, seen: list[str]) -> Command:
    """Anything a client might send, sense and nonsense."""
    choice, new_id = draw.random(), f"R{number}"
    if not seen or choice < 0.5:
        limit = draw.choice([None, *(price * 10_000 for price in range(4_960, 5_060, 5))])
        order = terms(new_id, draw.choice([BUY, SELL]), draw.randint(1, 2_000), limit)
        order.lifetime = draw.choice(list(Lifetime))
        order.min_qty = draw.choice([0, 0, 0, 100])
        if draw.random() < 0.3:
            order.ord_type = draw.choice(list(PEG_KINDS))
            order.peg_offset = draw.choice([0, 0, 10_000, -10_000, 3])
        if draw.random() < 0.4:
            order.manner = draw.choice(list(Manner))
            order.lifetime = Lifetime.IOC if order.manner is Manner.ISO else Lifetime.DAY
        order.max_floor = draw.choice([0, 0, 0, 100, 200, 150])
        order.firm_up_id = draw.choice(["", "", "", "FXNONE"])
        if draw.random() < 0.1:
            order.price, order.ord_type = 50_000_001, OrdType.LIMIT
        order.hidden = draw.random() < 0.1
        order.self_match_id = draw.choice(["", "", "S"])
        if draw.random() < 0.05 and seen:
            order.cl_ord_id = draw.choice(seen)
        return OrderReceived(SOR, now, order, poss_resend=draw.random() < 0.3)
    old_id = draw.choice(seen)
    if choice < 0.52:
        return OrderUnusable(SOR, now, terms(new_id, BUY, 0, None), Reason.UNSUPPORTED, "x")
    if choice < 0.70:
        if draw.random() < 0.1:
            new_id = draw.choice(seen)
        return CancelReceived(SOR, now, new_id, old_id, "ACME")
    if choice < 0.88:
        price = draw.choice([None, *(price * 10_000 for price in range(4_960, 5_060, 5))])
        replace = ReplaceReceived(SOR, now, new_id, old_id, "ACME", draw.randint(0, 2_000), price)
        replace.max_floor = draw.choice([None, None, 0, 100])
        replace.manner = draw.choice([None, None, Manner.PLAIN, Manner.POST_ONLY])
        return replace
    if choice < 0.98:
        return StatusReceived(
            SOR, now, draw.choice([old_id, "UNKNOWN"]), status_id=new_id, symbol="ACME"
        )
    return MassCancelReceived(SOR, now, new_id, draw.choice(["", "ACME"]), unsupported="")


class Invariants:
    """venues.md 4.2, checked on every report as it leaves."""

    def __init__(self) -> None:
        self.exec_ids: set[str] = set()
        self.cum: dict[str, int] = {}
        self.value: dict[str, int] = {}
        self.answers: Counter[str] = Counter()

    def check(self, report: Report) -> None:
        assert report.exec_id not in self.exec_ids
        self.exec_ids.add(report.exec_id)
        order, quantity = report.order_id, report.terms.quantity
        if report.kind is ReportKind.TRADE:
            self.cum[order] = self.cum.get(order, 0) + report.last_quantity
            value = report.last_quantity * report.last_price
            self.value[order] = self.value.get(order, 0) + value
            assert report.cum_quantity == self.cum[order]
            assert report.cum_value_micros == self.value[order]
            limit = report.terms.price
            if limit is not None:
                buys = report.terms.capacity is BUY
                assert report.last_price <= limit if buys else report.last_price >= limit
        if order != "NONE" and report.kind is not ReportKind.MASS_CANCELED:
            assert report.cum_quantity == self.cum.get(order, 0)
            if report.state in (State.NEW, State.PARTIALLY_FILLED):
                assert report.leaves + report.cum_quantity == quantity
            else:
                assert report.leaves == 0
        if report.kind not in (ReportKind.TRADE, ReportKind.EXPIRED, ReportKind.RESTATED):
            self.answers[report.terms.cl_ord_id] += report.kind is not ReportKind.CANCELED or bool(
                report.orig_cl_ord_id
            )


def run_random(name: str, seed: int, count: int) -> tuple[Desk, list[Command], Invariants]:
    draw, checker, file = random.Random(seed), Invariants(), venue_file(name)
    file.match.self_match = draw.choice(list(SelfMatch))
    file.match.slide, file.match.protect = draw.random() < 0.5, draw.random() < 0.5
    file.match.improvement = draw.choice(list(Improvement))
    desk = Desk(make_venue(file, market(seed, scale=60)))
    seen: list[str] = []
    sent: list[Command] = []
    for number in range(count):
        command = random_command(draw, number, desk.now, seen)
        sent.append(command)
        if isinstance(command, OrderReceived):
            seen.append(command.terms.cl_ord_id)
        elif isinstance(command, ReplaceReceived):
            seen.append(command.cl_ord_id)
        desk.send(command)
        for report in desk.settle(draw.choice([0.0, 0.0005, 0.01])):
            checker.check(report)
    for report in desk.settle(5.0):
        checker.check(report)
    return desk, sent, checker


@pytest.mark.parametrize("name", ["exchange-iex", "dark-a"])
@pytest.mark.parametrize("seed", [1, 2, 3])
class TestUnderRandomStreams:
    def test_every_command_is_answered_exactly_once_and_all_invariants_hold(
        self, name: str, seed: int
    ) -> None:
        desk, sent, checker = run_random(name, seed, 1_200)
        state = desk.venue.state
        assert not state.client(SOR).inbound
        assert not state.client(SOR).outbox
        expected: Counter[str] = Counter()
        for command in sent:
            if isinstance(command, OrderReceived | OrderUnusable):
                expected[command.terms.cl_ord_id] += 1
            elif not isinstance(command, StatusReceived | MassStatusReceived):
                expected[command.cl_ord_id] += 1
        # A status answer goes by the order's own id, so statuses are counted as a whole.
        statuses = sum(isinstance(command, StatusReceived) for command in sent)
        assert sum(checker.answers.values()) == sum(expected.values()) + statuses
        resting = desk.venue.floors["ACME"].matcher.orders
        for order in state.orders.values():
            assert order.live == (order.order_id in resting), order
            if order.live:
                rests = resting[order.order_id]
                assert (rests.quantity, rests.price) == (order.leaves, order.terms.price)

    def test_the_fold_of_the_journal_is_the_live_state(self, name: str, seed: int) -> None:
        desk = Desk(make_venue(venue_file(name), market(seed, scale=60)))
        codec, draw = fact_codec(), random.Random(seed)
        seen: list[str] = []
        recovered = Recovered(VenueState(desk.venue.settings.mic))
        sent_number = 0
        for number in range(400):
            command = random_command(draw, number, desk.now, seen)
            if isinstance(command, OrderReceived):
                seen.append(command.terms.cl_ord_id)
            desk.send(command)
            reports = desk.settle(draw.choice([0.0, 0.0005, 0.01]))
            entries = []
            for report in reports:
                sent_number += 1
                entries.append(Entry(SOR, 1, True, sent_number, "8", str(report.number), b""))
            facts, desk.facts = desk.facts, []
            record = Record(number + 1, desk.now, entries, [codec.encode(f) for f in facts])
            fold(recovered, record, codec)
            if number == 200:
                image = encode_image(recovered.state, number, recovered.numbers, codec)
                recovered = recover(desk.venue.settings.mic, image, (), codec)
        live = encode_image(desk.venue.state, 0, {}, codec)
        assert encode_image(recovered.state, 0, {}, codec) == live
        assert recovered.numbers[SOR].next_out == sent_number + 1

    def test_a_restarted_venue_rests_the_same_orders_in_the_same_order(
        self, name: str, seed: int
    ) -> None:
        desk, _, _ = run_random(name, seed, 300)
        for number, price in enumerate((40, 40, 39, 41, 40)):
            desk.order(terms(f"B{number}", BUY, 100 + number, price * DOLLAR))
        desk.send(ReplaceReceived(SOR, desk.now, "B9", "B0", "ACME", 900, 40 * DOLLAR))
        desk.settle()

        def clients(of: Desk) -> list[tuple[Side, str, int]]:
            matcher = of.venue.floors["ACME"].matcher
            return [
                (side, order.order_id, order.quantity)
                for side in Side
                for order in matcher.queue(side)
                if ":" not in order.order_id
            ]

        codec = fact_codec()
        image = encode_image(desk.venue.state, 0, {}, codec)
        again = recover(desk.venue.settings.mic, image, (), codec)
        settings = market(seed, scale=60)
        quiet = venue_file(name, quiet=True)
        venue = make_venue(quiet, settings, again.state)
        venue.start(desk.now)
        restored = [
            (side, order.order_id, order.quantity)
            for side in Side
            for order in venue.floors["ACME"].matcher.queue(side)
        ]
        assert restored == clients(desk)


@pytest.mark.parametrize("name", ["exchange-iex", "dark-a"])
class TestOnTheWire:
    @pytest.mark.parametrize("dialect", [FIX44, FIX42])
    def test_every_report_passes_the_published_dictionary(self, name: str, dialect: object) -> None:
        assert dialect in (FIX44, FIX42)
        chosen = FIX44 if dialect is FIX44 else FIX42
        dictionary = load_packaged(chosen.begin_string)
        desk = Desk(make_venue(venue_file(name), market(5, scale=60)))
        draw, kinds = random.Random(5), set()
        seen: list[str] = []
        header = [(34, "1"), (49, "X"), (52, "20260101-00:00:00.000"), (56, "SOR")]
        for number in range(500):
            command = random_command(draw, number, desk.now, seen)
            if chosen is FIX42 and isinstance(command, MassCancelReceived):
                continue
            if isinstance(command, OrderReceived):
                seen.append(command.terms.cl_ord_id)
            desk.send(command)
            for report in desk.settle(0.01):
                msg_type, body = to_message(report, chosen, "XLIT")
                raw = encode(chosen.begin_string, msg_type, header, body)
                assert dictionary.validate(decode(raw)) is None
                kinds.add(report.kind)
        assert len(kinds) >= 7
