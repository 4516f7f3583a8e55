"""Faults of lines, numbers, clocks and market data: how each is set, what is asserted beyond the
common audit.

May not know: how a run is made, who prints.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from sor_gateway.client.wire import Tag
from sor_gateway.demo.audit import Check
from sor_gateway.sor.settings import MassStatus as Believed
from tests.faults.bench import CLIENT, Bench
from tests.faults.case import Prepare
from tests.harness.desk import EMS
from tests.harness.loop import SECOND
from venue_sims.checks import MassStatus

ASKS_LATE_MS: Final = 13_000
"""Then the orders that a venue asks for are too old to be sent again (recovery.md 3.2)."""


def disconnect(bench: Bench) -> None:
    """F1: in the middle of fills, acknowledgements, or at any time; half of the bytes, or none."""
    dice = bench.dice
    for venue in bench.pick(3):
        bench.fault(
            venue,
            "disconnect",
            mode=dice.choice(["rst", "fin", "logout"]),
            during=dice.choice(["fill", "ack"]),
            part=dice.choice(["none", "half", "all"]),
            p=0.3,
            count=dice.randint(1, 4),
        )


def cancel_on_disconnect(bench: Bench) -> None:
    """F2: Day orders of a lost session go, and their reports wait."""
    for name in bench.pick(3):
        bench.fault(name, "cod", grace_ms=bench.dice.choice([0, 50, 300]))
        for _ in range(2):
            bench.later(SECOND // 2, 5 * SECOND, partial(bench.desk.cut, name))


def restart(bench: Bench) -> None:
    """F27: everything that a venue may have lost when it comes up again. Low numbers are made good
    by 141=Y or by operators, as the gateway is told."""
    dice = bench.dice
    for name in bench.pick(2):
        bench.desk.links[name].settings.on_low_number = dice.choice(["operator", "reset"])
        bench.fault(
            name,
            "restart",
            at_s=0.6 + dice.random() * 4,
            down_ms=dice.randint(10, 1_000),
            lose=dice.choice(["nothing", "outbound", "inbound", "orders", "all"]),
            reset=dice.choice(["none", "low", "141"]),
            back=dice.choice([0, 3, 10]),
        )


def restart_listed(bench: Bench) -> None:
    """F27 with many orders that rest: a venue that comes up without its numbers or its orders is
    asked for all at once, and answers with what is open, with all of the day, or with a refusal."""
    dice = bench.dice
    for name in bench.dice.sample(bench.dark, 2):
        lists = dice.choice(list(MassStatus))
        venue = bench.desk.venues[name]
        venue.file.mass_status = venue.server.venue.settings.mass_status = lists
        known = bench.desk.gateway.configuration.router.venues[name]
        known.mass_status = Believed.ALL if lists is MassStatus.ALL else Believed.OPEN
        lose = dice.choice(["outbound", "orders", "all"])
        down_ms, at_s = dice.randint(10, 1_000), 3 + dice.random()
        bench.fault(name, "restart", at_s=at_s, down_ms=down_ms, lose=lose, reset="141")
    bench.later(2 * SECOND, 2 * SECOND, bench.crowd)


def asked_for_all(bench: Bench) -> int:
    """Requests for all orders that left."""
    return sum(bench.sent(name, "AF") for name in bench.faulty)


def data_fault(name: str, **values: object) -> Prepare:
    """F19: something is wrong with what lit venues show, for a while or for as long as it lasts."""

    def prepare(bench: Bench) -> None:
        for venue in bench.dice.sample(bench.lit, bench.dice.choice([1, 2, 4])):
            at_s, for_s = bench.dice.random() * 2, bench.dice.choice([0.0, 3.0])
            bench.fault(venue, name, at_s=at_s, for_s=for_s, **values)

    return prepare


def seq_gap(bench: Bench) -> None:
    """F12."""
    for venue in bench.pick(3):
        bench.fault(venue, "seq_gap", skip_n=bench.dice.randint(1, 5), p=0.3, count=5)


def seq_low(bench: Bench) -> None:
    """F12."""
    for venue in bench.pick(2):
        bench.fault(venue, "seq_low", p=0.3, count=2)


def resends(name: str) -> Prepare:
    """F13, F30: something is wrong with what is sent again."""

    def prepare(bench: Bench) -> None:
        for venue in bench.pick(3):
            bench.fault(venue, name, count=bench.dice.randint(1, 3))
            bench.fault(venue, "disconnect", during="fill", part="none", p=0.4, count=3)

    return prepare


def slow_consumer(bench: Bench) -> None:
    """F14: our messages are not read."""
    for venue in bench.pick(2):
        length_ms = bench.dice.randint(200, 4_000)
        bench.fault(venue, "slow_consumer", at_s=0.7, every_s=4.0, count=3, ms=length_ms)


def tcp_stall(bench: Bench) -> None:
    """F14: nothing is written to us."""
    for venue in bench.pick(2):
        length_ms = bench.dice.randint(200, 4_000)
        bench.fault(venue, "tcp_stall", at_s=0.7, every_s=4.0, count=3, ms=length_ms)


def half_open(bench: Bench) -> None:
    """F29."""
    for venue in bench.pick(2):
        bench.fault(venue, "half_open", at_s=0.5 + bench.dice.random() * 3)


def clock_skew(bench: Bench) -> None:
    """F18: 6 to 100 s off."""
    off_ms = bench.dice.choice([-1, 1]) * bench.dice.randint(6_000, 100_000)
    for venue in bench.pick(2):
        bench.fault(venue, "clock_skew", ms=off_ms, at_s=bench.dice.random() * 4)


def clock_skew_told(bench: Bench) -> list[Check]:
    """The operator was told."""
    if not bench.struck("clock_skew"):
        return []  # the orders were over before the clock went wrong
    told = bench.logged("clock-skew")
    return [Check("it is alarmed", "told", "told" if told else "nothing", told > 0)]


def garbled(bench: Bench) -> None:
    """F21."""
    kinds = ["checksum", "length", "missing_tag", "unknown_tag", "empty_tag"]
    for venue in bench.pick(3):
        bench.fault(venue, "garbled", kind=bench.dice.choice(kinds), p=0.2, count=4)


def logon_fail(bench: Bench) -> None:
    """F24."""
    for venue in bench.pick(2):
        bench.fault(venue, "logon_fail", count=bench.dice.randint(1, 6))


def partial_write(bench: Bench) -> None:
    """F25."""
    for venue in bench.pick(3):
        chunk, gap_ms = bench.dice.randint(1, 40), bench.dice.choice([0, 0, 1])
        bench.fault(venue, "partial_write", chunk=chunk, gap_ms=gap_ms)


def executes_queue(bench: Bench) -> None:
    """F28: the venue misses an order, keeps those behind it, and asks so late that all of them are
    gap-filled."""
    for venue in bench.pick(3):
        bench.fault(venue, "executes_queue")
        bench.fault(venue, "tcp_stall", at_s=0.4, ms=ASKS_LATE_MS, session=CLIENT)
        bench.later(SECOND // 2, SECOND // 2, partial(bench.lose_one, venue, b"\x0135=D\x01"))


def ems_resets(bench: Bench) -> None:
    """F31: the EMS comes back with 141=Y while reports wait for it."""
    for at_s in (1, 4):
        bench.later(at_s * SECOND, at_s * SECOND, lambda: bench.desk.cut("EMS", hold=True))
        bench.later((at_s + 1) * SECOND, (at_s + 2) * SECOND, bench.begin_anew)


def told_anew(bench: Bench) -> list[Check]:
    """Each report that waited came in the new epoch; with 97=Y if it may have come before."""
    missing, wrong = [], []
    for exec_id, owed in bench.owed.items():
        behind = bench.desk.ems.told[owed.behind :]
        came = next((each for each in behind if each.get(Tag.EXEC_ID) == exec_id), None)
        if came is None:
            missing.append(exec_id)
        elif came.flag(Tag.POSS_RESEND) != owed.again:
            wrong.append(exec_id)
    epochs = bench.desk.gateway.parts.links[EMS].session.numbers.epoch - 1
    return [
        Check("what waited came anew", "all", ", ".join(missing) or "all", not missing),
        Check("possible resends are flagged", "right", ", ".join(wrong) or "right", not wrong),
        Check(
            "each 141=Y began an epoch",
            str(bench.notes["epochs"]),
            str(epochs),
            epochs == bench.notes["epochs"],
        ),
    ]
