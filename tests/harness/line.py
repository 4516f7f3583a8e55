"""A line in memory: two ends that carry bytes to each other, with latency in virtual time.

Owns: bytes on their way, back-pressure, how a line ends.
May not know: FIX, machines. To the machines' connections an end is what a socket's transport is.

A closed end is an orderly end: what was written arrives, then the other side learns of it. An
aborted one drops what is on its way from it. A cut line is gone at both ends at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from tests.harness.loop import Call, VirtualLoop

DEFAULT_HIGH_BYTES: Final = 65_536


class _Options:
    """What the network layer sees of a socket: it takes options, and there is nothing to set."""

    def setsockopt(self, *_: object) -> None:
        pass

    def fileno(self) -> int:
        """There is no descriptor."""
        return -1


class End(asyncio.Transport):
    """One end of a line."""

    def __init__(self, loop: VirtualLoop, latency_ns: int, other_name: str) -> None:
        super().__init__({"socket": _Options(), "peername": other_name})
        self.other: End
        self.protocol: asyncio.Protocol
        self.bytes_sent = 0
        self._loop = loop
        self._latency_ns = latency_ns
        self._flying: deque[tuple[Call, bytes]] = deque()
        """On the way to the other end."""
        self._held: list[bytes] = []
        """Arrived here while the protocol does not read."""
        self._reads = True
        self._closing = False
        self._lost = False
        self._high = DEFAULT_HIGH_BYTES
        self._low = DEFAULT_HIGH_BYTES // 4
        self._writer_paused = False
        self.loses: Callable[[bytes], bool] = lambda _: False
        """Which writes never arrive, as through a broken proxy: the connection lives on."""

    # --- what a protocol calls ------------------------------------------------------------

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Above `high` unread bytes the protocol is asked to pause, below `low` to go on."""
        self._high = DEFAULT_HIGH_BYTES if high is None else high
        self._low = self._high // 4 if low is None else low

    def get_write_buffer_size(self) -> int:
        """What the other side did not read."""
        return sum(map(len, self.other._held))

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Bytes for the other end."""
        if self._closing or self._lost or self.loses(bytes(data)):
            return
        self.bytes_sent += len(data)
        call = self._loop.at_ns(self._loop.now_ns + self._latency_ns, self._arrive)
        self._flying.append((call, bytes(data)))

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Bytes for the other end."""
        self.write(b"".join(list_of_data))

    def pause_reading(self) -> None:
        """What arrives waits."""
        self._reads = False

    def resume_reading(self) -> None:
        """What waited is delivered."""
        self._reads = True
        held, self._held = self._held, []
        for data in held:
            self._deliver(data)
        self.other._press()

    def is_closing(self) -> bool:
        """Whether this end was closed or is gone."""
        return self._closing or self._lost

    def close(self) -> None:
        """An orderly end, behind what was written."""
        if not self.is_closing():
            self._closing = True
            self._loop.at_ns(self._loop.now_ns + self._latency_ns, self.other.lose, None)
            self._loop.call_soon(self.lose, None)

    def abort(self) -> None:
        """The end: what is on its way from here is gone."""
        if not self._lost:
            self._closing = True
            self.drop(0)
            error = ConnectionResetError("reset by the peer")
            self._loop.at_ns(self._loop.now_ns + self._latency_ns, self.other.lose, error)
            self._loop.call_soon(self.lose, None)

    # --- what a line calls ----------------------------------------------------------------

    @property
    def flying(self) -> int:
        """Bytes on the way to the other end."""
        return sum(len(data) for _, data in self._flying)

    def drop(self, keep: int) -> None:
        """Of the bytes on their way so many arrive now, the others never."""
        data = b"".join(data for _, data in self._flying)[:keep]
        for call, _ in self._flying:
            call.cancel()
        self._flying.clear()
        if data:
            self.other._deliver(data)

    def lose(self, error: Exception | None) -> None:
        """The connection is gone; the protocol is told once."""
        if not self._lost:
            self._lost = True
            self.protocol.connection_lost(error)

    # --- internals ------------------------------------------------------------------------

    def _arrive(self) -> None:
        self.other._deliver(self._flying.popleft()[1])
        self._press()

    def _deliver(self, data: bytes) -> None:
        if self._lost:
            return
        if self._reads:
            self.protocol.data_received(data)
        else:
            self._held.append(data)

    def _press(self) -> None:
        """Tell the writer when the other side stops or begins to read."""
        unread = self.get_write_buffer_size()
        if not self._writer_paused and unread > self._high:
            self._writer_paused = True
            self.protocol.pause_writing()
        elif self._writer_paused and unread <= self._low:
            self._writer_paused = False
            self.protocol.resume_writing()


class Line:
    """A connection between two ends."""

    def __init__(self, loop: VirtualLoop, latency_ns: int, near_name: str, far_name: str) -> None:
        self.near = End(loop, latency_ns, far_name)
        self.far = End(loop, latency_ns, near_name)
        self.near.other, self.far.other = self.far, self.near

    def cut(self, arrives: Callable[[int], int] = lambda _: 0) -> None:
        """Gone at both ends. `arrives` tells how many of the bytes on it still reach the other
        end."""
        for end in (self.near, self.far):
            end.drop(arrives(end.flying))
        for end in (self.near, self.far):
            end.lose(ConnectionResetError("the line was cut"))
