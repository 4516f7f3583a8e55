"""Any faults, set and taken away at any time, under any stream of commands: the venue goes on, and
the fold of its facts is its memory."""

from __future__ import annotations

import random

import pytest

from sor_gateway.fix.dialect import FIX42, FIX44
from sor_gateway.journal.record import Entry, Record
from tests.venue_sims.helpers import Desk, make_venue, market, venue_file
from tests.venue_sims.test_venue import random_command
from tests.venue_sims.wire import framed
from venue_sims.commands import OrderReceived
from venue_sims.fault_config import fault_settings
from venue_sims.faults.facts import FaultStruck
from venue_sims.faults.fault import FactFault, ReportFault
from venue_sims.faults.orders import NoAck, RejectStorm, StuckPending
from venue_sims.faults.table import FAULTS
from venue_sims.recovery import Recovered, encode_image, fact_codec, fold
from venue_sims.state import VenueState
from venue_sims.words import ReportKind

SHELL = {"disconnect", "seq_gap"}
"""Report faults whose deed is the shell's, which is not here."""
DECIDED = [
    name
    for name, fault in FAULTS.items()
    if name not in SHELL
    and (
        issubclass(fault, ReportFault | FactFault)
        or fault in (NoAck, RejectStorm, StuckPending)
        or name in ("fee_surprise", "halt", "luld", "session", "cod")
    )
]


def change(desk: Desk, draw: random.Random) -> None:
    """Set a fault, with a probability and a beginning, or take it away."""
    name = draw.choice(DECIDED)
    if draw.random() < 0.3:
        desk.venue.faults.set(name, None, "", desk.now)
        return
    values: dict[str, object] = {"p": draw.random() / 2, "at_s": draw.choice([0, 0.05])}
    if name == "stuck_pending":
        values["kind"], values["ms"] = draw.choice(["new", "cancel", "replace"]), 20
    if name in ("halt", "session"):
        values["resume_s" if name == "halt" else "reopen_s"] = 0.1
    desk.venue.faults.set(name, fault_settings(name, values), f"{name} {values}", desk.now)


LEAST, MOST = 600, 6_000
"""Commands: more than the least where few faults had the luck to strike."""


@pytest.mark.parametrize("name", ["dark-b", "exchange"])
def test_the_fold_is_the_memory_whatever_faults_do(name: str) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    draw, file = random.Random(seed), venue_file(name)
    desk = Desk(make_venue(file, market(seed, scale=60)))
    codec, folded = fact_codec(), Recovered(VenueState(file.mic))
    seen: list[str] = []
    struck: set[str] = set()
    for number in range(MOST):
        if number >= LEAST and len(struck) > 3:
            break
        command = random_command(draw, number, desk.now, seen)
        if isinstance(command, OrderReceived):
            seen.append(command.terms.cl_ord_id)
        if draw.random() < 0.1:
            change(desk, draw)
        desk.send(command)
        desk.left.clear()
        reports = desk.settle(draw.choice([0.0, 0.0005, 0.01]))
        for report in reports:
            dialects = [FIX44] if report.kind is ReportKind.MASS_CANCELED else [FIX42, FIX44]
            for dialect in dialects:
                framed(report, dialect, file.mic)
        entries = [Entry(session, 1, True, 0, "8", str(n), b"") for session, n in desk.left]
        facts = [codec.encode(fact) for fact in desk.facts]
        struck |= {fact.fault for fact in desk.facts if isinstance(fact, FaultStruck)}
        desk.facts.clear()
        fold(folded, Record(number + 1, desk.now, entries, facts), codec)
        if number % 20 == 0:
            live = encode_image(desk.venue.state, 0, {}, codec)
            assert encode_image(folded.state, 0, {}, codec) == live
    assert len(struck) > 3, struck
