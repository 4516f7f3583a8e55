"""How faults are set: in a venue's file and over the control socket of a running venue."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.venue_sims.helpers import DEFAULT
from tests.venue_sims.raw_client import RawClient
from tests.venue_sims.test_main import start, stop
from tests.venue_sims.test_server import running
from venue_sims.config import ConfigError, load_venue
from venue_sims.control import ask
from venue_sims.fault_config import fault_settings
from venue_sims.faults.table import FAULTS


class TestFile:
    def load(self, folder: Path, text: str) -> dict[str, object]:
        file = folder / "ecn.toml"
        file.write_text((DEFAULT / "ecn.toml").read_text() + f"\n[faults]\n{text}\n")
        return dict(load_venue(file).faults)

    def test_a_line_a_fault(self, tmp_path: Path) -> None:
        found = self.load(
            tmp_path, "late_fill = { p = 0.1, after_cxl_ms = 300 }\nreject_storm.p = 0.2"
        )
        assert found == {
            "late_fill": fault_settings("late_fill", {"p": 0.1, "after_cxl_ms": 300}),
            "reject_storm": fault_settings("reject_storm", {"p": 0.2}),
        }

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("late = {}", "late: no such fault; there are no_ack, "),
            ("dup_er = { m = 2 }", "dup_er.m: unknown key; there are p, skip, count, "),
            ("dup_er = { n = 0 }", "n is 0: expected at least 1"),
            ("dup_er = { p = 1.5 }", "p is 1.5: expected a probability from 0 to 1"),
            ('disconnect = { mode = "gently" }', "disconnect.mode: Input should be 'rst', 'fin'"),
            ("dup_er = 2", "dup_er: expected a table such as"),
        ],
    )
    def test_a_mistake_names_file_and_key(self, tmp_path: Path, text: str, message: str) -> None:
        with pytest.raises(ConfigError) as raised:
            self.load(tmp_path, text)
        assert str(tmp_path / "ecn.toml") in str(raised.value)
        assert message in str(raised.value)

    def test_every_fault_can_be_set_with_nothing_said(self) -> None:
        for name in FAULTS:
            assert isinstance(fault_settings(name, {}), FAULTS[name].Settings)

    def test_every_number_of_the_specification_has_a_fault(self) -> None:
        elsewhere = {"F11", "F20"}  # the tables [throttle] and [fade], always there
        of_the_ems = {"F31"}
        numbers = {fault.number for fault in FAULTS.values()}
        assert numbers == {f"F{n}" for n in range(1, 32)} - elsewhere - of_the_ems


async def test_what_is_set_ends_with_a_life_and_a_signal_ends_a_death(tmp_path: Path) -> None:
    process, started = await start("exchange", "exchange", tmp_path)
    port, control = started["port"], started["control"]

    async def fee(cl_ord_id: str, sequence: bool) -> str:
        client = RawClient("SOR", "EXCH")
        await client.connect(port, reset=sequence)
        client.order(cl_ord_id, (54, 1), (38, 100), (40, 2), (44, "60.00"), (59, "3"))
        fill = await client.report(cl_ord_id, "F")
        await client.close()
        return f"{float(fill[137]) / float(fill[32]):.4f}"

    await asyncio.to_thread(ask, "127.0.0.1", control, "set fee take=0.0005")
    assert await fee("C1", sequence=True) == "0.0005"
    assert process.stderr is not None
    await asyncio.to_thread(ask, "127.0.0.1", control, "inject restart lose=nothing down_ms=0")
    while b'"started"' not in await process.stderr.readline():
        pass
    assert await fee("C2", sequence=True) == "0.0028"
    await asyncio.to_thread(ask, "127.0.0.1", control, "inject restart down_ms=600000")
    while b'"died"' not in await process.stderr.readline():
        pass
    assert await stop(process) == 0


class TestLive:
    async def test_set_look_and_take_away(self, tmp_path: Path) -> None:
        async with running("exchange", tmp_path, quiet=True) as venue:
            client, control = RawClient("SOR", "EXCH"), venue.control
            await client.connect(venue.port)
            assert control.answer("fault reject_storm p=1 text=closed") == {
                "fault": "reject_storm",
                "set": True,
                "settings": {"text": "closed"},
            }
            client.order("C1", (54, 1), (38, 100), (40, 2), (44, "40.00"))
            refused = await client.report("C1", "8")
            assert refused[58] == "E: closed"
            assert control.answer("fault reject_storm")["struck"] == 1
            control.answer("fault reject_storm off")
            client.order("C2", (54, 1), (38, 100), (40, 2), (44, "40.00"))
            await client.report("C2", "0")
            shown = {each["fault"]: each for each in control.answer("fault")["faults"]}
            assert set(shown) == set(FAULTS)
            assert not any(each["set"] for each in shown.values())
            await client.close()

    async def test_once(self, tmp_path: Path) -> None:
        async with running("exchange", tmp_path, quiet=True) as venue:
            client = RawClient("SOR", "EXCH")
            await client.connect(venue.port)
            venue.control.answer("inject reject_storm")
            for number, kind in enumerate("800"):
                client.order(f"C{number}", (54, 1), (38, 100), (40, 2), (44, "40.00"))
                await client.report(f"C{number}", kind)
            await client.close()

    async def test_a_trade_is_corrected_and_then_busted(self, tmp_path: Path) -> None:
        async with running("exchange", tmp_path, quiet=True) as venue:
            client, control = RawClient("SOR", "EXCH"), venue.control
            await client.connect(venue.port)
            client.order("C1", (54, 1), (38, 100), (40, 2), (44, "60.00"))
            fill = await client.report("C1", "F")
            control.answer(f"correct {fill[17]} 80 {fill[31]}")
            corrected = await client.report("C1", "G")
            assert (corrected[19], corrected[14]) == (fill[17], "80")
            control.answer(f"bust {corrected[17]}")
            busted = await client.report("C1", "H")
            assert (busted[19], busted[14]) == (corrected[17], "0")
            assert "error" in control.answer(f"bust {corrected[17]}")
            assert venue.ledger("SOR-FIX.4.4")["shares"] == 0
            await client.close()

    @pytest.mark.parametrize(
        "line", ["fault nonsense", "fault dup_er m=1", "inject", "bust X", "correct"]
    )
    async def test_a_mistake_is_answered(self, tmp_path: Path, line: str) -> None:
        async with running("exchange", tmp_path, quiet=True) as venue:
            assert "error" in venue.control.answer(line)


async def test_a_process_that_forgets_comes_up_again_where_it_was(tmp_path: Path) -> None:
    process, started = await start("exchange", "exchange", tmp_path)
    client = RawClient("SOR", "EXCH")
    await client.connect(started["port"])
    client.order("C1", (54, 1), (38, 100), (40, 2), (44, "40.00"))
    await client.report("C1", "0")
    ask("127.0.0.1", started["control"], "inject restart lose=orders down_ms=50")
    with pytest.raises(ConnectionError):
        await client.expect(lambda _: False)
    assert process.stderr is not None
    lines = b""
    async with asyncio.timeout(10):
        while lines.count(b'"started"') == 0:
            lines += await process.stderr.readline()
    assert b'"died"' in lines
    await client.connect(started["port"])
    client.send("H", (11, "C1"), (55, "ACME"), (54, 1))
    unknown = await client.report("C1", "I")
    assert unknown[58] == "O: unknown order"
    await client.close()
    assert await stop(process) == 0
