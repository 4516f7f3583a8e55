"""The lines of a venue's sessions: what is written on them, when, and how they end.

Owns: bytes that wait to be written, lines that are kept down, unread or unwritten for a while.
May not know: what stands in a message, which fault wants something done, orders.

A line is written to whole, at once, as long as no fault says otherwise. `prepare` asks the faults
before the turn is written down, so that what they do stands in its record; `release` writes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from sor_gateway.fix.session import Session
from sor_gateway.fix.states import State
from sor_gateway.net.reactor import Reactor
from venue_sims.faults.board import Faults
from venue_sims.faults.fault import Piece
from venue_sims.faults.line import Deed, LineAction, Part
from venue_sims.faults.when import When

WAITING_MAX_BYTES: Final = 8 * 1024 * 1024
"""A line on which more than this waits to be written is cut."""
DOWN: Final = "this venue takes no connection now"


class Lines:
    """See the module."""

    def __init__(self, reactor: Reactor, faults: Faults) -> None:
        self._reactor = reactor
        self._faults = faults
        self._sessions: dict[str, Session] = {}
        self._shaped: dict[str, list[Piece]] = {}
        """What this turn has to say, as far as faults had a say in it."""
        self._waiting: dict[str, deque[tuple[int, bytes]]] = {}
        """Bytes and the time at which they may leave."""
        self._down: dict[str, int] = {}
        self._deaf: dict[str, int] = {}
        self._mute: dict[str, int] = {}
        self._deeds: dict[Deed, Callable[[Session, LineAction, int], None]] = {
            Deed.RST: self._tear,
            Deed.FIN: self._close,
            Deed.LOGOUT: self._log_out,
            Deed.ABANDON: self._abandon,
            Deed.DEAFEN: self._deafen,
            Deed.MUTE: self._silence,
        }

    def add(self, session: Session) -> None:
        """Take in the lines that this session will have."""
        self._sessions[session.settings.name] = session

    def lost(self, session: str) -> None:
        """The line of a session is gone, and what waits for it."""
        for kept in (self._waiting, self._deaf, self._mute, self._shaped):
            kept.pop(session, None)

    # --- the turn -------------------------------------------------------------------------

    def keep_down(self, now: int) -> None:
        """Take no new connection of those that are down. Before anything is read."""
        for name, until in list(self._down.items()):
            if until <= now:
                del self._down[name]
            elif self._sessions[name].state is State.DISCONNECTED:
                self._reactor.abort(self._sessions[name], DOWN)

    def prepare(self, now: int) -> None:
        """Ask the faults about all that the turn has to say."""
        if not (self._faults.wires or self._faults.cuts):
            return
        for name, session in self._sessions.items():
            data = session.take_output()
            if data and self._reactor.connected(session):
                self._shaped[name] = self._faults.shape(data, name, now)

    def release(self, now: int) -> None:
        """Write what there is to write, and do to the lines what faults want done."""
        actions = self._faults.take_actions()
        if not (actions or self._shaped or self._waiting or self._mute or self._deaf):
            self._reactor.flush()
            return
        parts = {
            name: action.part
            for action in actions
            if action.part is not Part.ALL
            for name in self._meant(action)
        }
        for name, session in self._sessions.items():
            self._write(name, session, parts.get(name, Part.ALL), now)
        for action in actions:
            for name in self._meant(action):
                self._deeds[action.deed](self._sessions[name], action, now)
        for name in [name for name, until in self._deaf.items() if until <= now]:
            del self._deaf[name]
            self._reactor.hear(self._sessions[name], hears=True)
        for name in [name for name, until in self._mute.items() if until <= now]:
            del self._mute[name]

    def next_deadline(self) -> int | None:
        """When `release` has something to do by itself."""
        due = [*self._deaf.values(), *self._mute.values()]
        due += [waiting[0][0] for waiting in self._waiting.values() if waiting]
        return min(due, default=None)

    # --- internals ------------------------------------------------------------------------

    def _meant(self, action: LineAction) -> list[str]:
        wanted = When(session=action.session)
        return [name for name in self._sessions if wanted.means(name, "")]

    def _write(self, name: str, session: Session, part: Part, now: int) -> None:
        pieces = self._shaped.pop(name, [])
        if data := session.take_output():
            pieces.append(Piece(data))
        if not self._reactor.connected(session):
            self._waiting.pop(name, None)
            return
        if part is not Part.ALL:
            data = b"".join(piece.data for piece in pieces)
            pieces = [Piece(data[: len(data) // 2])] if part is Part.HALF and data else []
        waiting = self._waiting.setdefault(name, deque())
        at = max(now, self._mute.get(name, now), waiting[-1][0] if waiting else now)
        for piece in pieces:
            at += piece.delay_ns
            waiting.append((at, piece.data))
        if self._mute.get(name, 0) <= now:
            while waiting and waiting[0][0] <= now:
                self._reactor.write(session, waiting.popleft()[1])
        if not waiting:
            del self._waiting[name]
        elif sum(len(data) for _, data in waiting) > WAITING_MAX_BYTES:
            self._tear(session, LineAction(name, Deed.RST), now)

    def _tear(self, session: Session, action: LineAction, now: int) -> None:  # noqa: ARG002
        self._stay_down(session, action)
        self._reactor.abort(session, action.reason)

    def _close(self, session: Session, action: LineAction, now: int) -> None:  # noqa: ARG002
        self._stay_down(session, action)
        self._reactor.close(session, action.reason)

    def _log_out(self, session: Session, action: LineAction, now: int) -> None:
        self._stay_down(session, action)
        if session.logged_on:
            session.logout(action.reason, now)
            self._reactor.wake()

    def _abandon(self, session: Session, action: LineAction, now: int) -> None:  # noqa: ARG002
        self._waiting.pop(session.settings.name, None)
        self._reactor.abandon(session, action.reason)

    def _deafen(self, session: Session, action: LineAction, now: int) -> None:  # noqa: ARG002
        self._deaf[session.settings.name] = action.until_ns
        self._reactor.hear(session, hears=False)

    def _silence(self, session: Session, action: LineAction, now: int) -> None:  # noqa: ARG002
        self._mute[session.settings.name] = action.until_ns

    def _stay_down(self, session: Session, action: LineAction) -> None:
        name = session.settings.name
        self._waiting.pop(name, None)
        self._down[name] = action.until_ns
