"""Whether a venue trades: halts, price bands, sessions, and the operator's quarantine.

Owns: booking what was said about it. May not know: settings, quotes, FIX.

A halt stops new orders for a symbol at the venue that halts it; what rests there stays, because the
venue may cancel or keep it as it likes, and says which. What a venue said holds until it says
otherwise or its session ends: on the next connection it says anew what is not as usual.
"""

from __future__ import annotations

from sor_gateway.sor.commands import Alarm, Output
from sor_gateway.sor.events import SessionStatusChanged, SymbolStatusChanged, VenueQuarantined
from sor_gateway.sor.ledger import Ledger


def symbol_status_changed(ledger: Ledger, fact: SymbolStatusChanged) -> list[Output]:
    """A symbol stops or trades at a venue, or has other bands there."""
    state = ledger.state
    was_halted = fact.venue in state.halted.get(fact.symbol, {})
    bands = (fact.low_micros, fact.high_micros)
    known = state.bands.get(fact.symbol, {}).get(fact.venue, (0, 0))
    if not fact.halted and not was_halted and bands == known:
        return []  # a venue tells of every symbol at its opening: no reason to look at all orders
    if fact.halted:
        state.halted.setdefault(fact.symbol, {})[fact.venue] = fact.text
    elif was_halted:
        _drop(state.halted, fact.symbol, fact.venue)
    if any(bands):
        state.bands.setdefault(fact.symbol, {})[fact.venue] = bands
    elif not fact.halted:
        _drop(state.bands, fact.symbol, fact.venue)
    ledger.agenda.symbol_due(fact.symbol)
    if fact.halted == was_halted:
        return []
    text = f"{fact.symbol}: {fact.text}"
    if fact.halted:
        return [Alarm(fact.at_ns, "symbol-halted", text, fact.venue)]
    return [Alarm(fact.at_ns, "symbol-resumed", text, fact.venue)]


def session_status_changed(ledger: Ledger, fact: SessionStatusChanged) -> list[Output]:
    """A venue's trading session opens or closes. Who may want to use one that opens is due; one
    that closes concerns those who have orders there."""
    venue = ledger.venue(fact.venue)
    was_open = not venue.closed_session
    venue.closed_session = "" if fact.open else f"its trading session is {fact.text}"
    if fact.open == was_open:
        return []
    if fact.open:
        ledger.all_due()
        return [Alarm(fact.at_ns, "venue-session-opened", fact.text, fact.venue)]
    for child_id in venue.children:
        ledger.agenda.due(ledger.state.children[child_id].parent_id)
    return [Alarm(fact.at_ns, "venue-session-closed", fact.text, fact.venue)]


def quarantined(ledger: Ledger, fact: VenueQuarantined) -> list[Output]:
    """The operator takes a venue out of routing, or lets it back in."""
    venue = ledger.venue(fact.venue)
    venue.quarantine = f"in quarantine: {fact.reason}" if fact.on else ""
    ledger.all_due()
    if fact.on:
        return [Alarm(fact.at_ns, "venue-quarantined", fact.reason, fact.venue)]
    return [Alarm(fact.at_ns, "quarantine-ended", fact.reason, fact.venue)]


def forget_conditions(ledger: Ledger, venue: str) -> None:
    """Its session is over: what it said before may have changed since."""
    ledger.venue(venue).closed_session = ""
    for table in (ledger.state.halted, ledger.state.bands):
        for symbol in list(table):
            _drop(table, symbol, venue)


def _drop(
    table: dict[str, dict[str, str]] | dict[str, dict[str, tuple[int, int]]],
    symbol: str,
    venue: str,
) -> None:
    venues = table.get(symbol)
    if venues is not None:
        venues.pop(venue, None)
        if not venues:
            del table[symbol]
