"""What an enemy or a typing mistake sends: it is refused with a word, and the venue goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from sor_gateway.fix.dialect import FIX42, FIX44, Dialect
from sor_gateway.fix.message import Message
from tests.venue_sims.helpers import SOR
from tests.venue_sims.raw_client import RawClient
from tests.venue_sims.test_server import running
from tests.venue_sims.wire import BUY, CENT, SELL, Wire, said, still
from venue_sims.config import ConfigError
from venue_sims.flow.latent import OWNER
from venue_sims.set_config import with_values
from venue_sims.translate import BusinessReject, to_command

DIGITS = "9" * 5_000

LINES = [
    *(f"halt ACME news{mark}150=F" for mark in ("\x01", "\x00", "\x7f", "\u505c", "\xfc")),
    "cancel XLIT1 gone\x0158=x",
    "fault unsol_cancel reason=\x01",
    f"book ACME {DIGITS}",
    f"journal {DIGITS}",
    f"step {DIGITS}s",
    f"correct XLIT1 {DIGITS} 1",
    f"limit ACME {DIGITS} {DIGITS}",
    "limit ACME 1e3 1e4",
    "limit ACME 51 49",
    "set latency scale=inf",
    "set latency scale=nan",
    "set latency in_us=999999999999999999999",
    "set fee take=1e400 cap=1e400",
    "set fee take=1e30 cap=1e30",
    "set fade p=nan",
    "set throttle per_ms=99999999999999999999",
    "set throttle msgs=-1",
    "set throttle style=sometimes",
    "set nothing a=1",
    "set fee",
    "fault late_fill symbol=ACMEE",
    "fault late_fill session=SORR",
    "fault bust delay_s=inf",
    "fault disconnect every_s=inf",
    "fault disconnect every_s=0.0000000001",
    "fault disconnect during=fill p=7",
    "fault nothing p=1",
    "fault dup_er p",
    "inject",
    "bust",
    "bust XLIT1",
    "disconnect SOR rst",
    "disconnect SOR-FIX.4.4 hard",
    "session lunch",
    "resume ACME",
    "halt NOPE",
    "",
    " ",
]


async def test_a_command_that_makes_no_sense_is_answered_and_changes_nothing(
    tmp_path: Path,
) -> None:
    async with running("exchange", tmp_path, quiet=True) as venue:
        for line in LINES:
            answer = venue.control.answer(line)
            assert list(answer) == ["error"], line
            assert answer["error"], line
        assert venue.control._handle(b"[" * 60_000) == venue.control._handle(b"5")
        client = RawClient("SOR", "EXCH")
        await client.connect(venue.port)
        client.order("C1", (54, 1), (38, 100), (40, 2), (44, "40.00"))
        await client.report("C1", "0")
        assert venue.server.counters.incidents == 0
        await client.close()


async def test_numbers_that_no_machine_holds_are_refused_one_by_one(tmp_path: Path) -> None:
    async with running("exchange", tmp_path, quiet=True) as venue:
        client = RawClient("SOR", "EXCH")
        await client.connect(venue.port)
        for number, (tag, value) in enumerate(
            [(38, DIGITS), (44, DIGITS), (38, "9" * 18), (111, DIGITS), (211, DIGITS)]
        ):
            plain = {54: "1", 38: "100", 40: "P" if tag == 211 else "2", 44: "40.00", tag: value}
            if tag == 211:
                plain[18] = "M"
            client.order(f"C{number}", *plain.items())
            refused = await client.expect(lambda m: m[35] in ("3", "8") and m.get(150) != "0")
            assert refused.get(58), refused
        body = ((267, "1"), (269, "0"), (146, "1"), (55, "ACME"))
        client.send("V", (262, "M1"), (263, "0"), (264, DIGITS), *body)
        await client.expect(lambda m: m[35] in ("3", "Y"))
        data = RawClient("SORMD", "EXCH")
        await data.connect(venue.port, reset=True)
        data.send("V", (262, "M1"), (263, "0"), (264, DIGITS), *body)
        await data.expect(lambda m: m[35] in ("3", "Y"))
        client.order("C9", (54, 1), (38, 100), (40, 2), (44, "40.00"))
        await client.report("C9", "0")
        await client.close()
        await data.close()


def test_a_table_takes_no_number_that_is_none() -> None:
    file = still("exchange")
    for table, settings, values in (
        ("latency", file.latency, {"scale": "inf"}),
        ("fee", file.fees, {"add": "-inf"}),
        ("fade", file.fade, {"p": "nan"}),
    ):
        with pytest.raises(ConfigError, match=table):
            with_values(table, settings, values)


class TestOrders:
    @pytest.mark.parametrize("dialect", [FIX42, FIX44])
    @pytest.mark.parametrize("lifetime", ["2", "7", "1", "6"])
    def test_there_is_no_auction_and_the_refusal_says_so(
        self, dialect: Dialect, lifetime: str
    ) -> None:
        wire = Wire(still("exchange"), dialect)
        (refused,) = wire.order("C1", wire.bid, {59: lifetime})
        assert said([refused], 150, 39) == [("8", "8")]
        assert refused[58] == f"A: 59={lifetime} is not taken here"

    @pytest.mark.parametrize("ord_type", ["5", "B", "3"])
    def test_nor_another_order_type(self, ord_type: str) -> None:
        wire = Wire(still("exchange"), FIX42)
        (refused,) = wire.order("C1", wire.bid, {40: ord_type})
        assert f"40={ord_type} is not taken here" in refused[58]

    @pytest.mark.parametrize(
        ("fields", "text"),
        [({9701: "Z"}, "9701=Z"), ({9702: "X"}, "9702=X"), ({9704: "Q"}, "9704=Q")],
    )
    def test_a_value_that_is_not_known_is_not_passed_over(
        self, fields: dict[int, object], text: str
    ) -> None:
        wire = Wire(still("dark-a"))
        (refused,) = wire.order("C1", wire.bid, fields)
        assert refused[150] == "8"
        assert f"{text} is not taken here" in refused[58]

    @pytest.mark.parametrize(
        ("fields", "what"),
        [({54: SELL}, "54"), ({55: "BOLT"}, "55"), ({40: "P", 18: "M"}, "40"), ({59: "3"}, "59")],
    )
    def test_a_replace_does_not_quietly_keep_what_it_was_to_change(
        self, fields: dict[int, object], what: str
    ) -> None:
        wire = Wire(still("exchange"))
        wire.order("C1", wire.bid - CENT)
        (refused,) = wire.replace("R1", "C1", wire.bid, fields)
        assert said([refused], 35, 434, 41) == [("9", "2", "C1")]
        assert refused[58] == f"A: a replace cannot change {what}"
        assert wire.desk.venue.state.live_orders()[0].terms.cl_ord_id == "C1"

    def test_a_mass_cancel_of_a_side_that_does_not_exist_cancels_nothing(self) -> None:
        message = Message("q", [(11, "X1"), (530, "7"), (54, "7")])
        command = to_command(message, SOR, FIX44, 0, poss_resend=False)
        assert command == BusinessReject(0, "54=7 is not taken here")

    def test_nobody_passes_for_one_of_the_venues_own_parents(self) -> None:
        wire = Wire(still("dark-a"))
        buy = wire.order("B1", wire.ask, {7928: "latent"})
        assert buy[0][150] == "0"
        wire.order("S1", wire.bid, {54: SELL, 7928: "latent", 38: 50})
        owners = {order.owner for order in wire.floor.matcher.orders.values()}
        assert OWNER not in owners
        assert not OWNER.isprintable(), "no FIX field holds it"

    def test_an_id_of_yesterday_does_not_answer_for_one_of_today(self) -> None:
        wire = Wire(still("exchange"))
        wire.order("C1", wire.bid - CENT, {54: BUY})
        state = wire.desk.venue.state
        client = state.client(SOR)
        client.ids_before, client.ids = client.ids, {"C1": ""}
        assert state.order_meant(SOR, "C1") is None
        assert state.order_meant(SOR, "C2") is None
