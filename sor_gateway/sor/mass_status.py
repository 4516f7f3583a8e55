"""Asking a venue for all orders at once (FIX AF), and what its answer proves.

Owns: when one such question stands for many, what the series that answers it says of those that are
not in it, what to do with orders that only the venue knows, and when a suspect journal tail is one
no longer (recovery.md 1.5, 3.5).
May not know: FIX tags, what the answer about a single child means (reports.py), quotes.

Theory of operation. A mass status request is a status request for each child in doubt that was not
asked about: their doubts carry its id, and a report of the series ends them as the answer to their
own request would. The series counts itself. Whole, it also speaks of those that are missing: a
venue that lists what is over, too, does not know them; of any other it is only known that they are
not open, and each is asked about alone. A series that is not whole, or never comes, says nothing of
them. It is never sent again: each connection begins anew, with H for whom it did not serve.
"""

from __future__ import annotations

from typing import Final

from sor_gateway.sor.commands import Alarm, AskVenue, CancelChild, Output
from sor_gateway.sor.decisions import MassStatusPlanned, TailProved
from sor_gateway.sor.doubt import Doubt
from sor_gateway.sor.events import ChildStatusReported, MassStatusRefused
from sor_gateway.sor.ledger import Ledger
from sor_gateway.sor.orders import Child
from sor_gateway.sor.plan import Plan
from sor_gateway.sor.settings import MassStatus, VenueSettings
from sor_gateway.sor.state import RouterState
from sor_gateway.sor.types import ID_DIGITS, Nanos, Shares
from sor_gateway.sor.venues import MassQuestion, VenueState

LEAST: Final = 4
"""So many children in doubt at a venue are asked about with one question."""
TRIES_ALARM: Final = 3
"""A status request or cancel that has to be repeated this often is an incident."""
STRAYS_MAX: Final = 1_000
"""Orders that only the venue knew: no more are cancelled on one connection."""
CHILD_PREFIX: Final = "C"

# --- deciding -------------------------------------------------------------------------------


def may_ask(venue: VenueState, settings: VenueSettings) -> bool:
    """Whether a venue can be asked for all orders now."""
    is_free = venue.mass is None and not venue.is_mass_refused
    return settings.mass_status is not MassStatus.NONE and venue.is_open and is_free


def pays(state: RouterState, venue: VenueState) -> bool:
    """Whether enough children wait for a question."""
    waiting = 0
    for child_id in venue.children:
        flight = state.children[child_id].flight
        if flight is not None and flight.doubt is not None and flight.doubt.is_unasked:
            waiting += 1
            if waiting == LEAST:
                return True
    return False


def ask(plan: Plan, settings: VenueSettings, why: str) -> None:
    """Write the question down."""
    plan.asked_all[settings.name] = None
    plan.spend(settings.name)
    lists_over = settings.mass_status is MassStatus.ALL
    request_id = plan.next_id("M")
    plan.add(MassStatusPlanned(plan.now, settings.name, request_id, why, lists_over))


def prove_tail(plan: Plan, state: RouterState, venues: dict[str, VenueSettings]) -> None:
    """The journal may have lost orders: ask who has not told yet what it has. Once all did, with
    what is over, and what was lost is cancelled, nothing can be there that is not known."""
    enabled = [settings for settings in venues.values() if settings.enabled]
    for settings in enabled:
        venue = state.venues[settings.name]
        can_leave = plan.tokens(settings.name) > 0 and plan.ids_left > 1
        if not venue.has_listed and can_leave and may_ask(venue, settings):
            ask(plan, settings, "the journal's tail may be lost")
    told = [state.venues[settings.name] for settings in enabled]
    has_all = all(venue.has_told_all and not venue.strays for venue in told)
    if told and has_all and not state.unproved:
        plan.add(TailProved(plan.now))


# --- booking --------------------------------------------------------------------------------


def planned(ledger: Ledger, fact: MassStatusPlanned) -> list[Output]:
    """The question leaves, for each child in doubt that waits for one."""
    venue = ledger.venue(fact.venue)
    ledger.take_order_id(fact.request_id, "M")
    venue.mass = MassQuestion(fact.request_id, fact.lists_over, fact.at_ns)
    out: list[Output] = [AskVenue(fact.venue, fact.request_id, fact.at_ns)]
    for child_id in venue.children:
        child = ledger.state.children[child_id]
        if child.flight is not None and (doubt := child.flight.doubt) and doubt.is_unasked:
            out += asked(ledger, child, doubt, fact.request_id, fact.at_ns)
    return out


def asked(
    ledger: Ledger, child: Child, doubt: Doubt, request_id: str, at_ns: Nanos
) -> list[Output]:
    """A question about a child leaves, alone or with others. One that has to be repeated too often
    is an incident."""
    doubt.asked(request_id, at_ns)
    if doubt.tries != TRIES_ALARM:
        return []
    text = f"status request {doubt.tries} for {child.child_id}: {doubt.cause}"
    return [ledger.alarm(at_ns, "status-repeated", text, child)]


def reported(ledger: Ledger, fact: ChildStatusReported) -> list[Output]:
    """A part of the series has come, and is booked as far as it speaks of one child."""
    venue = ledger.venue(fact.venue)
    mass = venue.mass
    if mass is None or mass.request_id != fact.request_id:
        return []
    mass.heard_ns = fact.at_ns
    if fact.total:  # else it says that there is none
        mass.told[fact.child_id] = None
    if not fact.last:
        return []
    venue.mass = None
    if len(mass.told) != fact.total:
        text = f"it announced {fact.total} orders and told of {len(mass.told)}"
        _give_up(ledger, fact.venue, mass.request_id)
        return [Alarm(fact.at_ns, "mass-status-broken", text, fact.venue)]
    venue.has_listed, venue.lists_over = True, mass.lists_over
    for child, doubt in _waiting(ledger, fact.venue, mass.request_id):
        doubt.forget_question()
        doubt.alone = True
        ledger.agenda.due(child.parent_id)
    return []


def refused(ledger: Ledger, fact: MassStatusRefused) -> list[Output]:
    """The venue takes no such request: on this connection it is not asked so again."""
    venue = ledger.venue(fact.venue)
    if venue.mass is None or venue.mass.request_id != fact.request_id:
        return []
    venue.mass = None
    _give_up(ledger, fact.venue, fact.request_id)
    text = fact.text or "without a reason"
    return [Alarm(fact.at_ns, "mass-status-refused", text, fact.venue)]


def _give_up(ledger: Ledger, name: str, request_id: str) -> None:
    """Each child that the question stood for is asked about by itself."""
    ledger.venue(name).is_mass_refused = True
    for child, doubt in _waiting(ledger, name, request_id):
        doubt.forget_question()
        ledger.agenda.due(child.parent_id)


def _waiting(ledger: Ledger, name: str, request_id: str) -> list[tuple[Child, Doubt]]:
    """Children whose doubt this question was to end, and did not."""
    found: list[tuple[Child, Doubt]] = []
    for child_id in ledger.venue(name).children:
        child = ledger.state.children[child_id]
        doubt = None if child.flight is None else child.flight.doubt
        if doubt is not None and doubt.request_id == request_id:
            found.append((child, doubt))
    return found


def stray(ledger: Ledger, fact: ChildStatusReported) -> list[Output]:
    """An order that only the venue knows: what it did is told to the operator. While the journal's
    tail is suspect one with an id of ours went with it: what is left of it is cancelled."""
    state, venue = ledger.state, ledger.venue(fact.venue)
    if not (fact.live or state.suspect):
        return []  # over, and nothing says that it was lost here
    what = "live" if fact.live else fact.how.value
    text = (
        f"{fact.child_id} is {what} at {fact.venue} with {fact.cum_quantity} of {fact.quantity}"
        f" {fact.symbol} executed and is not ours"
    )
    out: list[Output] = [
        Alarm(fact.at_ns, "unknown-child", text, fact.venue, child_id=fact.child_id)
    ]
    lost_traded(ledger, fact.venue, fact.child_id, fact.cum_quantity)
    is_lost = fact.live and state.suspect and _may_be_ours(ledger, fact.child_id)
    if not is_lost or fact.child_id in venue.strays:
        return out
    if len(venue.strays) >= STRAYS_MAX or fact.side is None:
        state.unproved = f"{fact.child_id} is live at {fact.venue} and is not cancelled"
        return out
    venue.strays[fact.child_id] = None
    cancel_id = ledger.next_order_id("X")
    ledger.take_order_id(cancel_id, "X")
    cancel = CancelChild(
        fact.venue,
        fact.child_id,
        cancel_id,
        fact.venue_order_id,
        fact.symbol,
        fact.side,
        fact.quantity,
        fact.at_ns,
    )
    return [cancel, *out]


def lost_traded(ledger: Ledger, venue: str, child_id: str, cum: Shares) -> None:
    """A venue speaks of an order that is not known here, with so much executed. One that went with
    the tail was for an order of a client, and nobody knows which: were the tail taken for proved,
    those shares would be bought or sold again."""
    state = ledger.state
    is_lost = state.suspect and child_id not in state.children and _may_be_ours(ledger, child_id)
    if cum and is_lost:
        state.unproved = f"{cum} of {child_id} were executed at {venue}, of an order that was lost"


def stray_ended(ledger: Ledger, venue: str, child_id: str) -> None:
    """The venue says the end of an order that nobody here knows."""
    ledger.venue(venue).strays.pop(child_id, None)


def _may_be_ours(ledger: Ledger, child_id: str) -> bool:
    """Whether an id is one that we may have given."""
    number = child_id.removeprefix(CHILD_PREFIX)
    is_formed = child_id.startswith(CHILD_PREFIX) and len(number) >= ID_DIGITS
    is_number = number.isascii() and number.isdigit()
    return is_formed and is_number and int(number) <= ledger.state.reserved_through


def tail_proved(ledger: Ledger, fact: TailProved) -> list[Output]:
    """All is known: orders may leave again."""
    ledger.state.suspect = False
    ledger.all_due()
    text = "every venue told which orders of ours it has: new ones may leave"
    return [Alarm(fact.at_ns, "journal-tail-proved", text)]
