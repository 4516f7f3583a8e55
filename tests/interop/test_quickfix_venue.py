"""QuickFIX as a dark venue of the real gateway, and as the EMS in front of it, on 4.2 and 4.4.

Both validate every message of ours with the dictionaries that we publish, and ours validates every
message of theirs. Between them one simulated exchange makes the market.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from sor_gateway.stack import Stack
from tests.interop.peer import FOREIGN, Peer, Seen, is_fill
from tests.interop.venue import Resting, Venue

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT: Final = Path(__file__).parents[2]
VENUES: Final = {"dark-a": ("dark", "DRKA"), "exchange": ("exchange", "XLIT")}
CLIENTS: Final = {"FIX.4.2": "EMS42", "FIX.4.4": "EMS"}
STRATEGY_TAG: Final = {
    "FIX.4.2": "7847=1000 7848=dark-only",
    "FIX.4.4": "848=dark-only" if FOREIGN else "847=1000 848=dark-only",
}
TERMINAL: Final = ("2", "4", "8", "C")


@dataclass(slots=True)
class Desk:
    """The gateway between two QuickFIX engines."""

    stack: Stack
    ems: Peer
    venue: Venue
    ids: int = 0

    def order(self, quantity: int = 1_000) -> str:
        """A sell order that may only go dark; its ClOrdID."""
        self.ids += 1
        cl_ord_id = f"V{self.ids:05}"
        tag = STRATEGY_TAG[self.ems.begin_string]
        self.ems.tell(f"D {cl_ord_id} ACME 2 {quantity} 2 49 0 {tag}")
        return cl_ord_id

    async def child(self) -> Resting:
        """The order that comes to the venue next."""
        known = len(self.venue.orders)
        voice = self.venue.voice
        await voice.until(lambda: len(self.venue.orders) > known, "no child")
        return list(self.venue.orders.values())[-1]

    async def resting(self) -> tuple[str, Resting]:
        """A parent, and its child that rests at the venue."""
        parent = self.order()
        return parent, await self.child()

    async def ended(self, cl_ord_id: str) -> Seen:
        return await self.ems.report(
            cl_ord_id, lambda seen: seen[39] in TERMINAL, f"{cl_ord_id} does not end"
        )

    async def filled(self, cl_ord_id: str, quantity: int = 1_000) -> None:
        last = await self.ended(cl_ord_id)
        assert (last[39], last[14], last[151]) == ("2", str(quantity), "0"), str(last)

    async def asked(self, child: Resting) -> None:
        """Wait until the gateway asked how this order stands."""
        await self.venue.voice.until(
            lambda: child.cl_ord_id in self.venue.asked, "no status request"
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=sorted(CLIENTS))
async def desk(
    request: pytest.FixtureRequest, peer_binary: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Desk]:
    folder = tmp_path_factory.mktemp("venue")
    version = request.param
    client = CLIENTS[version]
    session = "SOR__VENUES__DARK_A__SESSION__"
    newer = str(version == "FIX.4.4").lower()
    environment = {
        "SOR__VENUES__DARK_A__DIALECT": version,
        "SOR__VENUES__DARK_A__MASS_STATUS": "open" if version == "FIX.4.4" else "none",
        f"{session}VALIDATION": "strict",
        f"{session}HEART_BT_INT_S": "5",
        f"{session}ON_LOW_NUMBER": "reset",
        f"{session}SEND_NEXT_EXPECTED": newer,
        f"{session}LAST_PROCESSED": "true",
        f"SOR__EMS__{client}__SEND_NEXT_EXPECTED": newer,
        f"SOR__EMS__{client}__LAST_PROCESSED": "true",
        "SOR__STRATEGIES__DARK_ONLY__DARK_BOX_MS": "60000",
    }
    stack = Stack(folder, ROOT / "config", VENUES, environment=environment)
    port = stack.venues["dark-a"].port
    venue = Venue(peer_binary, version, "DARKA", port, folder / "quickfix-venue")
    ems = Peer(peer_binary, version, client, "SOR", stack.port, folder / "quickfix-ems")
    try:
        await stack.start_venue("exchange")
        await venue.start()
        await stack.start_gateway()
        await stack.ready()
        await ems.start()
        await ems.connect()
        yield Desk(stack, ems, venue)
    finally:
        await ems.stop()
        if venue.voices:
            await venue.voice.stop()
        await stack.stop()


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def nothing_refused(desk: Desk) -> AsyncIterator[None]:
    """After each test: no Reject (3), no BusinessMessageReject (j), in any direction, anywhere."""
    yield
    for peer in (desk.ems, *desk.venue.voices):
        assert [str(seen) for seen in peer.rejects()] == []
        assert [str(seen) for seen in (*peer.received, *peer.sent) if seen.msg_type == "j"] == []
        assert peer.errors == []
    desk.venue.fill_shares = 0
    desk.venue.refuses = desk.venue.too_late = False


class TestOrders:
    async def test_a_child_is_filled_and_the_ems_hears_of_it(self, desk: Desk) -> None:
        desk.venue.fill_shares = 1_000
        await desk.filled(desk.order())

    async def test_a_part_is_filled_and_the_rest_cancelled(self, desk: Desk) -> None:
        desk.venue.fill_shares = 400
        parent = desk.order()
        await desk.ems.report(parent, lambda seen: seen[14] == "400", "no fill")
        desk.ems.tell(f"F X{parent} {parent} ACME 2 1000")
        last = await desk.ended(parent)
        assert (last[39], last[14], last[151]) == ("4", "400", "0")

    async def test_a_cancel_that_comes_too_late_is_a_fill(self, desk: Desk) -> None:
        desk.venue.too_late = True
        parent, _ = await desk.resting()
        desk.ems.tell(f"F X{parent} {parent} ACME 2 1000")
        await desk.filled(parent)
        voice = desk.venue.voice
        await voice.until(lambda: "9" in [seen.msg_type for seen in voice.sent], "no 9")

    async def test_a_refused_child_ends_nothing_for_the_ems(self, desk: Desk) -> None:
        desk.venue.refuses = True
        parent, child = await desk.resting()
        assert child.status == "8"
        desk.ems.tell(f"F X{parent} {parent} ACME 2 1000")
        last = await desk.ended(parent)
        assert (last[39], last[14]) == ("4", "0")


class TestHeaders:
    async def test_789_and_369_are_sent_where_configured(self, desk: Desk) -> None:
        for peer in (desk.ems, desk.venue.voice):
            logons = [seen for seen in peer.received if seen.msg_type == "A"]
            assert logons
            assert all((789 in seen.by_tag) == (not desk.venue.is_42) for seen in logons)
            assert all(369 in seen.by_tag for seen in peer.received)


class TestGaps:
    async def test_numbers_that_the_venue_leaves_out_are_asked_for(self, desk: Desk) -> None:
        parent, child = await desk.resting()
        out, _ = await desk.venue.voice.ask_numbers()
        desk.venue.voice.tell(f"setout {out + 5}")
        desk.venue.fill(child, 400)
        await desk.ems.report(parent, lambda seen: seen[14] == "400", "no fill behind the gap")
        requests = [seen for seen in desk.venue.voice.received if seen.msg_type == "2"]
        assert requests[-1][7] == str(out)
        # What the gap fill covered may have been reports: the order is in doubt and asked about.
        await desk.asked(child)
        desk.venue.fill(child, 600)
        await desk.filled(parent)

    async def test_a_venue_that_forgot_what_it_had_is_not_sent_the_order_again(
        self, desk: Desk
    ) -> None:
        parent, child = await desk.resting()
        (order,) = [
            s for s in desk.venue.voice.taken if s.msg_type == "D" and s[11] == child.cl_ord_id
        ]
        desk.venue.voice.tell(f"setin {order[34]}")
        await desk.asked(child)
        again = [s for s in desk.venue.voice.received if s.msg_type == "D" and s.get(43) == "Y"]
        assert child.cl_ord_id not in [seen[11] for seen in again]
        desk.venue.fill(child, 1_000)
        await desk.filled(parent)


class TestLines:
    async def test_a_line_that_is_cut_is_dialled_again(self, desk: Desk) -> None:
        parent, child = await desk.resting()
        logons = desk.venue.voice.logons
        desk.venue.voice.tell("disconnect")
        desk.venue.voice.tell("connect")
        await desk.venue.voice.until(lambda: desk.venue.voice.logons > logons, "no logon")
        desk.venue.fill(child, 1_000)
        await desk.filled(parent)

    async def test_what_the_venue_reports_meanwhile_comes_afterwards(self, desk: Desk) -> None:
        parent, child = await desk.resting()
        logons = desk.venue.voice.logons
        desk.venue.voice.tell("disconnect")
        desk.venue.fill(child, 1_000)  # numbered and stored, not sent
        desk.venue.voice.tell("connect")
        await desk.venue.voice.until(lambda: desk.venue.voice.logons > logons, "no logon")
        await desk.filled(parent)


class TestRestarts:
    async def test_the_venue_is_killed_and_comes_back(self, desk: Desk) -> None:
        parent, child = await desk.resting()
        await desk.venue.kill()
        await desk.venue.start()
        await desk.stack.ready()
        desk.venue.fill(child, 1_000)
        await desk.filled(parent)

    async def test_the_gateway_is_killed_and_comes_back(self, desk: Desk) -> None:
        parent, child = await desk.resting()
        gateway = desk.stack.gateway
        assert gateway is not None
        gateway.kill()
        await gateway.wait()
        await desk.stack.start_gateway()
        await desk.stack.ready()
        desk.venue.fill(child, 1_000)
        await desk.filled(parent)

    async def test_the_ems_is_killed_and_comes_back(self, desk: Desk) -> None:
        parent, child = await desk.resting()
        process = desk.ems._process
        assert process is not None
        process.kill()
        await desk.ems.stop()
        desk.venue.fill(child, 1_000)
        before = desk.ems
        desk.ems = before.reborn()
        await desk.ems.start()
        await desk.ems.connect()
        await desk.filled(parent)


class TestResets:
    async def test_a_venue_without_its_numbers_is_reset_and_asked(self, desk: Desk) -> None:
        parent, child = await desk.resting()
        await desk.venue.kill()
        await desk.venue.start(forget=True)
        await desk.asked(child)
        logons = [seen for seen in desk.venue.voice.received if seen.msg_type == "A"]
        assert logons[-1].get(141) == "Y"
        desk.venue.fill(child, 1_000)
        await desk.filled(parent)


class TestAccount:
    async def test_venue_and_ems_agree_on_every_share(self, desk: Desk) -> None:
        """Last of all: over everything that this desk traded."""
        by_exec_id = {
            seen[17]: int(seen[32])
            for seen in desk.ems.heard()
            if seen.msg_type == "8" and is_fill(seen, desk.ems.begin_string)
        }
        assert sum(by_exec_id.values()) == desk.venue.executed > 0
