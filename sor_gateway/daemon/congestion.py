"""Venues that leave what we send unread: not routable until they read again (recovery.md 3.10).

Owns: since when each venue's transport buffer has not been empty. May not know: orders, sockets'
buffers beyond the number of bytes in them, what a router does about it.

Orders that wait in a buffer cannot be taken back: they would execute at prices of another moment.
Transports do not say when their buffer is empty, so one that is not is looked at again by time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sor_gateway.sor.events import VenueCongested

CONGESTED_AFTER_NS: Final = 100_000_000
"""A venue whose buffer stays non-empty for this long gets no new orders."""
LOOK_AGAIN_NS: Final = 20_000_000
"""How often such a venue is looked at."""


class Congestion:
    """Watches venues by name; `buffered` gives the bytes that a venue has not taken yet."""

    def __init__(self, buffered: Callable[[str], int]) -> None:
        self._buffered = buffered
        self._since_ns: dict[str, int] = {}
        self._congested: set[str] = set()

    def wrote(self, venue: str, now: int) -> None:
        """Something was written to a venue."""
        if venue not in self._since_ns and self._buffered(venue):
            self._since_ns[venue] = now

    def changes(self, now: int) -> list[VenueCongested]:
        """Venues that have become congested, and those that are so no longer."""
        facts: list[VenueCongested] = []
        for venue, since_ns in list(self._since_ns.items()):
            waiting = self._buffered(venue)
            if not waiting:
                del self._since_ns[venue]
                if venue in self._congested:
                    self._congested.discard(venue)
                    facts.append(VenueCongested(now, venue, False))
            elif venue not in self._congested and now - since_ns >= CONGESTED_AFTER_NS:
                self._congested.add(venue)
                facts.append(VenueCongested(now, venue, True, waiting))
        return facts

    def next_deadline(self, now: int) -> int | None:
        """When to ask for changes again; None while every buffer is empty."""
        return now + LOOK_AGAIN_NS if self._since_ns else None
