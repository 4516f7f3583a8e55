"""What one session is configured to be.

Owns: plain values with their defaults. May not know: configuration files, sockets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

from sor_gateway.fix.schedule import Schedule

_SECOND_NS: Final = 1_000_000_000


class Role(StrEnum):
    """Who opens the connection."""

    INITIATOR = "initiator"
    ACCEPTOR = "acceptor"


@dataclass(slots=True)
class SessionSettings:
    """Times are nanoseconds unless the name says otherwise."""

    name: str
    begin_string: str
    sender_comp_id: str
    """Ours: FIX 49 of what we send."""
    target_comp_id: str
    """The peer's: FIX 49 of what it sends."""
    role: Role
    heart_bt_int_s: int = 30
    """What an initiator proposes; an acceptor follows the peer's Logon."""
    reset_on_logon: bool = False
    """Each logon begins a new epoch (141=Y): market data."""
    markers: bool = True
    """False: SYNCHRONISED follows the logon at once and no marker is sent."""
    on_low_number: Literal["operator", "reset"] = "operator"
    """What to do about a peer whose Logon is numbered too low without 141=Y."""
    accept_reset: bool = True
    """Whether the peer may reset with 141=Y."""
    user_defined: Literal["none", "listed", "any"] = "listed"
    """Which tags of the user-defined ranges a dictionary lets pass."""
    validation: Literal["strict", "lenient", "off"] = "strict"
    """How messages are held against the dictionary, if there is one: see dictionary.py."""
    send_next_expected: bool = False
    """Put 789 into Logons; the peer's is understood always."""
    last_processed: bool = False
    """Put 369 into every header; the peer's is understood always."""
    max_message_bytes: int = 8192
    queue_limit: int = 10_000
    """Most messages that wait behind an open gap."""
    logon_timeout_ns: int = 10 * _SECOND_NS
    logout_timeout_ns: int = 2 * _SECOND_NS
    challenge_timeout_ns: int = 2 * _SECOND_NS
    """How long a challenged peer may stay silent."""
    marker_timeout_ns: int = 10 * _SECOND_NS
    proof_interval_ns: int = 5 * _SECOND_NS
    """Longest time that application messages stay without a marker behind them."""
    sending_time_tolerance_ns: int = 120 * _SECOND_NS
    resend_timeout_ns: int = 10 * _SECOND_NS
    """How long our ResendRequest may go without moving the expected number."""
    resend_chunk: int = 0
    """Most messages asked for in one ResendRequest; 0: all (16=0)."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    schedule: Schedule | None = None
    """Session hours; None: at all times."""
