"""The pace of one client: how much it may send before it is refused, and before it is cut.

Owns: its buckets and their arithmetic. May not know: messages, sessions, what is done with a
client that goes too fast (intake.py).

Theory of operation. A bucket holds one second's worth and refills at that rate. The first counts
orders, replaces and status requests: above its rate each of them is refused by the book, with a
text, and nothing is lost, because a refusal is an answer. Cancels are not counted: a client that
wants out is never held up. A client is a danger to the others, and is cut, when it goes on and on
in spite of refusals (the second bucket), or sends too much of anything, administrative and garbled
messages too (the third). The second is needed because a machine that is busy refusing may never
get to see the pace of the third. What fills a gap that we asked about is in buckets of its own
that hold `backlog_s` seconds' worth: a client that comes back after an outage may bring its
backlog, and one that opens gaps in order to fill them at its leisure is a flood like any other.

One bucket holds time: what the gateway spent on the client's messages, whatever they are. A
client that takes more than its share, over more than a burst, is read more slowly, so that the
others wait for a small piece of its work at most and have the rest of the time to themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

NANOS_PER_SECOND: Final = 1_000_000_000
BUSY_BURST_NS: Final = 100_000_000
"""So much of our time a client may take at a stretch, some 300 orders, before its share counts."""
FORGIVEN_SHARE: Final = 0.8
"""Of its share, what is forgiven as time passes. Less than what a client that is held back may
take: one that goes on and on stays held back, and gets no new burst now and then."""
PER_CENT: Final = 100


@dataclass(slots=True)
class Bucket:
    """Room for so many seconds' worth of messages."""

    per_second: int
    """0: no bound."""
    seconds: int = 1
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
        fits = after <= self.per_second * NANOS_PER_SECOND * self.seconds
        self.used, self.used_at_ns = (after if fits else used), max(now, self.used_at_ns)
        return fits


class Throttle:
    """The buckets of a client; 0 for no bound."""

    def __init__(
        self,
        messages_per_second: int = 0,
        cut_refusals_per_second: int = 0,
        cut_messages_per_second: int = 0,
        busy_per_cent: int = 0,
        backlog_s: int = 1,
    ) -> None:
        self.refused = 0
        """Orders and requests refused so far."""
        self.cuts = 0
        self.held_back = 0
        self._requests = Bucket(messages_per_second)
        self._refusals = Bucket(cut_refusals_per_second)
        self._all = Bucket(cut_messages_per_second)
        self._asked_requests = Bucket(messages_per_second, backlog_s)
        self._asked = Bucket(cut_messages_per_second, backlog_s)
        self._busy_per_cent = busy_per_cent
        self._busy_ns = 0
        self._busy_at_ns = 0
        self._seen = self._asked_seen = 0
        self._danger = ""

    @property
    def messages_per_second(self) -> int:
        """Above this requests are refused."""
        return self._requests.per_second

    def admits(self, now: int, *, asked: bool = False) -> bool:
        """Whether one more order or request may pass; `asked`: it fills a gap."""
        requests = self._asked_requests if asked else self._requests
        if requests.takes(1, now):
            return True
        self.refused += 1
        if not self._refusals.takes(1, now):
            self._danger = f"more than {self._refusals.per_second} refused requests a second"
        return False

    def spend(self, took_ns: int, now: int) -> int:
        """Take note of time spent on the client's messages; for how long, in ns, it must not be
        read now. 0: it is within its share."""
        if not self._busy_per_cent or not took_ns:
            return 0
        elapsed_ns = max(0, now - self._busy_at_ns)
        share = self._busy_per_cent / PER_CENT
        left_ns = max(0, self._busy_ns - int(elapsed_ns * share * FORGIVEN_SHARE))
        self._busy_ns = min(left_ns + took_ns, 2 * BUSY_BURST_NS)
        self._busy_at_ns = max(now, self._busy_at_ns)
        if self._busy_ns <= BUSY_BURST_NS:
            return 0
        self.held_back += 1
        return int(took_ns / share) - took_ns

    def danger(self, received: int, asked: int, now: int) -> str:
        """Why the client has to be cut, given how much it ever sent to this process, unasked and
        to fill gaps; or nothing."""
        messages, self._seen = received - self._seen, received
        repeated, self._asked_seen = asked - self._asked_seen, asked
        danger, self._danger = self._danger, ""
        if not self._all.takes(messages, now):
            danger = f"more than {self._all.per_second} messages a second"
        elif not self._asked.takes(repeated, now):
            most = self._asked.per_second * self._asked.seconds
            danger = f"more than {most} messages to fill gaps"
        self.cuts += bool(danger)
        return danger
