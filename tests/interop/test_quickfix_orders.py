"""QuickFIX as a client of the simulated venues, straight at their processes, on 4.2 and 4.4: every
kind of order, replaces, cancels, mass cancels, status, market data, halts, the close.

QuickFIX validates whatever it is told with the reference dictionary and the named extensions (with
the ones that we publish where the reference is not there); a Reject of anybody fails the test.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio

from sor_gateway.fix.dialect import dialect_of
from sor_gateway.fix.values import price_to_text
from sor_gateway.stack import Stack
from tests.fix.reference import FOLDER
from tests.interop.peer import PATIENCE_S, PUBLISHED, Peer, Seen, dictionary_of, is_fill
from tests.venue_sims.extensions import extended_xml
from venue_sims.control import ask

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT: Final = Path(__file__).parents[2]
VENUES: Final = {"exchange-iex": ("exchange", "XIEX"), "dark-a": ("dark", "DRKA")}
COMP_IDS: Final = {"exchange-iex": "IEXP", "dark-a": "DARKA"}
CENT: Final = 10_000
BUY, SELL = "1", "2"
DAY, IOC, FOK = "0", "3", "4"


@dataclass(slots=True)
class Client:
    """QuickFIX logged on at one venue, for orders or for market data."""

    peer: Peer
    control_port: int
    ids: int = 0

    def control(self, command: str) -> dict[str, Any]:
        answer = ask("127.0.0.1", self.control_port, command)
        assert "error" not in answer, answer
        return answer

    def quote(self) -> tuple[int, int]:
        """The NBBO of ACME in micros."""
        quote = self.control("nbbo ACME")["nbbo"]["ACME"]
        return quote["bid_micros"], quote["ask_micros"]

    def next_id(self) -> str:
        self.ids += 1
        return f"Q{self.ids:05}"

    def order(
        self,
        side: str,
        quantity: int,
        kind: str = "2",
        price: int | None = None,
        lifetime: str = DAY,
        *more: str,
    ) -> str:
        """Send an order in ACME; its ClOrdID."""
        cl_ord_id = self.next_id()
        limit = "-" if price is None else price_to_text(price)
        words = " ".join(more)
        self.peer.tell(f"D {cl_ord_id} ACME {side} {quantity} {kind} {limit} {lifetime} {words}")
        return cl_ord_id

    def cancel(self, orig: str) -> str:
        cl_ord_id = self.next_id()
        self.peer.tell(f"F {cl_ord_id} {orig} ACME {BUY} 100")
        return cl_ord_id

    def replace(self, orig: str, quantity: int, price: int) -> str:
        cl_ord_id = self.next_id()
        limit = price_to_text(price)
        self.peer.tell(f"G {cl_ord_id} {orig} ACME {BUY} {quantity} 2 {limit} {DAY}")
        return cl_ord_id

    async def said(self, cl_ord_id: str, exec_type: str) -> Seen:
        """The report of an order with this ExecType."""
        return await self.peer.report(
            cl_ord_id,
            lambda seen: seen[150] == exec_type and seen[11] == cl_ord_id,
            f"no 150={exec_type} for {cl_ord_id}",
        )

    async def taken(self, cl_ord_id: str) -> Seen:
        """The first report: New."""
        first = await self.peer.report(cl_ord_id, lambda _: True, f"no answer to {cl_ord_id}")
        assert (first[150], first[39], first[14]) == ("0", "0", "0"), str(first)
        return first

    async def refused(self, cl_ord_id: str) -> Seen:
        first = await self.peer.report(cl_ord_id, lambda _: True, f"no answer to {cl_ord_id}")
        assert (first[150], first[39], first[151]) == ("8", "8", "0"), str(first)
        return first

    async def ended(self, cl_ord_id: str) -> Seen:
        await self.taken(cl_ord_id)
        return await self.peer.report(
            cl_ord_id, lambda seen: seen[39] in "248C", f"{cl_ord_id} does not end"
        )

    async def filled(self, cl_ord_id: str) -> Seen:
        last = await self.ended(cl_ord_id)
        assert (last[39], last[151]) == ("2", "0"), str(last)
        shares = [int(seen[32]) for seen in self.peer.fills(cl_ord_id)]
        assert sum(shares) == int(last[38]) == int(last[14])
        return last

    async def heard(self, msg_type: str, **wanted: str) -> Seen:
        """The first message of a type that the application took, with these fields (t55=...)."""

        def fits(seen: Seen) -> bool:
            fields = ((int(name[1:]), value) for name, value in wanted.items())
            return seen.msg_type == msg_type and all(seen.get(tag) == v for tag, v in fields)

        await self.peer.until(lambda: any(map(fits, self.peer.taken)), f"no {msg_type} {wanted}")
        return next(filter(fits, self.peer.taken))


@dataclass(slots=True)
class Floor:
    """Two venues and who is logged on there."""

    lit: Client
    dark: Client
    data: Client
    version: str

    @property
    def clients(self) -> tuple[Client, ...]:
        return (self.lit, self.dark, self.data)


def dictionary(version: str, folder: Path) -> Path:
    """What QuickFIX validates with."""
    if not (FOLDER / dictionary_of(version)).exists():
        return PUBLISHED / dictionary_of(version)
    path = folder / dictionary_of(version)
    path.write_text(extended_xml(version), encoding="utf-8")
    return path


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["FIX.4.2", "FIX.4.4"])
async def floor(
    request: pytest.FixtureRequest, peer_binary: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Floor]:
    folder, version = tmp_path_factory.mktemp("orders"), request.param
    stack = Stack(folder, ROOT / "config", VENUES, market_scale=1.0)
    clients = []
    try:
        await stack.start_venues()
        for name, sender in (("exchange-iex", "SOR"), ("dark-a", "SOR"), ("exchange-iex", "SORMD")):
            venue = stack.venues[name]
            store = folder / f"{name}-{sender}"
            peer = Peer(peer_binary, version, sender, COMP_IDS[name], venue.port, store)
            clients.append(Client(peer, venue.control_port))
            await peer.start("--dictionary", str(dictionary(version, folder)), "--listed", "Y")
            if sender == "SORMD":
                peer.tell("reset Y")
            await peer.connect()
        lit, dark, data = clients
        yield Floor(lit, dark, data, version)
    finally:
        for client in clients:
            await client.peer.stop()
        await stack.stop()


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def nothing_refused(floor: Floor) -> AsyncIterator[None]:
    """After each test: no Reject (3), no BusinessMessageReject (j), in any direction, anywhere."""
    yield
    for client in floor.clients:
        peer = client.peer
        assert [str(seen) for seen in peer.rejects()] == []
        assert [str(seen) for seen in (*peer.received, *peer.sent) if seen.msg_type == "j"] == []
        assert peer.errors == []


class TestLitOrders:
    async def test_a_limit_order_rests_and_is_cancelled(self, floor: Floor) -> None:
        bid, _ = floor.lit.quote()
        order = floor.lit.order(BUY, 100, price=bid - 50 * CENT)
        assert (await floor.lit.taken(order))[151] == "100"
        request = floor.lit.cancel(order)
        canceled = await floor.lit.said(request, "4")
        assert (canceled[41], canceled[39], canceled[151]) == (order, "4", "0")

    async def test_a_limit_order_that_crosses_trades(self, floor: Floor) -> None:
        _, ask_price = floor.lit.quote()
        await floor.lit.filled(floor.lit.order(BUY, 100, price=ask_price + 20 * CENT))

    async def test_market(self, floor: Floor) -> None:
        last = await floor.lit.filled(floor.lit.order(SELL, 200, "1"))
        assert is_fill(last, floor.version)

    async def test_immediate_or_cancel(self, floor: Floor) -> None:
        bid, ask_price = floor.lit.quote()
        await floor.lit.filled(floor.lit.order(BUY, 100, "2", ask_price + 20 * CENT, IOC))
        last = await floor.lit.ended(floor.lit.order(BUY, 100, "2", bid - 50 * CENT, IOC))
        assert (last[150], last[39], last[14]) == ("4", "4", "0")
        assert last[58].startswith("N: ")

    async def test_fill_or_kill(self, floor: Floor) -> None:
        _, ask_price = floor.lit.quote()
        last = await floor.lit.ended(floor.lit.order(BUY, 900_000, "2", ask_price, FOK))
        assert (last[39], last[14]) == ("4", "0")
        await floor.lit.filled(floor.lit.order(BUY, 100, "2", ask_price + 20 * CENT, FOK))

    async def test_post_only_rests_or_is_refused(self, floor: Floor) -> None:
        bid, ask_price = floor.lit.quote()
        resting = floor.lit.order(BUY, 100, "2", bid - 20 * CENT, DAY, "18=6")
        assert (await floor.lit.taken(resting))[18] == "6"
        taking = floor.lit.order(BUY, 100, "2", ask_price + 20 * CENT, DAY, "18=6")
        assert (await floor.lit.refused(taking))[58].startswith("W: ")
        await floor.lit.said(floor.lit.cancel(resting), "4")

    async def test_intermarket_sweep(self, floor: Floor) -> None:
        _, ask_price = floor.lit.quote()
        order = floor.lit.order(BUY, 100, "2", ask_price + 20 * CENT, IOC, "18=f")
        assert (await floor.lit.taken(order))[18] == "f"
        await floor.lit.filled(order)

    @pytest.mark.parametrize("shown", ["0", "100"])
    async def test_hidden_and_reserve(self, floor: Floor, shown: str) -> None:
        bid, _ = floor.lit.quote()
        order = floor.lit.order(BUY, 1_000, "2", bid - 20 * CENT, DAY, f"111={shown}")
        assert (await floor.lit.taken(order))[111] == shown
        await floor.lit.said(floor.lit.cancel(order), "4")

    @pytest.mark.parametrize("peg", ["M", "R", "P"])
    async def test_pegs(self, floor: Floor, peg: str) -> None:
        offset = {"M": (), "R": ("211=-0.05",), "P": ("211=-0.05",)}[peg]
        order = floor.lit.order(BUY, 1_000, "P", None, DAY, f"18={peg}", *offset)
        first = await floor.lit.taken(order)
        assert (first[40], first[18]) == ("P", peg)
        request = floor.lit.cancel(order)
        await floor.lit.peer.until(
            lambda: bool(floor.lit.peer.reports(request) or floor.lit.peer.cancel_rejects(request)),
            "no answer to the cancel",
        )

    @pytest.mark.parametrize("peg", [False, True])
    async def test_d_limit_and_d_peg(self, floor: Floor, peg: bool) -> None:
        bid, _ = floor.lit.quote()
        kind, price = ("P", None) if peg else ("2", bid - 20 * CENT)
        more = ("18=R", "9704=Y") if peg else ("9704=Y",)
        order = floor.lit.order(BUY, 100, kind, price, DAY, *more)
        assert (await floor.lit.taken(order))[9704] == "Y"
        floor.lit.cancel(order)

    async def test_what_trades_with_itself_is_cancelled(self, floor: Floor) -> None:
        bid, ask_price = floor.lit.quote()
        inside = (bid + ask_price) // 2 // CENT * CENT + CENT * (ask_price - bid == CENT)
        if not bid < inside < ask_price:
            inside = bid
        first = floor.lit.order(BUY, 100, "2", inside, DAY, "7928=ME", "1=ACC")
        assert (await floor.lit.taken(first))[7928] == "ME"
        second = floor.lit.order(SELL, 500_000, "2", inside - 50 * CENT, IOC, "7928=ME")
        last = await floor.lit.ended(second)
        assert last[39] == "4"
        assert [seen[1] for seen in floor.lit.peer.reports(first)] == ["ACC"] * len(
            floor.lit.peer.reports(first)
        )
        floor.lit.cancel(first)


class TestRequests:
    async def test_replaces_of_quantity_and_price(self, floor: Floor) -> None:
        bid, _ = floor.lit.quote()
        order = floor.lit.order(BUY, 500, price=bid - 50 * CENT)
        new = await floor.lit.taken(order)
        smaller = floor.lit.replace(order, 300, bid - 50 * CENT)
        replaced = await floor.lit.said(smaller, "5")
        assert (replaced[41], replaced[37], replaced[151]) == (order, new[37], "300")
        dearer = floor.lit.replace(smaller, 300, bid - 40 * CENT)
        replaced = await floor.lit.said(dearer, "5")
        assert (replaced[41], replaced[44]) == (smaller, price_to_text(bid - 40 * CENT))
        await floor.lit.said(floor.lit.cancel(dearer), "4")

    async def test_requests_that_lose_are_answered(self, floor: Floor) -> None:
        request = floor.lit.cancel("NEVER")
        await floor.lit.peer.until(
            lambda: bool(floor.lit.peer.cancel_rejects(request)), "no 9 for an unknown order"
        )
        (unknown,) = floor.lit.peer.cancel_rejects(request)
        assert (unknown[102], unknown[434], unknown[37]) == ("1", "1", "NONE")
        _, ask_price = floor.lit.quote()
        order = floor.lit.order(BUY, 100, price=ask_price + 20 * CENT)
        await floor.lit.filled(order)
        late = floor.lit.replace(order, 200, ask_price)
        await floor.lit.peer.until(
            lambda: bool(floor.lit.peer.cancel_rejects(late)), "no 9 for a filled order"
        )
        (refused,) = floor.lit.peer.cancel_rejects(late)
        assert (refused[102], refused[434], refused[39]) == ("0", "2", "2")

    async def test_an_id_that_was_used_is_refused(self, floor: Floor) -> None:
        bid, _ = floor.lit.quote()
        order = floor.lit.order(BUY, 100, price=bid - 50 * CENT)
        await floor.lit.taken(order)
        limit = price_to_text(bid - 50 * CENT)
        floor.lit.peer.tell(f"D {order} ACME {BUY} 100 2 {limit} {DAY}")
        await floor.lit.peer.report(order, lambda seen: seen.get(103) == "6", "no 103=6")
        await floor.lit.said(floor.lit.cancel(order), "4")

    async def test_status(self, floor: Floor) -> None:
        bid, _ = floor.lit.quote()
        order = floor.lit.order(BUY, 100, price=bid - 50 * CENT)
        await floor.lit.taken(order)
        floor.lit.peer.tell(f"H {order} ACME {BUY}")
        status = "I" if floor.version == "FIX.4.4" else "0"
        await floor.lit.peer.until(
            lambda: (
                len([s for s in floor.lit.peer.reports(order) if s[150] == status])
                == (1 if status == "I" else 2)
            ),
            "no status",
        )
        floor.lit.peer.tell(f"H NEVER ACME {BUY}")
        unknown = await floor.lit.peer.report("NEVER", lambda _: True, "no status")
        assert (unknown[39], unknown[37], unknown[103]) == ("8", "NONE", "5")
        await floor.lit.said(floor.lit.cancel(order), "4")

    async def test_mass_cancels(self, floor: Floor) -> None:
        if not dialect_of(floor.version).mass_cancel:
            assert floor.version == "FIX.4.2", "the one without this message"
            return
        bid, _ = floor.lit.quote()
        orders = [floor.lit.order(BUY, 100, price=bid - n * CENT) for n in (50, 60)]
        for order in orders:
            await floor.lit.taken(order)
        stamp = "20260105-10:00:00"
        floor.lit.peer.tell(f"send q 11=MC1 530=1 55=ACME 60={stamp}")
        report = await floor.lit.heard("r", t11="MC1")
        assert (report[530], report[531]) == ("1", "1")
        assert int(report[533]) >= 2
        for order in orders:
            assert (await floor.lit.said(order, "4"))[39] == "4"
        floor.lit.peer.tell(f"send q 11=MC2 530=7 60={stamp}")
        assert (await floor.lit.heard("r", t11="MC2"))[533] == "0"
        floor.lit.peer.tell(f"send q 11=MC3 530=1 55=NONE 60={stamp}")
        assert (await floor.lit.heard("r", t11="MC3"))[532] == "1"


class TestDarkOrders:
    @pytest.mark.parametrize("mode", ["", "9701=C", "9701=M"])
    async def test_a_midpoint_peg_with_min_qty(self, floor: Floor, mode: str) -> None:
        """To buy: the pool's natural party sells nothing."""
        order = floor.dark.order(BUY, 1_000, "P", None, DAY, "18=M", "110=500", mode)
        assert (await floor.dark.taken(order))[110] == "500"
        request = floor.dark.cancel(order)
        await floor.dark.peer.until(
            lambda: bool(
                floor.dark.peer.reports(request) or floor.dark.peer.cancel_rejects(request)
            ),
            "no answer to the cancel",
        )

    async def test_two_pegs_cross_at_the_midpoint(self, floor: Floor) -> None:
        buyer = floor.dark.order(BUY, 1_000, "P", None, DAY, "18=M")
        seller = floor.dark.order(SELL, 1_000, "P", None, DAY, "18=M")
        last = await floor.dark.filled(seller)
        assert last[9730] == "M"
        floor.dark.cancel(buyer)

    async def test_market_and_limit_and_immediate(self, floor: Floor) -> None:
        bid, _ = floor.dark.quote()
        for kind, price in (("1", None), ("2", bid - 50 * CENT)):
            last = await floor.dark.ended(floor.dark.order(BUY, 100, kind, price, IOC))
            assert last[39] in "24"

    async def test_a_conditional_order_is_taken(self, floor: Floor) -> None:
        order = floor.dark.order(BUY, 5_000, "P", None, DAY, "18=M", "9702=Y")
        assert (await floor.dark.taken(order))[9702] == "Y"
        floor.dark.cancel(order)

    async def test_what_a_dark_pool_does_not_take_is_refused(self, floor: Floor) -> None:
        bid, _ = floor.dark.quote()
        order = floor.dark.order(BUY, 100, "2", bid, FOK)
        assert (await floor.dark.refused(order))[58].startswith("A: ")


class TestMarketData:
    async def test_snapshots_updates_trades_and_refusals(self, floor: Floor) -> None:
        floor.data.peer.tell("V R1 1 0 1 012 ACME")
        snapshot = await floor.data.heard("W", t262="R1")
        assert (snapshot[55], snapshot[269]) == ("ACME", "0")
        _, ask_price = floor.lit.quote()
        await floor.lit.filled(floor.lit.order(BUY, 100, price=ask_price + 20 * CENT))
        await floor.data.peer.until(
            lambda: any((269, "2") in seen.fields for seen in floor.data.peer.taken),
            "no trade in the market data",
        )
        floor.data.peer.tell("V R2 1 0 1 01 NONE")
        assert (await floor.data.heard("Y", t262="R2"))[281] == "0"
        floor.dark.peer.tell("V R3 1 0 1 01 ACME")
        assert (await floor.dark.heard("Y", t262="R3"))[281] == "4"


class TestTradingStatus:
    async def test_a_halt_is_told_and_refuses_orders(self, floor: Floor) -> None:
        bid, _ = floor.lit.quote()
        order = floor.lit.order(BUY, 100, price=bid - 50 * CENT)
        await floor.lit.taken(order)
        floor.lit.control("halt ACME news pending")
        halted = await floor.lit.heard("f", t326="2")
        assert (halted[55], halted[325], halted[327]) == ("ACME", "Y", "P")
        refused = await floor.lit.refused(floor.lit.order(BUY, 100, price=bid - 50 * CENT))
        assert (refused[103], refused[58][:3]) == ("2", "H: ")
        await floor.lit.said(floor.lit.cancel(order), "4")
        floor.lit.control("resume ACME")
        await floor.lit.heard("f", t326="3")

    async def test_a_limit_state_comes_with_its_band(self, floor: Floor) -> None:
        bid, ask_price = floor.lit.quote()
        low, high = price_to_text(bid - 50 * CENT), price_to_text(ask_price + 50 * CENT)
        floor.lit.control(f"limit ACME {low} {high}")
        told = await floor.lit.heard("f", t326="6")
        assert (told[333], told[332]) == (low, high)
        refused = await floor.lit.refused(floor.lit.order(BUY, 100, price=ask_price + 60 * CENT))
        assert refused[103] == "3"
        floor.lit.control("resume ACME")
        async with asyncio.timeout(PATIENCE_S):
            while floor.lit.control("status")["halted"]:
                await asyncio.sleep(0.01)

    async def test_who_asks_is_answered(self, floor: Floor) -> None:
        floor.lit.peer.tell("send e 324=E1 55=BOLT 263=0")
        assert (await floor.lit.heard("f", t324="E1"))[326] == "17"
        floor.dark.peer.tell("send g 335=G1 263=0")
        assert (await floor.dark.heard("h", t335="G1"))[340] == "2"

    async def test_at_the_close_orders_expire(self, floor: Floor) -> None:
        """Last of all, for nothing trades behind it."""
        bid, _ = floor.lit.quote()
        order = floor.lit.order(BUY, 100, price=bid - 50 * CENT)
        await floor.lit.taken(order)
        floor.lit.control("session closed")
        assert (await floor.lit.heard("h", t340="3"))[325] == "Y"
        expired = await floor.lit.said(order, "C")
        assert (expired[39], expired[151]) == ("C", "0")
        refused = await floor.lit.refused(floor.lit.order(BUY, 100, price=bid - 50 * CENT))
        assert (refused[103], refused[58][:3]) == ("2", "z: ")
