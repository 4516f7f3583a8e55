"""Asking a venue what trades, where it does not tell that unasked.

Owns: what is asked, and what holds until it is answered.
May not know: when it is asked (intake.py), what the answers mean (translate/conditions.py).

A halt that began while we were away has to be known before the first child goes there. So the
venue's trading session counts as closed until the venue told it, which it does last; who refuses
to tell is taken for open, as one who tells nothing unasked is.
"""

from __future__ import annotations

from typing import Final

from sor_gateway.daemon.draft import Draft, send
from sor_gateway.daemon.sessions import QuotesLink, VenueLink
from sor_gateway.fix import tags
from sor_gateway.fix.message import Message
from sor_gateway.fix.tags import MsgType
from sor_gateway.sor.events import SessionStatusChanged
from sor_gateway.translate.conditions import status_requests
from sor_gateway.translate.outgoing import clean

NOT_TOLD: Final = "not told yet"


def ask_status(draft: Draft, link: VenueLink | QuotesLink, now: int) -> None:
    """Ask on this session, where it is the one to ask."""
    if not (link.asks_status and link.session.logged_on):
        return
    session = link.session.settings.name
    draft.apply(SessionStatusChanged(now, _venue(link), False, NOT_TOLD, session))
    for outgoing in status_requests(link.symbols):
        send(draft.touch(link), outgoing, now)


def status_refused(draft: Draft, link: QuotesLink, message: Message, now: int) -> None:
    """A venue refused a request on its market-data session: when it was the one for the trading
    session, it counts as open."""
    if message.get(tags.RefMsgType) == MsgType.TRADING_SESSION_STATUS_REQUEST:
        text = f"not told: {clean(message.get(tags.Text, ''))}"
        session = link.session.settings.name
        draft.apply(SessionStatusChanged(now, link.venue, True, text, session))


def _venue(link: VenueLink | QuotesLink) -> str:
    return link.name if isinstance(link, VenueLink) else link.venue
