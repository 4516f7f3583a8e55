"""What operators may ask of the running engine, and the kill switch.

Owns: the views that metrics, health and status are made of.
May not know: HTTP, Prometheus' text; how a turn works. It reads between turns and changes nothing
but by a fact that the next turn handles.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from sor_gateway.config.settings import Configuration
from sor_gateway.daemon.engine import Engine
from sor_gateway.daemon.sessions import ClientLink, Link, QuotesLink, VenueLink
from sor_gateway.journal.counters import JournalCounters
from sor_gateway.ops.metrics import MetricsView, SessionView, VenueView
from sor_gateway.sor.events import KillSwitched


class EngineOperations:
    """The engine as operators see it."""

    def __init__(
        self,
        engine: Engine,
        configuration: Configuration,
        journal: JournalCounters,
        clock: Callable[[], int],
        refused: Callable[[], dict[str, int]],
    ) -> None:
        self._engine = engine
        self._configuration = configuration
        self._journal = journal
        self._clock = clock
        self._refused = refused

    def status(self) -> dict[str, object]:
        """What the gateway is doing."""
        state = self._engine.router.state
        return {
            "ready": not self.readiness(),
            "reasons": self.readiness(),
            "killed": state.killed,
            "stopped": state.stopped,
            "turn": self._engine.turn_number,
            "open_parents": len(state.open_parents),
            "open_children": self._engine.router.open_children(),
            "alarms": dict(self._engine.counters.alarms),
        }

    def sessions(self) -> list[dict[str, object]]:
        """One entry for each FIX session."""
        rows: list[dict[str, object]] = []
        for name, link in self._engine.links.items():
            session = link.session
            rows.append(
                {
                    "session": name,
                    "kind": kind_of(link),
                    "state": session.state.value,
                    "peer": self._engine.reactor.peer(session),
                    "epoch": session.numbers.epoch,
                    "next_in": session.numbers.next_in,
                    "next_out": session.numbers.next_out,
                    "outbox": len(link.outbox.waiting) if isinstance(link, ClientLink) else 0,
                }
            )
        return rows

    def readiness(self) -> list[str]:
        """Why orders cannot flow; empty when they can."""
        now, state = self._clock(), self._engine.router.state
        reasons: list[str] = []
        enabled = {
            name for name, venue in self._configuration.router.venues.items() if venue.enabled
        }
        for name, link in self._engine.links.items():
            if isinstance(link, VenueLink) and name in enabled and not link.session.synchronised:
                reasons.append(f"venue {name} is not synchronised")
            elif isinstance(link, QuotesLink) and link.venue in enabled and not link.quoted_ns:
                reasons.append(f"no market data from {link.venue}")
        if self._engine.stalled:
            reasons.append("the journal cannot write")
        if state.killed or state.stopped:
            reasons.append(state.killed or state.stopped)
        if state.suspect:
            reasons.append("the journal's tail may be gone; release the kill switch to go on")
        if not self._configuration.calendar.covers(now):
            reasons.append("the calendar does not cover today: extend config/calendar.toml")
        if self._configuration.reference_data_stale(now):
            reasons.append("reference data is too old: renew config/securities.csv")
        return reasons

    def metrics(self) -> MetricsView:
        """A snapshot of all counters."""
        engine = self._engine
        state = engine.router.state
        return MetricsView(
            sessions=[self._session(name, link) for name, link in engine.links.items()],
            venues=self._venues(),
            parents=dict(Counter(str(state.parents[each].state) for each in state.open_parents)),
            journal_bytes=self._journal.bytes_written,
            journal_records=self._journal.records,
            journal_last_write_ns=engine.counters.last_record_ns,
            journal_stalled=engine.stalled,
            turns=engine.counters.durations,
            loop_lag_ns=engine.reactor.counters.loop_lag_ns,
            alarms=dict(engine.counters.alarms),
            refused=self._refused(),
            killed=bool(state.killed),
        )

    def kill(self, on: bool, reason: str) -> None:
        """Stop all flow, or release it; takes effect in the next turn."""
        self._engine.operate(KillSwitched(self._clock(), on, reason))

    def _session(self, name: str, link: Link) -> SessionView:
        session, counters = link.session, link.counters
        return SessionView(
            name=name,
            kind=kind_of(link),
            up=session.logged_on,
            synchronised=session.synchronised,
            messages_in=counters.messages_in,
            messages_out=counters.messages_out,
            gaps=counters.gaps,
            garbled=counters.incidents.get("garbled", 0),
            buffered_bytes=self._engine.reactor.buffered(session),
            incidents=dict(counters.incidents),
        )

    def _venues(self) -> list[VenueView]:
        engine, now = self._engine, self._clock()
        ages = {
            link.venue: now - link.quoted_ns if link.quoted_ns else None
            for link in engine.links.values()
            if isinstance(link, QuotesLink)
        }
        views: list[VenueView] = []
        for name, settings in self._configuration.router.venues.items():
            traded = engine.counters.traded.get(settings.mic)
            view = VenueView(name, self._children(name), data_age_ns=ages.get(name))
            view.score = engine.counters.scores.get(name)
            if traded is not None:
                view.fills, view.shares = traded.fills, traded.shares
                view.fees_micros = traded.fees_micros
            views.append(view)
        return views

    def _children(self, venue: str) -> dict[str, int]:
        state = self._engine.router.state
        known = state.venues.get(venue)
        if known is None:
            return {}
        return dict(Counter(str(state.children[each].state) for each in known.children))


def kind_of(link: Link) -> str:
    """What stands behind a session."""
    if isinstance(link, ClientLink):
        return "client"
    return "venue" if isinstance(link, VenueLink) else "market-data"
