"""Whether a venue trades: halts, price bands, sessions, and the operator's quarantine.

Owns: booking what was said about it. May not know: settings, quotes, FIX.

A halt stops new orders for a symbol at the venue that halts it; what rests there stays, because the
venue may cancel or keep it as it likes, and says which. A venue tells on each of its sessions what
is not as usual: of orders and of market data. What a session told holds until that session says
otherwise or is over, whatever becomes of the other: a symbol is halted while either says so, an
order keeps to the bands of both. On the next connection the venue says anew what is not as usual.
"""

from __future__ import annotations

from sor_gateway.sor.commands import Alarm, Output
from sor_gateway.sor.events import (
    SessionStatusChanged,
    StatusLapsed,
    SymbolStatusChanged,
    VenueQuarantined,
)
from sor_gateway.sor.ledger import Ledger
from sor_gateway.sor.state import RouterState
from sor_gateway.sor.types import Micros
from sor_gateway.sor.venues import Status, VenueState


def symbol_status_changed(ledger: Ledger, fact: SymbolStatusChanged) -> list[Output]:
    """A symbol stops or trades at a venue, or has other bands there."""
    venue = ledger.venue(fact.venue)
    was_halted = fact.venue in ledger.state.halted.get(fact.symbol, {})
    status = _status(venue, fact.session or fact.venue)
    if fact.halted:
        status.halted[fact.symbol] = fact.text
    else:
        status.halted.pop(fact.symbol, None)
    bands = (fact.low_micros, fact.high_micros)
    if any(bands):
        status.bands[fact.symbol] = bands
    elif not fact.halted:
        status.bands.pop(fact.symbol, None)
    _settle(ledger, fact.venue, fact.symbol)
    _drop_usual(venue)
    is_halted = fact.venue in ledger.state.halted.get(fact.symbol, {})
    if is_halted == was_halted:
        return []
    text = f"{fact.symbol}: {fact.text}"
    if is_halted:
        return [Alarm(fact.at_ns, "symbol-halted", text, fact.venue)]
    return [Alarm(fact.at_ns, "symbol-resumed", text, fact.venue)]


def session_status_changed(ledger: Ledger, fact: SessionStatusChanged) -> list[Output]:
    """A venue's trading session opens or closes."""
    venue = ledger.venue(fact.venue)
    was_open = not venue.closed_session
    status = _status(venue, fact.session or fact.venue)
    status.closed = "" if fact.open else f"its trading session is {fact.text}"
    _settle_session(ledger, venue)
    _drop_usual(venue)
    is_open = not venue.closed_session
    if is_open == was_open:
        return []
    if is_open:
        return [Alarm(fact.at_ns, "venue-session-opened", fact.text, fact.venue)]
    return [Alarm(fact.at_ns, "venue-session-closed", fact.text, fact.venue)]


def status_lapsed(ledger: Ledger, fact: StatusLapsed) -> list[Output]:
    """A session of a venue is over: what it told may have changed since."""
    forget_status(ledger, fact.venue, fact.session)
    return []


def forget_status(ledger: Ledger, name: str, session: str) -> None:
    """Forget what one session of a venue told; what another told holds."""
    venue = ledger.venue(name)
    status = venue.told.pop(session, None)
    if status is None:
        return
    for symbol in {**status.halted, **status.bands}:
        _settle(ledger, name, symbol)
    _settle_session(ledger, venue)


def forget_all_status(state: RouterState) -> None:
    """No session of any venue is left."""
    state.halted.clear()
    state.bands.clear()
    for venue in state.venues.values():
        venue.told.clear()
        venue.closed_session = ""


def quarantined(ledger: Ledger, fact: VenueQuarantined) -> list[Output]:
    """The operator takes a venue out of routing, or lets it back in."""
    venue = ledger.venue(fact.venue)
    venue.quarantine = f"in quarantine: {fact.reason}" if fact.on else ""
    ledger.all_due()
    if fact.on:
        return [Alarm(fact.at_ns, "venue-quarantined", fact.reason, fact.venue)]
    return [Alarm(fact.at_ns, "quarantine-ended", fact.reason, fact.venue)]


def _status(venue: VenueState, session: str) -> Status:
    """What a session told; made when it first says something."""
    status = venue.told.get(session)
    if status is None:
        status = venue.told[session] = Status()
    return status


def _drop_usual(venue: VenueState) -> None:
    """A venue tells of every symbol at its opening: a session that tells nothing unusual is not
    kept."""
    for session in [name for name, status in venue.told.items() if status.is_usual]:
        del venue.told[session]


def _settle(ledger: Ledger, name: str, symbol: str) -> None:
    """What holds for a symbol at a venue, by all that its sessions told. Only a change makes the
    orders in the symbol due: a venue that opens tells of all that it trades."""
    state, told = ledger.state, ledger.venue(name).told.values()
    halts = [status.halted[symbol] for status in told if symbol in status.halted]
    bands = [status.bands[symbol] for status in told if symbol in status.bands]
    halted = state.halted.setdefault(symbol, {})
    banded = state.bands.setdefault(symbol, {})
    before = (halted.get(name), banded.get(name))
    if halts:
        halted[name] = halts[0]
    else:
        halted.pop(name, None)
    if bands:
        banded[name] = _narrowest(bands)
    else:
        banded.pop(name, None)
    if before != (halted.get(name), banded.get(name)):
        ledger.agenda.symbol_due(symbol)
    if not halted:
        del state.halted[symbol]
    if not banded:
        del state.bands[symbol]


def _narrowest(bands: list[tuple[Micros, Micros]]) -> tuple[Micros, Micros]:
    """What lies within all bands; 0 for no bound."""
    lows, highs = [low for low, _ in bands], [high for _, high in bands if high]
    return max(lows), min(highs, default=0)


def _settle_session(ledger: Ledger, venue: VenueState) -> None:
    """Whether a venue's trading session is open, by all that its sessions told. Who may want to use
    one that opens is due; one that closes concerns those who have orders there."""
    was_closed = venue.closed_session
    closed = [status.closed for status in venue.told.values() if status.closed]
    venue.closed_session = closed[0] if closed else ""
    if was_closed and not closed:
        ledger.all_due()
    elif closed and not was_closed:
        for child_id in venue.children:
            ledger.agenda.due(ledger.state.children[child_id].parent_id)
