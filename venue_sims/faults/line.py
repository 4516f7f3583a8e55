"""Faults of a session's line: cut, forgotten, unread, unwritten.

Owns: F1, F2, F14, F29, and the words for what is to be done to a line.
May not know: sockets, sessions beyond their names, the clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from venue_sims.faults.fault import Leaving, LostFault, ReportFault, Timed, TimedFault
from venue_sims.faults.reports import strikes_report
from venue_sims.faults.when import When, at_least, ms

if TYPE_CHECKING:
    from venue_sims.venue import Venue


class Deed(StrEnum):
    """What is done to a line."""

    RST = "rst"
    """Torn down at once: what is on its way is gone."""
    FIN = "fin"
    """Closed behind what was written."""
    LOGOUT = "logout"
    """A Logout first."""
    ABANDON = "abandon"
    """Forgotten here, while the other side believes it is well."""
    DEAFEN = "deafen"
    """Not read for a while."""
    MUTE = "mute"
    """Not written to for a while."""


class Part(StrEnum):
    """How much of what a turn has to say leaves before the line is cut."""

    NONE = "none"
    HALF = "half"
    ALL = "all"


@dataclass(slots=True)
class LineAction:
    """Done to the lines of `session` (as `When.session` means it; empty: all). `until_ns`: how long
    it lasts; for a closed line, how long no new one is taken."""

    session: str
    deed: Deed
    until_ns: int = 0
    part: Part = Part.ALL
    reason: str = "a fault of this venue"


@dataclass(slots=True, kw_only=True)
class DisconnectSettings(Timed):
    """`during`: at a time of its own, or when a fill or an acknowledgement is about to leave: it is
    numbered and written down, and of the turn's bytes so much goes out. `down_ms`: how long no new
    connection is taken."""

    mode: Literal["rst", "fin", "logout"] = "rst"
    during: Literal["idle", "fill", "ack"] = "idle"
    part: Part = Part.NONE
    down_ms: int = 0

    def __post_init__(self) -> None:
        at_least(0, down_ms=self.down_ms)
        if self.during == "idle":
            Timed.__post_init__(self)
        else:
            When.__post_init__(self)


class Disconnect(TimedFault[DisconnectSettings], ReportFault[DisconnectSettings]):
    """The line goes down."""

    name, number, Settings = "disconnect", "F1", DisconnectSettings

    def next_ns(self) -> int | None:
        """Only when it does not wait for a report."""
        return super().next_ns() if self.settings.during == "idle" else None

    def happen(self, venue: Venue, now: int) -> None:  # noqa: ARG002
        """All lines that are meant."""
        self._cut(self.settings.session, now)

    def shape(self, leaving: list[Leaving], session: str, now: int) -> list[Leaving]:
        """The line of the report."""
        during, report = self.settings.during, leaving[0].report
        if during != "idle" and strikes_report(self, during, report, session, now):
            self._cut(session, now)
        return leaving

    def _cut(self, session: str, now: int) -> None:
        settings = self.settings
        until = now + ms(settings.down_ms)
        self.act(LineAction(session, Deed(settings.mode), until, settings.part))


@dataclass(slots=True, kw_only=True)
class CodSettings(When):
    """`grace_ms`: how long the client has to come back."""

    grace_ms: int = 0

    def __post_init__(self) -> None:
        When.__post_init__(self)
        at_least(0, grace_ms=self.grace_ms)


class Cod(LostFault[CodSettings]):
    """Day orders of a client whose line is lost are cancelled, as `[fix] cod` has it for good."""

    name, number, Settings = "cod", "F2", CodSettings

    def grace_ns(self, session: str, now: int) -> int | None:
        """The grace, if it happens to this client now."""
        about = f"{session}|{now}"
        return ms(self.settings.grace_ms) if self.strikes(about, now, session=session) else None


class HalfOpen(TimedFault[Timed]):
    """This side has forgotten the line; the other does not know it."""

    name, number, Settings = "half_open", "F29", Timed

    def happen(self, venue: Venue, now: int) -> None:  # noqa: ARG002
        """A new connection is taken at once."""
        self.act(LineAction(self.settings.session, Deed.ABANDON, now))


@dataclass(slots=True, kw_only=True)
class PauseSettings(Timed):
    """For `ms`."""

    ms: int = 1_000

    def __post_init__(self) -> None:
        Timed.__post_init__(self)
        at_least(1, ms=self.ms)


class SlowConsumer(TimedFault[PauseSettings]):
    """What comes is not read."""

    name, number, Settings = "slow_consumer", "F14", PauseSettings

    def happen(self, venue: Venue, now: int) -> None:  # noqa: ARG002
        """The kernel's buffers fill."""
        until = now + ms(self.settings.ms)
        self.act(LineAction(self.settings.session, Deed.DEAFEN, until))


class TcpStall(TimedFault[PauseSettings]):
    """What should go out is not written."""

    name, number, Settings = "tcp_stall", "F14", PauseSettings

    def happen(self, venue: Venue, now: int) -> None:  # noqa: ARG002
        """It waits, heartbeats and all."""
        until = now + ms(self.settings.ms)
        self.act(LineAction(self.settings.session, Deed.MUTE, until))
