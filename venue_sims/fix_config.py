"""How a venue's file says which clients it has and what they may ask: the table [fix].

Owns: its schema, checked.
May not know: machines, sockets, the other tables.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class FixToml(BaseModel):
    """[fix]"""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    port: int = Field(ge=0, le=65_535)
    versions: list[Literal["FIX.4.2", "FIX.4.4"]] = ["FIX.4.4", "FIX.4.2"]
    sessions: list[str] = Field(default=["SOR"], min_length=1)
    data_sessions: list[str] = []
    cod: Literal["off", "cancel"] = "off"
    grace_ms: int = Field(default=0, ge=0)
    max_latency_s: int = Field(default=120, gt=0)
    mass_status: Literal["open", "all", "off"] = "open"
