"""The bounds of the network layer, each with its name and its default, in one place.

Owns: what a peer may cost in memory, connections and time.
May not know: who enforces a bound: connection.py (bytes) and listener.py (connections). A session's
own bounds are in fix/settings.py, a client's pace is in the configuration's [ems.NAME].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

READ_LIMIT_BYTES: Final = 8_192
"""Most bytes given in one turn to a session whose peer came to us: what a flooding peer may delay
the others by."""
DIALLED_READ_LIMIT_BYTES: Final = 65_536
"""The same for a peer that we dialled. A venue answers for many clients: what one of them made it
say must not hold up what it says to the others."""
HELD_READ_LIMIT_BYTES: Final = 1_024
"""The same for a peer that was held back: about five orders."""
PENDING_HIGH_BYTES: Final = 65_536
"""Above this much unread input the transport stops reading. One read of the event loop (256 KiB in
asyncio and uvloop) may come on top, so a connection never holds more than 320 KiB of input."""
WRITE_HIGH_BYTES: Final = 65_536
"""Above this much unsent output the peer counts as slow and its time begins to run."""
WRITE_LOW_BYTES: Final = 16_384
"""At or below this much unsent output the peer is no longer slow."""
LINGER_S: Final = 2.0
"""How long a closed connection may take to send what is still buffered."""
PROBES: Final = 4
"""Probes of TCP that stay unanswered before a connection is given up; they take half of
`half_open_s`."""
BACKLOG: Final = 128
"""Connections that the kernel holds before they are accepted, one in an iteration of the loop."""
ACCEPT_RETRY_S: Final = 1.0
"""How long nobody is accepted when the process has no file descriptor left."""


@dataclass(slots=True)
class ConnectionLimits:
    """Bounds on what one peer may leave unread."""

    slow_consumer_bytes: int = 4 * 1_048_576
    """A peer that leaves this much unread is cut (fix.md 1)."""
    slow_consumer_s: float = 10.0
    """A peer that stays above the low mark for this long is cut (fix.md 1)."""
    half_open_s: int = 60
    """A peer whose machine is gone without a word is given up after this long, whatever heartbeats
    the sessions agreed on (108 may be 0): TCP asks it, and waits no longer for what is unacked."""


@dataclass(slots=True)
class ListenerLimits:
    """Bounds on what all peers together may cost, strangers above all."""

    connections: int = 1_024
    """Most connections at a time, known ones included."""
    without_logon: int = 64
    """Most connections that have not said who they are; the oldest of them makes room."""
    per_address: int = 128
    """Most connections from one address, known ones included."""
    logon_timeout_s: float = 10.0
    """A connection that has not said who it is by then is closed (fix.md 1)."""
    logon_bytes: int = 8_192
    """Longest first frame."""
