"""QuickFIX as the EMS of the real gateway, with two simulated venues behind it, on 4.2 and 4.4.

QuickFIX keeps its own numbers, answers our markers and ResendRequests, and validates every message
with our published dictionary: what it refuses, some EMS out there refuses.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from sor_gateway.stack import Stack
from tests.interop.peer import FOREIGN, Peer, Seen, is_fill

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT: Final = Path(__file__).parents[2]
VENUES: Final = {"dark-a": ("dark", "DRKA"), "exchange": ("exchange", "XLIT")}
CLIENTS: Final = {"FIX.4.2": "EMS42", "FIX.4.4": "EMS"}
STRATEGY_TAGS: Final = {
    "FIX.4.2": "7847=1000 7848={}",
    # QuickFIX's own FIX44.xml ends the list of 847 at 3 and would refuse each report that gives
    # 1000 back; 848 alone says the same.
    "FIX.4.4": "848={}" if FOREIGN else "847=1000 848={}",
}
FAR: Final = "54"
"""A limit at which a sell order works without trading: within the collar, far off the market."""
IOC_TRIES: Final = 20
TERMINAL: Final = ("2", "4", "8", "C")


@dataclass(slots=True)
class Desk:
    """The gateway with its venues, and QuickFIX as its EMS."""

    stack: Stack
    peer: Peer
    ids: int = 0
    orders: list[str] = field(default_factory=list)

    def next_id(self) -> str:
        self.ids += 1
        return f"Q{self.ids:05}"

    def order(
        self, side: str, quantity: int, price: str = "-", tif: str = "0", *, strategy: str = ""
    ) -> str:
        """Send a D for ACME; a price makes it a limit order. Its ClOrdID."""
        cl_ord_id = self.next_id()
        ord_type = "1" if price == "-" else "2"
        wish = STRATEGY_TAGS[self.peer.begin_string].format(strategy) if strategy else ""
        self.peer.tell(f"D {cl_ord_id} ACME {side} {quantity} {ord_type} {price} {tif} {wish}")
        self.orders.append(cl_ord_id)
        return cl_ord_id

    async def working(self, quantity: int = 1_000) -> str:
        """A sell order that is accepted and does not trade."""
        cl_ord_id = self.order("2", quantity, FAR, strategy="lit-sweep")
        await self.peer.report(cl_ord_id, lambda seen: seen[150] == "0", "not accepted")
        return cl_ord_id

    async def ended(self, cl_ord_id: str) -> Seen:
        """The report that ends an order, whichever way."""
        return await self.peer.report(
            cl_ord_id, lambda seen: seen[39] in TERMINAL, f"{cl_ord_id} does not end"
        )

    async def filled(self, cl_ord_id: str, quantity: int) -> None:
        """Wait until an order is filled, then do its sums."""
        last = await self.ended(cl_ord_id)
        assert (last[39], last[14], last[151]) == ("2", str(quantity), "0"), str(last)
        assert check_sums(self.peer, cl_ord_id) == quantity

    async def cancel(self, cl_ord_id: str, side: str = "2", quantity: int = 1_000) -> str:
        """Send an F; its ClOrdID."""
        request = self.next_id()
        self.peer.tell(f"F {request} {cl_ord_id} ACME {side} {quantity}")
        return request

    async def answered(self, cl_ord_id: str, side: str = "2") -> Seen:
        """Ask with H how an order stands; the answer. Proves that the session is in step."""
        known = len(self.peer.taken)
        self.peer.tell(f"H {cl_ord_id} ACME {side}")

        def answers() -> list[Seen]:
            return [seen for seen in self.peer.taken[known:] if self.is_status(seen)]

        await self.peer.until(lambda: bool(answers()), "no answer to the status request")
        return answers()[0]

    def is_status(self, seen: Seen) -> bool:
        """Whether an 8 answers an H: 20=3 on 4.2, 150=I on 4.4 (venues.md 1.6)."""
        if seen.msg_type != "8":
            return False
        return seen[20] == "3" if self.peer.begin_string == "FIX.4.2" else seen[150] == "I"


def check_sums(peer: Peer, cl_ord_id: str) -> int:
    """The running totals of an order's executions; what they come to."""
    shares, value = 0, Decimal(0)
    for fill in peer.fills(cl_ord_id):
        shares += int(fill[32])
        value += int(fill[32]) * Decimal(fill[31])
        average = (value / shares).quantize(Decimal("0.000001"), ROUND_HALF_EVEN)
        assert int(fill[14]) == shares, str(fill)
        assert Decimal(fill[6]) == average, str(fill)
        assert int(fill[151]) in (int(fill[38]) - shares, 0), str(fill)
        assert fill[30] in ("DRKA", "XLIT"), str(fill)
    return shares


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=sorted(CLIENTS))
async def desk(
    request: pytest.FixtureRequest, peer_binary: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Desk]:
    folder = tmp_path_factory.mktemp("interop")
    stack = Stack(folder, ROOT / "config", VENUES)
    client = CLIENTS[request.param]
    peer = Peer(peer_binary, request.param, client, "SOR", stack.port, folder / "quickfix")
    try:
        for name in stack.venues:
            await stack.start_venue(name)
        await stack.start_gateway()
        await stack.ready()
        await peer.start()
        await peer.connect()
        yield Desk(stack, peer)
    finally:
        await peer.stop()
        await stack.stop()


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def nothing_refused(desk: Desk) -> AsyncIterator[None]:
    """After each test: no Reject (3) in any direction, every report taken, none twice unflagged."""
    yield
    peer = desk.peer
    assert [str(seen) for seen in peer.rejects()] == []
    assert peer.errors == []

    def reports(all_seen: list[Seen]) -> set[str]:
        return {seen[17] for seen in all_seen if seen.msg_type == "8"}

    await peer.until(
        lambda: reports(peer.received) <= reports(peer.taken),
        "QuickFIX did not take every report",
    )
    first_seen: set[str] = set()
    for seen in peer.taken:
        if seen.msg_type == "8" and is_fill(seen, peer.begin_string):
            flagged = "Y" in (seen.get(43), seen.get(97))
            assert flagged or seen[17] not in first_seen, f"twice, unflagged: {seen}"
            first_seen.add(seen[17])


class TestOrders:
    async def test_a_limit_order_is_filled_to_the_share(self, desk: Desk) -> None:
        order = desk.order("2", 1_500, "49", strategy="lit-sweep")
        await desk.filled(order, 1_500)
        first = desk.peer.reports(order)[0]
        assert (first[150], first[39], first[14], first[151]) == ("0", "0", "0", "1500")

    async def test_a_market_order_goes_dark_then_lit_and_is_filled(self, desk: Desk) -> None:
        order = desk.order("1", 800)
        await desk.filled(order, 800)
        assert 44 not in desk.peer.reports(order)[0].by_tag

    async def test_an_ioc_takes_what_is_there_and_ends(self, desk: Desk) -> None:
        for _ in range(IOC_TRIES):  # the market may step away before the child is there
            order = desk.order("2", 300, "49", "3", strategy="lit-sweep")
            last = await desk.ended(order)
            assert last[39] in ("2", "4", "C")
            assert (int(last[14]), last[151]) == (check_sums(desk.peer, order), "0")
            if last[14] != "0":
                break
        else:
            pytest.fail(f"{IOC_TRIES} IOC orders at the market, and none traded")

    async def test_an_ioc_off_the_market_ends_without_a_fill(self, desk: Desk) -> None:
        order = desk.order("2", 300, FAR, "3", strategy="lit-sweep")
        last = await desk.ended(order)
        assert last[39] in ("4", "C")
        assert (last[14], last[151]) == ("0", "0")
        assert desk.peer.fills(order) == []

    async def test_fills_say_where_and_at_what_cost(self, desk: Desk) -> None:
        order = desk.order("2", 200, "49", strategy="lit-sweep")
        await desk.filled(order, 200)
        for fill in desk.peer.fills(order):
            assert fill[30] == "XLIT"
            fee = int(fill[32]) * Decimal("0.0028")  # what the exchange asks of a taker
            if desk.peer.begin_string == "FIX.4.2":
                assert (fill[9730], fill[13], Decimal(fill[12])) == ("R", "3", fee)
            else:
                assert (fill[851], Decimal(fill[137])) == ("2", fee)
                assert [fill[tag] for tag in (136, 138, 139)] == ["1", "USD", "4"]


class TestCancels:
    async def test_a_working_order_is_cancelled(self, desk: Desk) -> None:
        order = await desk.working()
        request = await desk.cancel(order)
        last = await desk.ended(order)
        assert (last[39], last[150], last[11], last[41]) == ("4", "4", request, order)
        assert (last[14], last[151]) == ("0", "0")

    async def test_a_filled_order_is_too_late_to_cancel(self, desk: Desk) -> None:
        order = desk.order("2", 100, "49", strategy="lit-sweep")
        await desk.filled(order, 100)
        request = await desk.cancel(order, quantity=100)
        await desk.peer.until(lambda: bool(desk.peer.cancel_rejects(request)), "no 9")
        (refusal,) = desk.peer.cancel_rejects(request)
        assert [refusal[tag] for tag in (41, 39, 434, 102)] == [order, "2", "1", "0"]

    async def test_an_order_that_nobody_knows_cannot_be_cancelled(self, desk: Desk) -> None:
        request = await desk.cancel("NEVER")
        await desk.peer.until(lambda: bool(desk.peer.cancel_rejects(request)), "no 9")
        (refusal,) = desk.peer.cancel_rejects(request)
        assert [refusal[tag] for tag in (41, 39, 434, 102)] == ["NEVER", "8", "1", "1"]


class TestReplaces:
    async def test_new_terms_are_granted_and_the_chain_goes_on(self, desk: Desk) -> None:
        order, request = await desk.working(), desk.next_id()
        desk.peer.tell(f"G {request} {order} ACME 2 600 2 54.5 0")
        granted = await desk.peer.report(request, lambda seen: seen[150] == "5", "not replaced")
        assert [granted[tag] for tag in (11, 41, 38, 14, 151)] == [
            request,
            order,
            "600",
            "0",
            "600",
        ]
        assert Decimal(granted[44]) == Decimal("54.5")
        last_request = await desk.cancel(request, quantity=600)
        last = await desk.ended(request)
        assert (last[39], last[11], last[41]) == ("4", last_request, request)

    async def test_a_price_at_the_market_makes_it_trade(self, desk: Desk) -> None:
        order, request = await desk.working(400), desk.next_id()
        desk.peer.tell(f"G {request} {order} ACME 2 400 2 49 0")
        await desk.filled(request, 400)

    async def test_an_order_that_nobody_knows_cannot_be_replaced(self, desk: Desk) -> None:
        request = desk.next_id()
        desk.peer.tell(f"G {request} NEVER ACME 2 400 2 49 0")
        await desk.peer.until(lambda: bool(desk.peer.cancel_rejects(request)), "no 9")
        (refusal,) = desk.peer.cancel_rejects(request)
        assert [refusal[tag] for tag in (41, 39, 434, 102)] == ["NEVER", "8", "2", "1"]


class TestStatus:
    async def test_a_working_order_is_told_as_it_stands(self, desk: Desk) -> None:
        order = await desk.working()
        status = await desk.answered(order)
        assert [status[tag] for tag in (11, 39, 38, 14, 151)] == [order, "0", "1000", "0", "1000"]
        await desk.cancel(order)
        await desk.ended(order)

    async def test_an_unknown_order_is_told_as_rejected(self, desk: Desk) -> None:
        status = await desk.answered("NEVER")
        assert [status[tag] for tag in (11, 39, 14, 151)] == ["NEVER", "8", "0", "0"]


class TestBadOrders:
    async def refused(self, desk: Desk, cl_ord_id: str) -> Seen:
        return await desk.peer.report(cl_ord_id, lambda seen: seen[39] == "8", "not refused")

    async def test_an_unknown_symbol_is_103_1(self, desk: Desk) -> None:
        order = desk.next_id()
        desk.peer.tell(f"D {order} NOPE 2 100 2 49 0")
        refusal = await self.refused(desk, order)
        assert (refusal[150], refusal[103], refusal[55]) == ("8", "1", "NOPE")
        assert "NOPE" in refusal[58]

    async def test_a_clordid_for_the_second_time_is_103_6(self, desk: Desk) -> None:
        order = await desk.working()
        desk.peer.tell(f"D {order} ACME 2 100 2 {FAR} 0")
        refusal = await self.refused(desk, order)
        assert refusal[103] == "6"
        await desk.cancel(order)
        await desk.peer.report(order, lambda seen: seen[39] == "4", "the first one does not end")

    async def test_what_is_not_supported_is_refused_in_words(self, desk: Desk) -> None:
        order = desk.order("2", 100, "49", "1")
        refusal = await self.refused(desk, order)
        assert refusal[103] == ("0" if desk.peer.begin_string == "FIX.4.2" else "11")
        assert "59=1" in refusal[58]

    async def test_a_message_of_no_use_here_is_a_business_reject(self, desk: Desk) -> None:
        desk.peer.tell("send e 324=S1 55=ACME 263=0")
        await desk.peer.until(
            lambda: any(seen.msg_type == "j" for seen in desk.peer.taken), "no BusinessReject"
        )
        (reject,) = [seen for seen in desk.peer.taken if seen.msg_type == "j"]
        assert (reject[372], reject[380]) == ("e", "3")


class TestGaps:
    async def test_what_quickfix_asks_for_comes_again_flagged(self, desk: Desk) -> None:
        order = desk.order("2", 500, "49", strategy="lit-sweep")
        await desk.filled(order, 500)
        known = {seen[17]: seen for seen in desk.peer.fills(order)}
        _, expected = await desk.peer.ask_numbers()
        first = min(int(seen[34]) for seen in known.values())
        desk.peer.tell(f"setin {first}")
        await desk.answered(order)
        again = [seen for seen in desk.peer.reports(order) if seen.get(43) == "Y"]
        assert set(known) <= {seen[17] for seen in again}
        for seen in again:
            if seen[17] in known:
                original = known[seen[17]]
                assert seen[122] == original[52]
                same = (34, 11, 37, 32, 31, 14, 151, 6)
                assert [seen[tag] for tag in same] == [original[tag] for tag in same]
        assert (await desk.peer.ask_numbers())[1] > expected

    async def test_numbers_that_quickfix_leaves_out_are_asked_for(self, desk: Desk) -> None:
        out, _ = await desk.peer.ask_numbers()
        desk.peer.tell(f"setout {out + 7}")
        order = await desk.working()
        requests = [seen for seen in desk.peer.received if seen.msg_type == "2"]
        assert requests[-1][7] == str(out)
        await desk.cancel(order)
        await desk.ended(order)

    async def test_an_order_lost_on_the_way_is_asked_for_and_worked_once(self, desk: Desk) -> None:
        await desk.peer.disconnect()
        order = desk.order("2", 300, "49", strategy="lit-sweep")  # numbered, stored, not sent
        await desk.peer.connect()
        await desk.filled(order, 300)
        sent = [seen for seen in desk.peer.sent if seen.msg_type == "D" and seen[11] == order]
        assert [seen.get(43) for seen in sent] == ["Y"]


class TestLines:
    async def test_a_reconnect_keeps_the_numbers_and_the_order(self, desk: Desk) -> None:
        order = desk.order("2", 3_000, "49", strategy="lit-sweep")
        await desk.peer.report(order, lambda seen: seen[150] == "0", "not accepted")
        out, _ = await desk.peer.ask_numbers()
        await desk.peer.disconnect()
        await desk.peer.connect()
        logon = [seen for seen in desk.peer.sent if seen.msg_type == "A"][-1]
        assert int(logon[34]) >= out
        assert logon.get(141) in ("", "N")
        await desk.filled(order, 3_000)

    async def test_a_logout_is_answered_and_nothing_comes_before_the_next_logon(
        self, desk: Desk
    ) -> None:
        order = desk.order("2", 1_000, "49", strategy="lit-sweep")
        await desk.peer.report(order, lambda seen: seen[150] == "0", "not accepted")
        desk.peer.tell("logout until later")
        await desk.peer.until(lambda: not desk.peer.logged_on, "no Logout")
        assert "5" in [seen.msg_type for seen in desk.peer.received[-3:]]
        await desk.peer.connect()
        await desk.filled(order, 1_000)

    async def test_a_reset_by_the_ems_loses_no_report(self, desk: Desk) -> None:
        order = desk.order("2", 3_000, "49", strategy="lit-sweep")
        await desk.peer.disconnect()
        desk.peer.tell("reset Y")
        try:
            await desk.peer.connect()
        finally:
            desk.peer.tell("reset N")
        # Whether the order left before the cut is a matter of luck: the answer says.
        status = await desk.answered(order)
        if status[39] == "8":
            order = desk.order("2", 3_000, "49", strategy="lit-sweep")
        await desk.filled(order, 3_000)


class TestRestart:
    async def test_killed_in_mid_order_the_gateway_finishes_it(self, desk: Desk) -> None:
        # The first wave of this preset is 5,000 shares in the dark: it cannot be all of the order.
        order = desk.order("2", 10_000, "49", strategy="balanced")
        await desk.peer.until(lambda: bool(desk.peer.fills(order)), "no fill")
        gateway = desk.stack.gateway
        assert gateway is not None
        gateway.kill()
        await gateway.wait()
        before = check_sums(desk.peer, order)
        assert before < 10_000, "too late: it was done when it was killed"
        await desk.stack.start_gateway()
        await desk.stack.ready()
        await desk.filled(order, 10_000)

    async def test_venues_and_quickfix_agree_on_every_share(self, desk: Desk) -> None:
        """Last of all: over everything that this desk traded."""
        heard = dict.fromkeys(("DRKA", "XLIT"), 0)
        by_exec_id = {
            seen[17]: seen
            for seen in desk.peer.taken
            if seen.msg_type == "8" and is_fill(seen, desk.peer.begin_string)
        }
        for fill in by_exec_id.values():
            heard[fill[30]] += int(fill[32])
        traded = {}
        for name, (_, mic) in VENUES.items():
            ledger = await desk.stack.control(name, "ledger")
            traded[mic] = sum(row["shares"] for row in ledger["sessions"])
        assert heard == traded
        assert sum(heard.values()) > 0
