"""The pace of one client: how much it may send before it is refused, and before it is cut.

Owns: two buckets and the arithmetic of both. May not know: messages, sessions, what is done with a
client that goes too fast (intake.py).

Theory of operation. A bucket holds one second's worth and refills at that rate. The first counts
orders, replaces and status requests: above its rate each of them is refused by the book, with a
text, and nothing is lost, because a refusal is an answer. Cancels are not counted: a client that
wants out is never held up. A client is a danger to the others, and is cut, when it goes on and on
in spite of refusals (the second bucket), or sends too much of anything, administrative and garbled
messages too (the third). The second is needed because a machine that is busy refusing may never
get to see the pace of the third. What fills a gap that we asked about is in none: a client that
comes back after an outage may bring its backlog.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

NANOS_PER_SECOND: Final = 1_000_000_000


@dataclass(slots=True)
class Bucket:
    """Room for one second's worth of messages."""

    per_second: int
    """0: no bound."""
    used: int = 0
    """In 1e-9 messages."""
    used_at_ns: int = 0

    def takes(self, messages: int, now: int) -> bool:
        """Whether so many more fit in; they are taken if they do."""
        if not self.per_second:
            return True
        elapsed_ns = max(0, now - self.used_at_ns)  # a wall clock may step back
        used = max(0, self.used - elapsed_ns * self.per_second)
        after = used + messages * NANOS_PER_SECOND
        fits = after <= self.per_second * NANOS_PER_SECOND
        self.used, self.used_at_ns = (after if fits else used), max(now, self.used_at_ns)
        return fits


class Throttle:
    """The buckets of a client; 0 for no bound."""

    def __init__(
        self,
        messages_per_second: int = 0,
        cut_refusals_per_second: int = 0,
        cut_messages_per_second: int = 0,
    ) -> None:
        self.refused = 0
        """Orders and requests refused so far."""
        self.cuts = 0
        self._requests = Bucket(messages_per_second)
        self._refusals = Bucket(cut_refusals_per_second)
        self._all = Bucket(cut_messages_per_second)
        self._seen = 0
        self._danger = ""

    @property
    def messages_per_second(self) -> int:
        """Above this requests are refused."""
        return self._requests.per_second

    def admits(self, now: int) -> bool:
        """Whether one more order or request may pass."""
        if self._requests.takes(1, now):
            return True
        self.refused += 1
        if not self._refusals.takes(1, now):
            self._danger = f"more than {self._refusals.per_second} refused requests a second"
        return False

    def danger(self, received: int, now: int) -> str:
        """Why the client has to be cut, given how much it ever sent to this process; or nothing."""
        messages, self._seen = received - self._seen, received
        danger, self._danger = self._danger, ""
        if not self._all.takes(messages, now):
            danger = f"more than {self._all.per_second} messages a second"
        self.cuts += bool(danger)
        return danger
