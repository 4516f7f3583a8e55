"""What `load` returns: plain settings for the parts that have none of their own.

Owns: the settings of the process, of a venue's connections, and the whole.
May not know: files, environment variables, pydantic.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from sor_gateway.config.calendar import Calendar
from sor_gateway.config.securities import Security
from sor_gateway.fix.dictionary import Dictionary
from sor_gateway.fix.settings import SessionSettings
from sor_gateway.net.addresses import Network
from sor_gateway.net.limits import ConnectionLimits, ListenerLimits
from sor_gateway.net.tls import TlsSettings
from sor_gateway.sor.settings import RouterSettings
from sor_gateway.sor.types import NANOS_PER_SECOND


@dataclass(slots=True)
class GatewaySettings:
    """What the process itself needs."""

    host: str
    port: int
    """Where EMS sessions connect."""
    admin_host: str
    admin_port: int
    """Where metrics, health and the kill switch are served."""
    comp_id: str
    mic: str
    journal: Path
    durability: Literal["process", "power"]
    database: Path
    log_level: str
    log_file: Path | None
    """None: standard error."""
    seed: int
    tls: TlsSettings | None
    reference_data_max_age_days: int
    """0: reference data of any age will do."""
    journal_days: int = 0
    """How long the journal's segments stay that no start needs; 0: for ever."""
    listener_limits: ListenerLimits = field(default_factory=ListenerLimits)
    connection_limits: ConnectionLimits = field(default_factory=ConnectionLimits)
    concurrent_replays: int = 5
    """How many sessions are served their replays at a time."""
    keep_out_s: int = 60
    """How long a client stays out that was cut for sending too much."""


@dataclass(slots=True)
class ClientSettings:
    """What an EMS session may do, beyond its session."""

    networks: list[Network] = field(default_factory=list)
    """Where it may connect from; empty: from anywhere."""
    messages_per_second: int = 0
    """Orders, replaces and status requests above this are rejected; 0: none is. Cancels never."""
    cut_refusals_per_second: int = 0
    """A client that brings so many rejects on itself is cut and kept out; 0: never."""
    cut_messages_per_second: int = 0
    """Above this, whatever the messages are, the client is cut and kept out; 0: never."""
    busy_per_cent: int = 0
    """A client whose messages take more of the gateway's time is read more slowly; 0: never."""
    backlog_s: int = 10
    """How many seconds' worth of these rates may fill a gap that we asked about."""
    on_disconnect: Literal["keep", "cancel"] = "keep"
    """What happens to its parents when its session ends."""
    resume_window_s: int = 0
    """After an outage of ours that was longer its parents catch nothing up; 0: however long."""
    after_outage: Literal["resume", "suspend"] = "resume"
    """Whether they then go on by themselves, or rest until an operator releases them."""


@dataclass(slots=True)
class VenueConnection:
    """Where a venue is and how we talk to it."""

    name: str
    host: str
    port: int
    orders: SessionSettings
    quotes: SessionSettings | None
    """The market-data session; None where the venue has none."""
    symbols: list[str]
    """Those that are traded there and whose quotes are asked for."""
    dialect: str
    """BeginString of both sessions."""
    trading_status: Literal["unasked", "orders", "quotes"] = "unasked"
    """Whether the venue tells by itself what trades, or on which session it is asked."""
    tls: TlsSettings | None = None
    backups: list[tuple[str, int]] = field(default_factory=list)
    """Tried in turn where the first address does not come to a Logon."""


@dataclass(slots=True)
class Configuration:
    """Everything the program is told."""

    gateway: GatewaySettings
    router: RouterSettings
    ems_sessions: list[SessionSettings]
    venues: list[VenueConnection]
    calendar: Calendar
    securities: dict[str, Security] = field(default_factory=dict)
    clients: dict[str, ClientSettings] = field(default_factory=dict)
    """By session name; one that is missing is limited by nothing."""
    dictionaries: dict[str, Dictionary] = field(default_factory=dict)
    """Data dictionaries of sessions that have their own, by the session's name."""

    def reference_data_stale(self, now_ns: int) -> bool:
        """Whether a line of securities.csv is older than the configuration allows."""
        limit_days = self.gateway.reference_data_max_age_days
        if not limit_days:
            return False
        today = datetime.fromtimestamp(now_ns // NANOS_PER_SECOND, UTC).date()
        oldest = min(security.as_of for security in self.securities.values())
        return (today - oldest).days > limit_days
