"""Halts, lost clients, and what an operator changes at a running venue."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sor_gateway.fix.dialect import FIX42, FIX44
from sor_gateway.journal.record import Entry, Record
from sor_gateway.journal.segments import Journal
from tests.venue_sims.helpers import SOR, Desk, make_venue, market, terms, venue_file
from tests.venue_sims.raw_client import PATIENCE_S, RawClient
from tests.venue_sims.test_server import Running, running
from tests.venue_sims.test_venue import Invariants, random_command
from venue_sims.commands import CancelReceived, OrderReceived, ReplaceReceived
from venue_sims.facts import Executed, Operated
from venue_sims.faults.orders import RejectStormSettings
from venue_sims.matching.orders import Side
from venue_sims.recovery import Recovered, encode_image, fact_codec, fold, recover
from venue_sims.state import VenueState
from venue_sims.translate import to_message
from venue_sims.words import Capacity, OrdType, Reason, ReportKind, State

BUY, SELL = Capacity.BUY, Capacity.SELL
DOLLAR = 1_000_000


class TestHalt:
    @pytest.fixture
    def desk(self) -> Desk:
        return Desk(make_venue(venue_file("exchange"), market(scale=60)))

    def test_nothing_comes_in_but_what_is_there_can_leave(self, desk: Desk) -> None:
        desk.order(terms("C1", SELL, 100, 60 * DOLLAR))
        desk.order(terms("C2", SELL, 100, 60 * DOLLAR))
        desk.venue.halt("ACME", "news", desk.now)
        (rejected,) = desk.order(terms("C3", SELL, 100, 60 * DOLLAR))
        assert (rejected.kind, rejected.reason) == (ReportKind.REJECTED, Reason.HALTED)
        assert rejected.text == "H: ACME is halted: news"
        assert dict(to_message(rejected, FIX44, "XLIT")[1])[103] == "2"
        assert dict(to_message(rejected, FIX42, "XLIT")[1])[103] == "2"
        desk.send(ReplaceReceived(SOR, desk.now, "G1", "C1", "ACME", 50, 60 * DOLLAR))
        desk.send(CancelReceived(SOR, desk.now, "X2", "C2"))
        refused, canceled = desk.settle()
        assert (refused.kind, refused.reason) == (ReportKind.REPLACE_REFUSED, Reason.HALTED)
        assert canceled.kind is ReportKind.CANCELED
        other = terms("C4", SELL, 100, 60 * DOLLAR)
        other.symbol = "BOLT"
        assert desk.order(other)[0].kind is ReportKind.NEW

    def test_the_house_leaves_and_comes_back(self, desk: Desk) -> None:
        matcher = desk.venue.floors["ACME"].matcher
        desk.order(terms("C1", SELL, 100, 60 * DOLLAR))
        desk.venue.take_changed()
        desk.venue.halt("ACME", "news", desk.now)
        assert desk.venue.take_changed() == ["ACME"]
        for _ in range(20):
            desk.settle(10)
            assert matcher.depth(Side.BUY, 10) == []
            assert matcher.depth(Side.SELL, 10) == [(60 * DOLLAR, 100, 1)]
        desk.venue.resume("ACME", desk.now)
        desk.settle(1)
        assert len(matcher.depth(Side.BUY, 10)) == 10
        assert desk.order(terms("C2", SELL, 100, 49 * DOLLAR))[-1].state is State.FILLED

    def test_the_dark_does_not_cross_while_the_market_moves(self) -> None:
        desk = Desk(make_venue(venue_file("dark-a"), market(scale=60)))
        desk.venue.halt("ACME", "news", desk.now)
        for name in ("C1", "C2"):
            peg = terms(name, SELL if name == "C1" else BUY, 500, None)
            peg.ord_type = OrdType.MID_PEG
            assert desk.order(peg)[0].reason is Reason.HALTED
        desk.venue.resume("ACME", desk.now)
        peg = terms("C3", SELL, 500, None)
        peg.ord_type = OrdType.MID_PEG
        reports = desk.order(peg) + desk.settle(60)
        assert reports[-1].state is State.FILLED, "the natural buyer is back"

    def test_a_restart_does_not_resume(self, desk: Desk) -> None:
        desk.order(terms("C1", SELL, 100, 60 * DOLLAR))
        desk.venue.halt("ACME", "news", desk.now)
        codec = fact_codec()
        image = encode_image(desk.venue.state, 1, {}, codec)
        state = recover("XLIT", image, (), codec).state
        again = Desk(make_venue(venue_file("exchange"), market(scale=60), state), desk.now)
        assert again.order(terms("C2", SELL, 100, 60 * DOLLAR))[0].reason is Reason.HALTED
        again.send(CancelReceived(SOR, again.now, "X1", "C1"))
        assert again.settle()[0].kind is ReportKind.CANCELED


class TestCancelOnDisconnect:
    def desk(self, *, cod: bool, grace_s: float = 0.0) -> Desk:
        file = venue_file("exchange", quiet=True)
        file.cod, file.grace_ns = cod, int(grace_s * 10**9)
        desk = Desk(make_venue(file, market()))
        desk.venue.connected(SOR, desk.now)
        desk.order(terms("C1", BUY, 100, 40 * DOLLAR))
        return desk

    def test_is_off_by_default(self) -> None:
        desk = self.desk(cod=venue_file("exchange").cod)
        desk.venue.lost(SOR, desk.now)
        assert desk.settle(100) == []
        assert desk.venue.next_report_ns(SOR) is None

    def test_takes_out_what_rests_and_nobody_elses(self) -> None:
        desk = self.desk(cod=True)
        desk.send(OrderReceived("OTHER", desk.now, terms("C1", BUY, 100, 40 * DOLLAR)))
        desk.settle()
        desk.venue.lost(SOR, desk.now)
        (canceled,) = desk.settle()
        assert (canceled.kind, canceled.state) == (ReportKind.CANCELED, State.CANCELED)
        assert canceled.text.startswith("z: ")
        assert [order.session for order in desk.venue.state.live_orders()] == ["OTHER"]

    def test_a_client_that_is_back_in_time_keeps_its_orders(self) -> None:
        desk = self.desk(cod=True, grace_s=5.0)
        desk.venue.lost(SOR, desk.now)
        assert desk.settle(4.9) == []
        desk.venue.connected(SOR, desk.now)
        assert desk.settle(100) == []
        desk.venue.lost(SOR, desk.now)
        assert desk.venue.next_deadline() is not None
        assert len(desk.settle(5.5)) == 1

    def test_who_is_back_while_a_message_is_under_way_is_too_late_all_the_same(self) -> None:
        desk = self.desk(cod=True)
        desk.send(OrderReceived(SOR, desk.now, terms("C2", BUY, 100, 40 * DOLLAR)))
        desk.venue.lost(SOR, desk.now)
        desk.now += 1
        desk.venue.connected(SOR, desk.now)
        states = [report.state for report in desk.settle()]
        assert states == [State.NEW, State.CANCELED, State.CANCELED]
        assert desk.order(terms("C3", BUY, 100, 40 * DOLLAR))[0].state is State.NEW
        assert desk.settle(100) == []

    def test_an_order_that_was_under_way_goes_too(self) -> None:
        desk = self.desk(cod=True)
        desk.send(OrderReceived(SOR, desk.now, terms("C2", BUY, 100, 40 * DOLLAR)))
        desk.venue.lost(SOR, desk.now)
        kinds = [report.kind for report in desk.settle()]
        assert kinds == [ReportKind.NEW, ReportKind.CANCELED, ReportKind.CANCELED]

    async def test_over_a_real_line_the_reports_wait_for_the_client(self, tmp_path: Path) -> None:
        async with running("exchange", tmp_path, quiet=True, cod=True) as venue:
            client = RawClient("SOR", "EXCH")
            await client.connect(venue.port)
            client.order("C1", (54, 1), (38, 500), (40, 2), (44, "40.00"))
            await client.report("C1", "0")
            await client.close()
            await client.connect(venue.port)
            canceled = await client.report("C1", "4")
            assert (canceled[39], canceled[151]) == ("4", "0")
            assert canceled[58].startswith("z: ")
            await client.close()


class Operator:
    """Meddles at random with a venue in which cancel on disconnect is the rule."""

    def __init__(self, desk: Desk, draw: random.Random) -> None:
        self.desk = desk
        self.draw = draw
        self.done: Counter[str] = Counter()

    def act(self) -> None:
        venue, now = self.desk.venue, self.desk.now
        halted = "ACME" in venue.state.halted
        choice = self.draw.choice(["halt", "lost", "connected", "cancel", "throttle", "fade"])
        if choice == "halt" and halted:
            choice = "resume"
            venue.resume("ACME", now)
        elif choice == "halt":
            venue.halt("ACME", "at random", now)
        elif choice == "lost":
            venue.lost(SOR, now)
        elif choice == "connected":
            venue.connected(SOR, now)
        elif choice == "cancel":
            for order in venue.state.live_orders()[:1]:
                venue.cancel(order.order_id, "U: at random", now)
        elif choice == "throttle":
            venue.throttle.settings.msgs = self.draw.choice([0, 0, 3, 20])
        else:
            for floor in venue.floors.values():
                if floor.fade is not None:
                    floor.fade.settings.p = self.draw.random()
        self.done[choice] += 1


@pytest.mark.parametrize("name", ["dark-b", "inverted"])
def test_whatever_an_operator_does_no_promise_is_broken(name: str) -> None:
    """Every command answered once, books and memory agree, nothing trades in a halt, and the fold
    of the facts is the memory."""
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    file, draw = venue_file(name), random.Random(seed)
    file.cod, file.grace_ns = True, 20_000_000
    file.faults["reject_storm"] = RejectStormSettings(p=0.05)
    desk = Desk(make_venue(file, market(seed, scale=60)))
    codec, checker, operator = fact_codec(), Invariants(), Operator(desk, draw)
    folded = Recovered(VenueState(file.mic))
    seen: list[str] = []
    for number in range(1_000):
        command = random_command(draw, number, desk.now, seen)
        if isinstance(command, OrderReceived):
            seen.append(command.terms.cl_ord_id)
        if draw.random() < 0.1:
            operator.act()
        desk.send(command)
        desk.facts, before = [], "ACME" in desk.venue.state.halted
        reports = desk.settle(draw.choice([0.0, 0.0005, 0.01]))
        if before:
            assert not any(isinstance(fact, Executed) for fact in desk.facts)
        for report in reports:
            checker.check(report)
        entries = [Entry(SOR, 1, True, 0, "8", str(report.number), b"") for report in reports]
        facts = [codec.encode(fact) for fact in desk.facts]
        fold(folded, Record(number + 1, desk.now, entries, facts), codec)
    state = desk.venue.state
    assert encode_image(folded.state, 0, {}, codec) == encode_image(state, 0, {}, codec)
    desk.settle(5.0)
    assert not state.client(SOR).inbound
    resting = desk.venue.floors["ACME"].matcher.orders
    for order in state.orders.values():
        assert order.live == (order.order_id in resting), order
        assert not order.live or resting[order.order_id].quantity == order.leaves
    assert len(operator.done) == 7


async def until(venue: Running, condition: Any) -> None:
    """Wait for a turn in which something is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.005)


class TestControl:
    async def test_halt_and_resume(self, tmp_path: Path) -> None:
        async with running("exchange", tmp_path, quiet=True) as venue:
            client = RawClient("SOR", "EXCH")
            await client.connect(venue.port)
            control = venue.control
            assert control.answer("halt ACME pending news") == {
                "halting": "ACME",
                "reason": "pending news",
            }
            await until(venue, lambda: control.answer("status")["halted"])
            client.order("C1", (54, 2), (38, 100), (40, 2), (44, "49.00"))
            rejected = await client.report("C1", "8")
            assert (rejected[103], rejected[58]) == ("2", "H: ACME is halted: pending news")
            assert "is halted" in control.answer("halt ACME")["error"]
            control.answer("resume ACME")
            await until(venue, lambda: not control.answer("status")["halted"])
            assert control.answer("resume ACME") == {"error": "ACME is not halted"}
            client.order("C2", (54, 2), (38, 100), (40, 2), (44, "49.00"))
            await client.report("C2", "F")
            await client.close()

    @pytest.mark.parametrize("mode", ["logout", "fin"])
    async def test_disconnect(self, tmp_path: Path, mode: str) -> None:
        async with running("exchange", tmp_path, quiet=True) as venue:
            client = RawClient("SOR", "EXCH")
            await client.connect(venue.port)
            venue.control.answer(f"disconnect SOR-FIX.4.4 {mode}")
            link = venue.server.orders["SOR-FIX.4.4"]
            if mode == "logout":
                logout = await client.expect(lambda m: m[35] == "5")
                assert logout[58] == "disconnected by the venue's operator"
                client.send("5")
            await until(venue, lambda: not link.session.logged_on)
            await client.connect(venue.port)
            await client.close()

    async def test_what_is_set_holds_for_what_comes(self, tmp_path: Path) -> None:
        async with running("exchange", tmp_path, quiet=True) as venue:
            client = RawClient("SOR", "EXCH")
            await client.connect(venue.port)
            control, trading = venue.control, venue.server.venue.trading
            assert control.answer("set fee take=0.0007 add=-0.0001")["take"] == 700
            control.answer("set latency in_us=0 out_us=0")
            control.answer("set fade p=1 frac=1")
            await until(venue, lambda: trading.fees.take == 700)
            assert (trading.fees.mid, trading.fees.cap) == (1_000, 3_000), "others stay"
            assert trading.latency.inbound("SOR-FIX.4.4", 5) == 0
            for floor in venue.server.venue.floors.values():
                assert floor.fade is not None
                assert (floor.fade.settings.p, floor.fade.settings.frac) == (1.0, 1.0)
            client.order("C1", (54, 2), (38, 100), (40, 2), (44, "40.00"))
            assert (await client.report("C1", "F"))[137] == "0.07"
            control.answer("set throttle msgs=1 per_ms=60000")
            await until(venue, lambda: venue.server.venue.throttle.settings.msgs == 1)
            client.order("C2", (54, 2), (38, 100), (40, 2), (44, "49.00"))
            assert (await client.report("C2", "8"))[58].startswith("K: more than 1 orders")
            await client.close()

    @pytest.mark.parametrize(
        ("command", "error"),
        [
            ("set fade q=1", "fade.q: unknown key"),
            ("set fade p=2", "fade.p: "),
            ("set fee take=0.01", "above the access-fee cap"),
            ("set latency in_us=x", "latency.in_us: "),
            ("set weather p=1", "expected: set latency|throttle|fee|fade KEY=VALUE"),
            ("set fade", "expected: set"),
            ("halt NONE", "expected a symbol: ACME"),
            ("disconnect SOR-FIX.4.4 gently", "logout|fin|rst; sessions are SOR-FIX.4.4"),
            ("disconnect NOBODY fin", "sessions are SOR-FIX.4.4"),
            ("cancel X1", "X1 is not a live order"),
        ],
    )
    async def test_a_mistake_is_named_and_changes_nothing(
        self, tmp_path: Path, command: str, error: str
    ) -> None:
        async with running("exchange", tmp_path, quiet=True) as venue:
            assert error in venue.control.answer(command)["error"]
            assert venue.server._operations == []

    async def test_every_change_is_in_the_journal(self, tmp_path: Path) -> None:
        lines = ["halt BOLT news", "resume BOLT", "set throttle msgs=7"]
        async with running("exchange", tmp_path, quiet=True) as venue:
            for line in lines:
                venue.control.answer(line)
                await until(venue, lambda: not venue.server._operations)
        codec, operated = fact_codec(), []
        journal = Journal.open(tmp_path, reserve_bytes=0)
        for record in journal.tail():
            facts = [codec.decode(pair) for pair in record.facts]
            operated += [fact.line for fact in facts if isinstance(fact, Operated)]
        journal.close()
        assert operated == lines

    async def test_help_names_them_all(self, tmp_path: Path) -> None:
        async with running("dark-a", tmp_path) as venue:
            named = {usage.split()[0] for usage in venue.control.answer("help")["commands"]}
            assert named | {"help"} == set(venue.control._commands)
            assert venue.control.answer("set fade p=1") == {"error": "this venue has no fade"}
