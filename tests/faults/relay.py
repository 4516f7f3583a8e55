"""A relay between the gateway and a venue, which may lose a message: a venue that misses one.

Owns: bytes on their way, both connections of each line.
May not know: FIX. What is lost is named by the bytes in it.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

CHUNK_BYTES: Final = 1 << 16


class Relay:
    """Listens on a port of its own and carries all to another one."""

    def __init__(self, port: int) -> None:
        self.lost = 0
        """Pieces that did not arrive."""
        self._port = port
        self._loses = b""
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        """Listen; the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Cut all lines."""
        if self._server is not None:
            self._server.close()
        for line in list(self._lines):
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    def lose_one(self, what: bytes) -> None:
        """The next bytes from the gateway with these among them never arrive."""
        self._loses = what

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.current_task()
        assert line is not None
        self._lines.add(line)
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            writer.transport.abort()
        else:
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._carry(reader, back, is_ours=True))
                    both.create_task(self._carry(there, writer, is_ours=False))
            finally:
                for each in (writer, back):
                    each.close()
                    with suppress(ConnectionError):
                        await each.wait_closed()
        finally:
            self._lines.discard(line)

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_ours: bool
    ) -> None:
        """One direction, until either side is gone: then both are, as with one line."""
        with suppress(ConnectionError):
            while data := await reader.read(CHUNK_BYTES):
                if is_ours and self._loses and self._loses in data:
                    self._loses = b""
                    self.lost += 1
                    continue
                writer.write(data)
                await writer.drain()
            writer.close()
            return
        writer.transport.abort()
