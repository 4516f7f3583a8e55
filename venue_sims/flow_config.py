"""The tables of the venues' files that are about flow.

Owns: their schema, a part of config.py's.
May not know: machines, sockets, files.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from venue_sims.flow.impact import ImpactSettings
from venue_sims.flow.pingers import PingerSettings


class Strict(BaseModel):
    """A table in which every key is known."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class FlowToml(Strict):
    """The market file: who trades at all lit venues."""

    lit_share: float = Field(default=0.5, ge=0, le=1)
    lmf_alpha: float = Field(default=1.6, gt=1)
    lmf_k: int = Field(default=10, ge=1, le=1_000)
    intensity: float = Field(default=1.0, ge=0, le=100)
    informed_share: float = Field(default=0.0, ge=0, le=1)
    informed_horizon_slots: int = Field(default=100, ge=1, le=10_000)


class ImpactToml(Strict):
    """The market file: how clients move the price."""

    c: float = Field(default=0.69, ge=0)
    fast: float = Field(default=0.4, ge=0, le=1)
    fast_half_life_s: float = Field(default=600.0, gt=0)
    slow_half_life_s: float = Field(default=23_400.0, gt=0)

    def settings(self) -> ImpactSettings:
        """As the machines take them."""
        return ImpactSettings(**self.model_dump())


class HouseToml(Strict):
    """A lit venue: its displayed liquidity."""

    levels: int = Field(default=10, ge=1, le=100)
    lot: int = Field(default=100, ge=1)
    min_size: int = Field(default=0, ge=0)
    median_lots: float = Field(default=5.0, gt=0)
    sigma_lots: float = Field(default=0.8, ge=0)
    refill_s: float = Field(default=2.0, gt=0)
    churn: float = Field(default=0.0, ge=0, le=1)


class TakersToml(Strict):
    """A lit venue: whether takers come."""

    enabled: bool = True


class AmbientToml(Strict):
    """A dark venue: its visitors."""

    rate: float = Field(default=0.0, ge=0)
    life_s: float = Field(default=20.0, gt=0)


class PingersToml(Strict):
    """A dark venue: who probes it."""

    rate: float = Field(default=0.0, ge=0)
    size: int = Field(default=100, gt=0)
    memory_s: float = Field(default=30.0, ge=0)
    turned: float = Field(default=0.8, ge=0, le=1)
    ahead: int = Field(default=0, ge=0)

    def settings(self) -> PingerSettings:
        """As the machines take them."""
        return PingerSettings(**self.model_dump())
