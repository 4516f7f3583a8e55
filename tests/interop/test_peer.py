"""The peer itself: QuickFIX against QuickFIX, so that what the gateway is held against is known
to work, and known to complain."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.interop.peer import FOREIGN, Peer

VERSIONS = ("FIX.4.2", "FIX.4.4")
WRONG = [("39", "Z", "5"), ("6", "fifty", "6"), ("263", "1", "2")]
"""Tag, value, and QuickFIX's SessionRejectReason (373)."""
if not FOREIGN:
    WRONG.append(("7999", "1", "0"))


@pytest.fixture(params=VERSIONS)
async def pair(
    request: pytest.FixtureRequest, peer_binary: Path, tmp_path: Path
) -> AsyncIterator[tuple[Peer, Peer]]:
    """An EMS and a counterparty, logged on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ems = Peer(peer_binary, request.param, "EMS", "SOR", port, tmp_path / "ems")
    other = Peer(peer_binary, request.param, "SOR", "EMS", port, tmp_path / "other")
    await other.start("--role", "acceptor")
    await ems.start()
    await ems.connect()
    yield ems, other
    await ems.stop()
    await other.stop()


def fill(begin_string: str, cl_ord_id: str, exec_id: str, tag: str = "", value: str = "") -> str:
    """The command for a full fill of 500 at 50.01, with one field more, or another value of it."""
    version = "20=0 150=2" if begin_string == "FIX.4.2" else "150=F"
    return (
        f"send 8 37=P1 11={cl_ord_id} 17={exec_id} {version} 39=2 55=ACME 54=2 38=500 44=49 "
        f"32=500 31=50.01 151=0 14=500 6=50.01 " + (f"{tag}={value}" if tag else "")
    )


class TestThePeer:
    async def test_sends_orders_and_takes_valid_reports(self, pair: tuple[Peer, Peer]) -> None:
        ems, other = pair
        ems.tell("D A1 ACME 2 500 2 49 0")
        await other.until(lambda: bool(other.taken), "no order")
        order = other.taken[0]
        assert [order[tag] for tag in (35, 11, 55, 54, 38, 40, 44, 59)] == (
            ["D", "A1", "ACME", "2", "500", "2", "49", "0"]
        )
        assert order.get(21) == ("1" if ems.begin_string == "FIX.4.2" else "")
        other.tell(fill(ems.begin_string, "A1", "E1"))
        report = await ems.report("A1", lambda seen: seen[39] == "2", "no fill")
        assert [report[tag] for tag in (17, 32, 31)] == ["E1", "500", "50.01"]
        assert ems.fills("A1") == [report]
        assert list(ems.rejects()) == []

    async def test_rejects_what_its_dictionary_does_not_allow(
        self, pair: tuple[Peer, Peer]
    ) -> None:
        ems, other = pair
        expected = []
        for tag, value, reason in WRONG:
            other.tell(fill(ems.begin_string, "A1", "E1", tag=tag, value=value))
            expected.append((reason, tag))
        await other.until(lambda: len(list(ems.rejects())) == len(WRONG), "too few Rejects")
        assert [(seen[373], seen[371]) for seen in ems.rejects()] == expected
        assert ems.taken == []

    async def test_a_gap_of_its_own_numbers_is_asked_for_and_filled(
        self, pair: tuple[Peer, Peer]
    ) -> None:
        ems, other = pair
        ems.tell("setout 9")
        ems.tell("H A1 ACME 2")
        await other.until(lambda: bool(other.taken), "no status request behind the gap")
        assert [seen[7] for seen in ems.received if seen.msg_type == "2"] == ["2"]
        fills = [seen for seen in ems.sent if seen.msg_type == "4"]
        assert [(seen[34], seen[36]) for seen in fills] == [("2", "9")]

    async def test_asks_for_what_it_has_forgotten_and_takes_it_as_possible_duplicate(
        self, pair: tuple[Peer, Peer]
    ) -> None:
        ems, other = pair
        other.tell(fill(ems.begin_string, "A1", "E1"))
        await ems.until(lambda: len(ems.taken) == 1, "no fill")
        ems.tell("setin 2")
        other.tell(fill(ems.begin_string, "A2", "E2"))
        await ems.until(lambda: len(ems.taken) == 3, "nothing came again")
        assert [(seen[17], seen.get(43)) for seen in ems.taken] == (
            [("E1", ""), ("E1", "Y"), ("E2", "")]
        )

    async def test_keeps_its_numbers_over_a_cut_and_orders_written_meanwhile(
        self, pair: tuple[Peer, Peer]
    ) -> None:
        ems, other = pair
        ems.tell("D A1 ACME 2 500 2 49 0")
        await other.until(lambda: len(other.taken) == 1, "no order")
        await ems.disconnect()
        ems.tell("D A2 ACME 2 500 1 - 3")
        await ems.connect()
        await other.until(lambda: len(other.taken) == 2, "the order did not come")
        assert (other.taken[1][11], other.taken[1].get(43)) == ("A2", "Y")
        assert (await ems.ask_numbers())[0] == 5  # Logon, A1, A2, Logon

    async def test_says_which_command_it_cannot_do(self, pair: tuple[Peer, Peer]) -> None:
        ems, _ = pair
        ems.tell("D A1")
        await ems.until(lambda: bool(ems.errors), "no error")
        assert ems.errors == ["D A1: too few words"]
