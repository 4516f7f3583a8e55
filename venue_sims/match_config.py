"""How a venue's file says how it matches: the tables [match], [conditional] and [signal].

Owns: their schema, checked and turned into plain settings.
May not know: machines, sockets, the other tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from venue_sims.flow.clock import NANOS_PER_MS, NANOS_PER_SECOND
from venue_sims.matching.crossing import Improvement
from venue_sims.matching.invitations import InvitationSettings
from venue_sims.matching.rules import SelfMatch
from venue_sims.matching.signal import SignalSettings
from venue_sims.words import session_name

MICROS: Final = 1_000_000
PPM_A_BPS: Final = 100


@dataclass(slots=True)
class MatchSettings:
    """How one venue matches."""

    collar_ppm: int
    self_match: SelfMatch
    slide: bool
    protect: bool
    improvement: Improvement
    by_size: bool
    tiers: dict[str, int]
    """By session."""
    apart: frozenset[tuple[int, int]]
    invitations: InvitationSettings
    signal: SignalSettings
    leaders: list[str]
    """Which lit venues lead, by MIC."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Match(_Strict):
    """[match]"""

    collar_bps: int = Field(default=500, gt=0, lt=10_000)
    max_quantity: int = Field(default=1_000_000, gt=0)
    stp: SelfMatch = SelfMatch.NEWEST
    post_only: Literal["reject", "slide"] = "reject"
    oprule: Literal["off", "enforce"] = "off"
    price_improve: Improvement = Improvement.MID
    by_size: bool = False
    tiers: dict[str, int] = {}
    apart: list[tuple[int, int]] = []


class Conditional(_Strict):
    """[conditional]"""

    window_ms: int = Field(default=1_000, ge=1)
    suspend_below: float = Field(default=0.0, ge=0, le=1)
    sample: int = Field(default=20, ge=1)
    memory_s: int = Field(default=300, ge=1)

    def settings(self) -> InvitationSettings:
        """As plain settings."""
        return InvitationSettings(
            self.window_ms * NANOS_PER_MS,
            round(self.suspend_below * MICROS),
            self.sample,
            self.memory_s * NANOS_PER_SECOND,
        )


_SIGNAL = SignalSettings()


class Signal(_Strict):
    """[signal]"""

    constant: float = _SIGNAL.constant
    near: float = _SIGNAL.near
    far: float = _SIGNAL.far
    near_before: float = _SIGNAL.near_before
    far_before: float = _SIGNAL.far_before
    leaving: float = _SIGNAL.leaving
    leader: float = _SIGNAL.leaders
    threshold: float = Field(default=_SIGNAL.threshold, gt=0, lt=1)
    on_ms: float = Field(default=2.0, gt=0)
    leaders: list[str] = []

    def settings(self) -> SignalSettings:
        """As plain settings; who leads is known by name only."""
        values = self.model_dump(exclude={"leader", "leaders", "on_ms"})
        return SignalSettings(**values, leaders=self.leader, on_ns=round(self.on_ms * NANOS_PER_MS))


def match_settings(
    match: Match, conditional: Conditional, signal: Signal | None, versions: Sequence[str]
) -> MatchSettings:
    """What the tables say, as plain settings."""
    signal = signal or Signal()
    return MatchSettings(
        collar_ppm=match.collar_bps * PPM_A_BPS,
        self_match=match.stp,
        slide=match.post_only == "slide",
        protect=match.oprule == "enforce",
        improvement=match.price_improve,
        by_size=match.by_size,
        tiers={
            session_name(client, version): tier
            for client, tier in match.tiers.items()
            for version in versions
        },
        apart=frozenset(match.apart),
        invitations=conditional.settings(),
        signal=signal.settings(),
        leaders=list(signal.leaders),
    )
