"""Orders of nobody's, sent in by an operator, and what the venue counts."""

from __future__ import annotations

from pathlib import Path

from tests.venue_sims.raw_client import RawClient
from tests.venue_sims.test_server import running
from tests.venue_sims.wire import CENT, SELL, Wire, said, still
from venue_sims.matching.orders import Side

SHARES = 700


def test_a_guest_trades_with_who_rests_and_rests_for_who_comes() -> None:
    wire = Wire(still("exchange"))
    trading, now = wire.desk.venue.trading, wire.desk.now
    wire.order("C1", wire.ask - CENT, {38: SHARES})
    trading.guest("ACME", Side.SELL, SHARES + 300, wire.ask - CENT, now)
    (fill,) = wire.settle()
    assert said([fill], 11, 39, 14, 851) == [("C1", "2", str(SHARES), "1")]
    assert wire.depth(Side.SELL)[0] == (wire.ask - CENT, 300, 1)
    (_, taken) = wire.order("C2", wire.ask - CENT, {38: 100})
    assert said([taken], 39, 32, 851) == [("2", "100", "2")]
    wire.desk.venue.halt("ACME", "news", now)
    assert wire.floor.matcher.orders == {}, "guests leave with the house"
    trading.guest("ACME", Side.SELL, 100, wire.ask, now)
    assert wire.floor.matcher.orders == {}


def test_without_a_price_it_takes_what_there_is_and_rests_nowhere() -> None:
    wire = Wire(still("exchange"))
    wire.order("S1", wire.ask - CENT, {54: SELL})
    wire.desk.venue.trading.guest("ACME", Side.BUY, 100, None, wire.desk.now)
    assert [report[39] for report in wire.settle()] == ["2"]
    assert not any(name.startswith("guest") for name in wire.floor.matcher.orders)


async def test_one_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    async with running("exchange", tmp_path, quiet=True) as venue:
        for line in (
            *("ACME buy", "ACME up 100", "NOPE buy 100", "ACME buy 0", "ACME buy 1.5"),
            *("ACME buy 9999999", "ACME buy 100 -1", "ACME buy 100 50.001", "ACME buy 100 1e2"),
            "ACME buy 100 50.00 day",
        ):
            assert list(venue.control.answer(f"inject order {line}")) == ["error"], line


async def test_what_happened_is_counted(tmp_path: Path) -> None:
    async with running("exchange", tmp_path, quiet=True) as venue:
        client = RawClient("SOR", "EXCH")
        await client.connect(venue.port)
        venue.control.answer("fault dup_er p=1")
        client.order("C1", (54, 1), (38, 100), (40, 2), (44, "60.00"))
        await client.expect(lambda message: message.get(39) == "2")
        client.order("C2", (54, 1), (38, 100), (40, 2), (44, "40.001"))
        await client.report("C2", "8")
        answer = venue.control.answer("inject order ACME sell 100 40.00")
        assert answer["price_micros"] == 40_000_000
        found = venue.control.answer("metrics")
        assert found["refused"] == {"price-increment": 1}
        assert found["facts"]["OrderAccepted"] == found["facts"]["OrderRejected"] == 1
        assert found["facts"]["Executed"] >= 1
        assert found["faults"] == {"dup_er": found["facts"]["Executed"]}
        assert found["messages_in"]["D"] == 2
        client.send(
            "V", (262, "M"), (263, "0"), (264, "1"), (267, "1"), (269, "0"), (146, 1), (55, "ACME")
        )
        refused = await client.expect(lambda message: message[35] == "Y")
        assert refused[58] == "market data is given on sessions of its own"
        await client.close()
