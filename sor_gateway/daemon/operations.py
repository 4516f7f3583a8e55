"""What operators may ask of the running engine, and the kill switch.

Owns: the views that metrics, health and status are made of.
May not know: HTTP, Prometheus' text; how a turn works. It reads between turns and changes nothing
but by a fact that the next turn handles.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from sor_gateway.config.settings import Configuration
from sor_gateway.daemon.doubts import doubts, old_doubts
from sor_gateway.daemon.doubts import refusal as refusal_to_resolve
from sor_gateway.daemon.engine import Engine
from sor_gateway.daemon.facts import SessionOperated
from sor_gateway.daemon.session_commands import refusal
from sor_gateway.daemon.sessions import ClientLink, Link, QuotesLink, VenueLink
from sor_gateway.journal.counters import JournalCounters
from sor_gateway.ops.metrics import JournalView, MetricsView, SessionView, VenueView
from sor_gateway.sor.disputes import DisputeSettled
from sor_gateway.sor.estimators.learnt import HORIZONS_NS, first_fill_ns
from sor_gateway.sor.events import ChildResolved, KillSwitched, VenueQuarantined
from sor_gateway.sor.orders import PARENT_OVER
from sor_gateway.sor.types import NANOS_PER_SECOND, ChildState, ParentState

ANSWER_PERCENTILES: Final = (50, 90, 99)
OPEN_PARENTS: Final = tuple(str(state) for state in ParentState if state not in PARENT_OVER)


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
        try:
            self._version = version("sor-gateway")
        except PackageNotFoundError:  # run from a source tree that was never installed
            self._version = "unknown"

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
                    "state": "disabled" if link.disabled else session.state.value,
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
            if link.disabled and not isinstance(link, ClientLink):
                reasons.append(f"session {name} is disabled: {link.disabled}")
            elif isinstance(link, VenueLink) and name in enabled and not link.session.synchronised:
                reasons.append(f"venue {name} is not synchronised")
            elif isinstance(link, QuotesLink) and link.venue in enabled and not link.quoted_ns:
                reasons.append(f"no market data from {link.venue}")
        reasons += [
            f"venue {name} gets no orders: {state.venues[name].barred}"
            for name in sorted(enabled)
            if state.venues[name].barred
        ]
        reasons += old_doubts(self._engine.router, now)
        if self._engine.stalled:
            reasons.append("the journal cannot write")
        if state.killed or state.stopped:
            reasons.append(state.killed or state.stopped)
        if state.suspect:
            waits = sorted(each for each in enabled if not state.venues[each].has_told_all)
            unknown = state.unproved or f"not every order is known of {', '.join(waits)}"
            reasons.append(
                f"the journal's tail may be gone: {unknown};"
                " release the kill switch to go on without"
            )
        if not self._configuration.calendar.covers(now):
            reasons.append("the calendar does not cover today: extend config/calendar.toml")
        if self._configuration.reference_data_stale(now):
            reasons.append("reference data is too old: renew config/securities.csv")
        return reasons

    def metrics(self) -> MetricsView:
        """A snapshot of all counters."""
        engine = self._engine
        router, counters, state = engine.router, engine.counters, engine.router.state
        parents = Counter(str(state.parents[each].state) for each in state.open_parents)
        return MetricsView(
            version=self._version,
            ready=not self.readiness(),
            killed=bool(state.killed),
            stopped=bool(state.stopped),
            suspect=state.suspect,
            sessions=[
                self._session(name, link)
                for name, link in engine.links.items()
                if self._is_wanted(link)
            ],
            venues=self._venues(),
            parents=dict.fromkeys(OPEN_PARENTS, 0) | parents,
            parents_ended=_texts(router.counts.parents_ended),
            journal=self._journal_view(),
            turns=counters.durations,
            deciding=counters.deciding,
            lags=engine.reactor.counters.lags,
            decisions={_kebab(name): count for name, count in counters.decisions.items()},
            waves=_texts(counters.waves),
            alarms=dict(counters.alarms),
            refused=self._refused(),
        )

    def kill(self, on: bool, reason: str) -> None:
        """Stop all flow, or release it; takes effect in the next turn."""
        self._engine.operate(KillSwitched(self._clock(), on, reason))

    def doubts(self) -> dict[str, object]:
        """What is in doubt, and why; who waits for it; which venues get no orders."""
        return doubts(self._engine.router, self._clock())

    def resolve(self, child_id: str, filled: int | None, price_micros: int, reason: str) -> str:
        """End a doubt by the operator's word, in the next turn; why that cannot be, or nothing.
        `filled` is what was executed in all; None for no more than is booked. Raises KeyError when
        there is no such child."""
        router = self._engine.router
        booked = router.state.children[child_id].cum_quantity
        cum = booked if filled is None else filled
        cause = refusal_to_resolve(router, child_id, cum)
        if not cause:
            fact = ChildResolved(self._clock(), child_id, cum, reason, price_micros)
            self._engine.operate(fact)
        return cause

    def settle(self, client: str, exec_id: str, reason: str) -> None:
        """A client does not deny an execution any more, in the next turn. Raises KeyError when it
        denies no such one."""
        if exec_id not in self._engine.router.state.disputes[client]:
            raise KeyError(exec_id)
        self._engine.operate(DisputeSettled(self._clock(), client, exec_id, reason))

    def quarantine(self, venue: str, on: bool, reason: str) -> None:
        """Take a venue out of routing, or let it back in, in the next turn. Raises KeyError when
        there is no such venue."""
        name = self._configuration.router.venues[venue].name
        self._engine.operate(VenueQuarantined(self._clock(), name, on, reason))

    def _is_wanted(self, link: Link) -> bool:
        """Whether a session ought to be up: those of a disabled venue alarm nobody."""
        if isinstance(link, ClientLink):
            return True
        venue = link.venue if isinstance(link, QuotesLink) else link.name
        return self._configuration.router.venues[venue].enabled

    def operate(self, session: str, action: str, reason: str, numbers: Mapping[str, int]) -> str:
        """Do something to a session, in the next turn; why it cannot be done now, or nothing.
        Raises KeyError when there is no such session."""
        command = SessionOperated(self._clock(), session, action, reason, **numbers)
        cause = refusal(self._engine.links[session], command)
        if not cause:
            self._engine.command(command)
        return cause

    def _session(self, name: str, link: Link) -> SessionView:
        session, counters = link.session, link.counters
        return SessionView(
            name=name,
            kind=kind_of(link),
            up=session.logged_on,
            synchronised=session.synchronised,
            received=counters.received,
            sent=counters.sent,
            logons=counters.logons,
            gaps=counters.gaps,
            skips=counters.skips,
            garbled=counters.incidents.get("garbled", 0),
            buffered_bytes=self._engine.reactor.buffered(session),
            outbox=len(link.outbox.waiting) if isinstance(link, ClientLink) else None,
            incidents=dict(counters.incidents),
        )

    def _journal_view(self) -> JournalView:
        journal = self._journal
        return JournalView(
            bytes_written=journal.bytes_written,
            records=journal.records,
            last_write_ns=self._engine.counters.last_record_ns,
            stalled=self._engine.stalled,
            stalls=journal.stalls,
            failed_rolls=journal.roll_failures,
            writes=journal.writes,
        )

    def _venues(self) -> list[VenueView]:
        now = self._clock()
        ages = {
            link.venue: now - link.quoted_ns if link.quoted_ns else None
            for link in self._engine.links.values()
            if isinstance(link, QuotesLink)
        }
        views = []
        for name in self._configuration.router.venues:
            view = VenueView(name, data_age_ns=ages.get(name))
            self._add_orders(view, now)
            self._add_trading(view)
            self._add_learnt(view)
            views.append(view)
        return views

    def _add_orders(self, view: VenueView, now: int) -> None:
        router = self._engine.router
        venue, counts = router.state.venues[view.name], router.counts.venue(view.name)
        live = len(venue.children) - counts.pending
        view.children = _texts({ChildState.PENDING_NEW: counts.pending, ChildState.LIVE: live})
        view.doubts = len(counts.doubted)
        view.oldest_doubt_ns = max(0, now - next(iter(counts.doubted.values()), now))
        view.barred = bool(venue.barred)
        view.tokens = venue.tokens(self._configuration.router.venues[view.name], now)
        view.sent, view.ended = counts.sent, _texts(counts.ended)
        view.answers, view.round_trips = counts.answers, counts.round_trips

    def _add_trading(self, view: VenueView) -> None:
        counters = self._engine.counters
        traded, scored = counters.traded.get(view.name), counters.scores.get(view.name)
        if traded is not None:
            view.fills, view.shares = traded.fills, traded.shares
            view.fees_micros = traded.fees_micros
        if scored is not None:
            view.score, view.cost_micros = scored.display, scored.cost_micros

    def _add_learnt(self, view: VenueView) -> None:
        state = self._engine.router.state
        answers, learnt = state.venues[view.name].answers, state.learnt.venues.get(view.name)
        for percentile in ANSWER_PERCENTILES:
            if (took_ns := answers.at(percentile / 100)) is not None:
                view.learnt.answers_ns[str(percentile)] = took_ns
        if learnt is None:
            return
        means = {"filled": learnt.fills, "rejected": learnt.rejects, "probed": learnt.probed}
        view.learnt.shares = {
            what: seen.total / seen.weight for what, seen in means.items() if seen.weight
        }
        view.learnt.first_fill_ns = first_fill_ns(learnt)
        view.learnt.markouts_micros = {
            f"{horizon_ns / NANOS_PER_SECOND:g}": seen.total / seen.weight
            for horizon_ns, seen in zip(HORIZONS_NS, learnt.markouts, strict=True)
            if seen.weight
        }


def _texts(counts: Mapping[Any, int]) -> dict[str, int]:
    """Counts by the words of an enumeration."""
    return {str(key): count for key, count in counts.items()}


def _kebab(name: str) -> str:
    """`ChildPlanned` as `child-planned`, like the other words in labels."""
    return "".join(f"-{each.lower()}" if each.isupper() else each for each in name)[1:]


def kind_of(link: Link) -> str:
    """What stands behind a session."""
    if isinstance(link, ClientLink):
        return "client"
    return "venue" if isinstance(link, VenueLink) else "market-data"
