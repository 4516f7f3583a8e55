"""Rules of the EMS over a real socket, against a scripted acceptor that nobody here shares."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sor_gateway.client.ems import Ems, EmsSettings, NewOrder
from sor_gateway.client.ledger import OrderState
from sor_gateway.client.session import SessionSettings
from sor_gateway.client.store import StateUnwritableError
from sor_gateway.client.wire import encode
from sor_gateway.fix.codec import decode
from sor_gateway.fix.dictionary import load_packaged
from tests.client.peer import Line, acceptor

ORDER = NewOrder("sell", "ACME", 300, "limit", Decimal("49.5"), strategy="minimal-impact")
FOREVER = "37=P1|55=ACME|54=2|38=300|14=0|151=300|6=0|"


def report(order: Any, exec_id: str, kind: str, cum: int, extra: str = "") -> str:
    state = {"0": "0", "4": "4", "F": "2" if cum == 300 else "1"}[kind]
    leaves = 0 if state in "24" else 300 - cum
    average = "49.5" if cum else "0"
    return (
        f"37=P1|17={exec_id}|150={kind}|39={state}|11={order.get(11).decode()}|55=ACME|54=2|"
        f"38=300|14={cum}|151={leaves}|6={average}|{extra}"
    )


async def idle(line: Line) -> None:
    await line.logon()
    await line.closed()


def ems(port: int, state: Path | None = None, anew: bool = False) -> Ems:
    return Ems(EmsSettings(port=port, state_file=state, anew=anew))


class TestAnOrder:
    async def test_goes_out_and_comes_back_filled(self) -> None:
        seen: list[Any] = []

        async def script(line: Line) -> None:
            await line.logon()
            order = await line.next("D")
            seen.append(order)
            line.send("8", report(order, "E1", "0", 0))
            line.send("8", report(order, "E2", "F", 300, "32=300|31=49.5|30=XECN|"))
            await line.closed()

        async with acceptor(script) as port:
            trader = ems(port)
            await trader.start()
            cl_ord_id = trader.submit(ORDER)  # before the session is up: it waits
            order = await trader.wait(cl_ord_id, 5)
            await trader.stop()
        assert order.state is OrderState.FILLED
        assert order.value == Decimal("14850.0")
        assert trader.ledger.violations == []
        wire = {tag: value.decode() for tag, value in seen[0]}
        assert wire[11] == cl_ord_id
        terms = {tag: wire[tag] for tag in (21, 55, 54, 38, 40, 44, 59, 847, 848)}
        assert terms == {
            21: "1", 55: "ACME", 54: "2", 38: "300", 40: "2", 44: "49.5", 59: "0",
            847: "1000", 848: "minimal-impact",
        }  # fmt: skip

    async def test_is_cancelled_on_request(self) -> None:
        async def script(line: Line) -> None:
            await line.logon()
            order = await line.next("D")
            line.send("8", report(order, "E1", "0", 0))
            cancel = await line.next("F")
            assert cancel.get(41) == order.get(11)
            assert cancel.get(37) == b"P1"
            line.send("8", report(cancel, "E2", "4", 0, f"41={order.get(11).decode()}|"))
            await line.closed()

        async with acceptor(script) as port:
            trader = ems(port)
            await trader.start()
            cl_ord_id = trader.submit(ORDER)
            await trader.wait_answer(cl_ord_id, 5)
            request = trader.cancel(cl_ord_id)
            order = await trader.wait(cl_ord_id, 5)
            await trader.stop()
        assert order.state is OrderState.CANCELED
        assert trader.ledger.requests[request].answered

    async def test_replace_and_status_name_the_order(self) -> None:
        seen: list[Any] = []

        async def script(line: Line) -> None:
            await line.logon()
            order = await line.next("D")
            line.send("8", report(order, "E1", "0", 0))
            seen.extend([order, await line.next("G"), await line.next("H")])

        async with acceptor(script) as port:
            trader = ems(port)
            await trader.start()
            cl_ord_id = trader.submit(ORDER)
            await trader.wait_answer(cl_ord_id, 5)
            trader.replace(cl_ord_id, 500, Decimal("49.4"))
            trader.status(cl_ord_id)
            await trader._until(lambda: len(seen) == 3, 5)
            await trader.abort()
        order, replace, status = seen
        assert replace.get(41) == order.get(11)
        assert (replace.get(38), replace.get(44)) == (b"500", b"49.4")
        assert status.get(11) == order.get(11)
        assert status.get(790) is not None

    async def test_an_unknown_order_cannot_be_cancelled(self) -> None:
        async with acceptor(idle) as port:
            trader = ems(port)
            await trader.start()
            with pytest.raises(KeyError, match="no order Z"):
                trader.cancel("Z")
            await trader.abort()

    @pytest.mark.parametrize("begin_string", ["FIX.4.2", "FIX.4.4"])
    def test_every_request_keeps_to_the_published_dictionary(self, begin_string: str) -> None:
        trader = Ems(EmsSettings(session=SessionSettings(begin_string)))
        cl_ord_id = trader.submit(ORDER)
        requests = [
            cl_ord_id,
            trader.cancel(cl_ord_id),
            trader.replace(cl_ord_id, 500, Decimal("49.4")),
            trader.status(cl_ord_id),
        ]
        dictionary = load_packaged(begin_string)
        header = [(49, "EMS"), (56, "SOR"), (34, "2"), (52, "20260105-14:30:00")]
        for request, expected in zip(requests, "DFGH", strict=True):
            msg_type, body = trader._bodies[request]
            assert msg_type == expected
            message = decode(encode(begin_string, msg_type, header + body))
            assert dictionary.validate(message, "listed") is None

    async def test_that_is_waited_for_when_the_ems_stops_raises(self) -> None:
        async with acceptor(idle) as port:
            trader = ems(port)
            await trader.start()
            waiting = asyncio.create_task(trader.wait(trader.submit(ORDER)))
            assert await trader.wait_active(5)
            await trader.abort()
            with pytest.raises(RuntimeError, match="stopped"):
                await waiting


class TestReconnecting:
    async def test_a_cut_line_loses_nothing(self, tmp_path: Path) -> None:
        async def cut(line: Line) -> None:
            await line.logon()
            await line.next("D")

        async def resume(line: Line) -> None:
            line.number = 2
            logon = await line.logon()
            assert logon.get(141) is None
            line.send("2", "7=2|16=0|")  # the D was lost on this side
            order = await line.next("D")
            assert order.get(34) == b"2"
            assert order.get(43) == b"Y"
            assert order.get(122) is not None
            line.send("8", report(order, "E1", "F", 300, "32=300|31=49.5|"))
            await line.closed()

        async with acceptor(cut, resume) as port:
            trader = ems(port, tmp_path / "state")
            await trader.start()
            order = await trader.wait(trader.submit(ORDER), 5)
            await trader.stop()
        assert order.state is OrderState.FILLED
        assert trader.logons == 2

    async def test_a_restart_goes_on_from_the_state_file(self, tmp_path: Path) -> None:
        async def first(line: Line) -> None:
            await line.logon()
            order = await line.next("D")
            line.send("8", report(order, "E1", "F", 100, "32=100|31=49.5|"))
            await line.closed()

        async def second(line: Line) -> None:
            line.number = 3
            order = await line.logon()
            assert order.get(34) == b"3"
            order.append_pair(11, ids[0])
            dup = "43=Y|122=20260105-14:29:00.000|"
            line.send("8", report(order, "E1", "F", 100, "32=100|31=49.5|"), dup, number=2)
            line.send("8", report(order, "E2", "F", 300, "32=200|31=49.5|"))
            await line.closed()

        ids: list[str] = []
        state = tmp_path / "state"
        async with acceptor(first, second) as port:
            trader = ems(port, state)
            await trader.start()
            ids.append(trader.submit(ORDER))
            await trader._until(lambda: trader.ledger.orders[ids[0]].cum_quantity == 100, 5)
            await trader.abort()
            again = ems(port, state)
            await again.start()
            assert again.ledger.orders[ids[0]].cum_quantity == 100
            order = await again.wait(ids[0], 5)
            await again.abort()
        assert order.state is OrderState.FILLED
        assert again.ledger.duplicates_flagged == 1
        assert again.ledger.duplicates_unflagged == 0
        assert again.ledger.violations == []

    async def test_nobody_there_yet_is_no_reason_to_give_up(self) -> None:
        async with acceptor(idle) as port:
            pass
        trader = ems(port)
        await trader.start()
        assert not await trader.wait_active(0.2)
        async with acceptor(idle, port=port):
            assert await trader.wait_active(5)
            await trader.abort()

    async def test_garbage_and_hang_ups_are_survived(self) -> None:
        async def garbage(line: Line) -> None:
            line.writer.write(b"\x00\xff8=FIX.4.4\x019=5\x01junk\x01HTTP/1.1 400\r\n" * 50)

        async def wrong(line: Line) -> None:
            line.send("0")
            await line.closed()

        async with acceptor(garbage, wrong, idle) as port:
            trader = ems(port)
            await trader.start()
            assert await trader.wait_active(5)
            await trader.stop()
        assert trader.logons == 1

    @pytest.mark.parametrize("rounds", range(4))
    async def test_bytes_that_come_with_the_end_do_not_outlive_it(self, rounds: int) -> None:
        """A cancellation is never lost to a read that is done at the same time."""
        trader, reader = ems(1), asyncio.StreamReader()
        await trader.start()
        trader.session.connect(time.time_ns())  # so that it has a deadline
        reading = asyncio.ensure_future(trader._read(reader))
        await asyncio.sleep(0)
        reader.feed_data(b"8=FIX.4.4")
        for _ in range(rounds):
            await asyncio.sleep(0)
        over = reading.done()
        reading.cancel()
        await asyncio.wait([reading])
        assert over or reading.cancelled()
        await trader.abort()


class TestResets:
    async def test_anew_asks_for_141(self, tmp_path: Path) -> None:
        logons: list[Any] = []

        async def script(line: Line) -> None:
            logons.append(await line.logon())
            await line.closed()

        (tmp_path / "state").write_bytes(b'["out", 8, ""]\n["in", 5, ""]\n')
        async with acceptor(script) as port:
            trader = ems(port, tmp_path / "state", anew=True)
            await trader.start()
            assert await trader.wait_active(5)
            await trader.stop()
        assert (logons[0].get(34), logons[0].get(141)) == (b"1", b"Y")

    async def test_the_unanswered_goes_again_as_a_possible_resend(self) -> None:
        orders: list[Any] = []

        async def forgets(line: Line) -> None:
            await line.logon()
            orders.append(await line.next("D"))

        async def remembers(line: Line) -> None:
            await line.next("A")
            line.send("A", "98=0|108=30|141=Y|")
            order = await line.next("D")
            orders.append(order)
            line.send("8", report(order, "E1", "F", 300, "32=300|31=49.5|"))
            await line.closed()

        async with acceptor(forgets, remembers) as port:
            trader = ems(port)
            await trader.start()
            order = await trader.wait(trader.submit(ORDER), 5)
            await trader.stop()
        first, second = orders
        assert order.state is OrderState.FILLED
        assert first.get(11) == second.get(11)
        assert (first.get(97), second.get(97)) == (None, b"Y")
        assert (second.get(34), second.get(43)) == (b"1", None)


class TestTheStateFile:
    async def test_is_written_before_the_order_leaves(self, tmp_path: Path) -> None:
        state = tmp_path / "state"
        there: list[bool] = []

        async def script(line: Line) -> None:
            await line.logon()
            order = await line.next("D")
            there.append(order.get(11) in state.read_bytes())

        async with acceptor(script) as port:
            trader = ems(port, state)
            await trader.start()
            trader.submit(ORDER)
            await trader._until(lambda: bool(there), 5)
            await trader.abort()
        assert there == [True]

    async def test_that_cannot_be_written_ends_the_ems(self, monkeypatch: Any) -> None:
        met = asyncio.Event()

        async def mute(line: Line) -> None:
            met.set()
            await line.closed()

        async with acceptor(mute) as port:
            trader = ems(port)

            def full(_: object) -> None:
                raise StateUnwritableError("no space left")

            monkeypatch.setattr(trader._store, "append", full)
            await trader.start()
            with pytest.raises(StateUnwritableError, match="no space"):
                await trader.wait_active(5)
            await trader.abort()
            await met.wait()
