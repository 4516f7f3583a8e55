"""How a venue's file says when it trades: the table [hours].

Owns: its schema, checked and turned into plain settings.
May not know: machines, sockets, the other tables.
"""

from __future__ import annotations

from datetime import date, time
from typing import Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from sor_gateway.fix.schedule import Schedule
from venue_sims.flow.clock import NANOS_PER_SECOND
from venue_sims.phases import Hours

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DAYS: Final[tuple[Day, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class HoursToml(BaseModel):
    """[hours]: wall time in its zone."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    zone: str = "America/New_York"
    opens: time
    closes: time
    days: list[Day] = Field(default=list(_DAYS[:5]), min_length=1)
    pre_open_s: float = Field(default=0.0, ge=0)
    pre_close_s: float = Field(default=0.0, ge=0)
    holidays: list[date] = []
    early_closes: dict[date, time] = {}

    @field_validator("zone")
    @classmethod
    def _exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value}: no such time zone") from error
        return value

    @model_validator(mode="after")
    def _local(self) -> Self:
        times = (self.opens, self.closes, *self.early_closes.values())
        if any(at.tzinfo is not None for at in times):
            raise ValueError("opens, closes and early_closes are local times, without an offset")
        return self

    def settings(self) -> Hours:
        """As plain settings."""
        days = frozenset(_DAYS.index(day) for day in self.days)
        schedule = Schedule(ZoneInfo(self.zone), self.opens, self.closes, days)
        return Hours(
            schedule,
            round(self.pre_open_s * NANOS_PER_SECOND),
            round(self.pre_close_s * NANOS_PER_SECOND),
            frozenset(self.holidays),
            dict(self.early_closes),
        )
