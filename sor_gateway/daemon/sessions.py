"""Which session is whose: the links between FIX sessions and what stands behind them.

Owns: per session, the translator and the little state that belongs to the connection.
May not know: the turn, the journal, routing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from sor_gateway.daemon.counters import SessionCounters
from sor_gateway.daemon.outbox import Outbox
from sor_gateway.daemon.throttle import Throttle
from sor_gateway.fix.session import Session
from sor_gateway.translate.clients import ClientTranslator
from sor_gateway.translate.quotes import QuoteTranslator
from sor_gateway.translate.venues import VenueTranslator


@dataclass(slots=True)
class ClientLink:
    """An EMS: orders come in, reports go out through its outbox."""

    session: Session
    translator: ClientTranslator
    outbox: Outbox
    counters: SessionCounters = field(default_factory=SessionCounters)
    throttle: Throttle = field(default_factory=Throttle)
    keep_out_ns: int = 0
    """How long the client stays out once it was cut for sending too much."""
    kept_out_until_ns: int = 0
    on_disconnect: Literal["keep", "cancel"] = "keep"
    """What happens to its parents when its session ends."""
    day_end_ns: Callable[[int], int] = lambda _: 0
    """When a Day order that comes at a time expires; 0 for never."""
    resume_window_ns: int = 0
    """After an outage of ours that was longer its parents catch nothing up; 0: however long."""
    after_outage: Literal["resume", "suspend"] = "resume"
    """Whether they then go on by themselves, or rest until an operator releases them."""
    disabled: str = ""
    """Why an operator closed the session; empty while it is open."""
    is_skewed: bool = False
    """Whether the peer's clock differs by more than is bearable."""

    @property
    def name(self) -> str:
        """The session's name, which is the client's."""
        return self.session.settings.name


@dataclass(slots=True)
class VenueLink:
    """A venue's order session."""

    session: Session
    translator: VenueTranslator
    counters: SessionCounters = field(default_factory=SessionCounters)
    logon_number: int = 0
    """The number of our Logon on this connection: orders below it are never sent again."""
    asks_status: bool = False
    """The venue does not tell unasked what trades: it is asked here, at each logon."""
    symbols: list[str] = field(default_factory=list)
    disabled: str = ""
    """Why an operator closed the session; empty while it is open."""
    is_skewed: bool = False
    """Whether the peer's clock differs by more than is bearable."""

    @property
    def name(self) -> str:
        """The session's name, which is the venue's."""
        return self.session.settings.name


@dataclass(slots=True)
class QuotesLink:
    """A venue's market-data session: reset at each logon, never recorded."""

    session: Session
    venue: str
    translator: QuoteTranslator
    symbols: list[str]
    counters: SessionCounters = field(default_factory=SessionCounters)
    quoted_ns: int = 0
    """When the venue's last quote came; 0 before the first on this connection."""
    subscribed_ns: int = 0
    """When its books were last asked for."""
    asks_status: bool = False
    """The venue does not tell unasked what trades: it is asked here, at each logon."""
    dropped: int = 0
    """Books that the translator had dropped when they were last asked for."""
    disabled: str = ""
    """Why an operator closed the session; empty while it is open."""
    is_skewed: bool = False
    """Whether the peer's clock differs by more than is bearable."""

    @property
    def heard_ns(self) -> int:
        """When its quotes, or the request for them, last gave a sign of life."""
        return max(self.quoted_ns, self.subscribed_ns)


Link = ClientLink | VenueLink | QuotesLink
