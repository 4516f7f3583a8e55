"""A venue with faults under a hand-held clock, spoken to in FIX."""

from __future__ import annotations

from collections.abc import Mapping

from sor_gateway.fix.dialect import FIX44, Dialect
from sor_gateway.journal.record import Entry, Record
from tests.venue_sims.wire import Fix, Wire, still
from venue_sims.fault_config import fault_settings
from venue_sims.faults.facts import FaultStruck
from venue_sims.recovery import Recovered, encode_image, fact_codec, fold
from venue_sims.state import VenueState

Faults = Mapping[str, Mapping[str, object]]


def faulty(faults: Faults, dialect: Dialect = FIX44, venue: str = "exchange") -> Wire:
    """A lit venue with these faults, each as a venue's file would set it, and nothing else."""
    file = still(venue)
    file.throttle.msgs = 0
    file.faults = {name: fault_settings(name, values) for name, values in faults.items()}
    return Wire(file, dialect)


def reports(messages: list[Fix]) -> list[Fix]:
    return [message for message in messages if message[35] == "8"]


def fills(messages: list[Fix]) -> list[Fix]:
    return [message for message in reports(messages) if message[150] in ("F", "1", "2")]


def struck(wire: Wire, fault: str) -> int:
    """How often the journal says that a fault happened."""
    return sum(isinstance(fact, FaultStruck) and fact.fault == fault for fact in wire.desk.facts)


def assert_fold_is_memory(wire: Wire) -> None:
    """The facts alone give the same memory, and draw nothing."""
    state, codec = wire.desk.venue.state, fact_codec()
    entries = [
        Entry(session, 1, True, 0, "8", str(number), b"") for session, number in wire.desk.left
    ]
    folded = Recovered(VenueState(wire.mic))
    facts = [codec.encode(fact) for fact in wire.desk.facts]
    fold(folded, Record(1, wire.desk.now, entries, facts), codec)
    assert encode_image(folded.state, 0, {}, codec) == encode_image(state, 0, {}, codec)
