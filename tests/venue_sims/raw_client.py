"""A raw FIX initiator on simplefix: an outsider who shares no code with the venue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import simplefix

PATIENCE_S = 10.0

Message = dict[int, str]


class RawClient:
    """Speaks just enough FIX to talk to a venue; numbers its own messages."""

    def __init__(self, sender: str, target: str, begin_string: str = "FIX.4.4") -> None:
        self.sender = sender
        self.target = target
        self.begin_string = begin_string
        self.next_out = 1
        self.received: list[Message] = []
        self.entries: list[list[tuple[int, str]]] = []
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._parser = simplefix.FixParser()
        self._read_to = 0

    async def connect(self, port: int, *, reset: bool = False) -> Message:
        """Connect and log on, leaving an older connection; the venue's Logon."""
        await self.dial(port, reset=reset)
        return await self.expect(lambda message: message[35] == "A")

    async def dial(self, port: int, *, reset: bool = False) -> None:
        """The same without waiting for an answer."""
        if self._writer is not None:
            await self.close()
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        self._parser = simplefix.FixParser()
        if reset:
            self.next_out = 1
        self.send("A", (98, 0), (108, 30), *([(141, "Y")] if reset else []))

    async def close(self) -> None:
        assert self._writer is not None
        self._writer.close()
        with suppress(ConnectionError):  # the venue may have cut it
            await self._writer.wait_closed()

    def stamp(self) -> str:
        return datetime.now(UTC).strftime("%Y%m%d-%H:%M:%S.%f")[:-3]

    def send(self, msg_type: str, *fields: tuple[int, object], number: int | None = None) -> None:
        message = simplefix.FixMessage()
        message.append_pair(8, self.begin_string, header=True)
        message.append_pair(35, msg_type, header=True)
        message.append_pair(34, self.next_out if number is None else number, header=True)
        message.append_pair(49, self.sender, header=True)
        message.append_pair(52, self.stamp(), header=True)
        message.append_pair(56, self.target, header=True)
        for tag, value in fields:
            message.append_pair(tag, value)
        if number is None:
            self.next_out += 1
        assert self._writer is not None
        self._writer.write(message.encode())

    def order(self, cl_ord_id: str, *fields: tuple[int, object]) -> None:
        """A Day order in ACME unless `fields` say otherwise."""
        given = {tag for tag, _ in fields}
        default = [(55, "ACME"), (59, "0"), (60, self.stamp()), (21, "1")]
        body = [*fields, *(pair for pair in default if pair[0] not in given)]
        self.send("D", (11, cl_ord_id), *body)

    async def expect(self, wanted: Callable[[Message], bool]) -> Message:
        """The next message, of those not looked at yet, that is wanted."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                while self._read_to < len(self.received):
                    message = self.received[self._read_to]
                    self._read_to += 1
                    if wanted(message):
                        return message
                await self._read()

    async def report(self, cl_ord_id: str, exec_type: str) -> Message:
        """The next ExecutionReport of an order with this ExecType."""
        return await self.expect(
            lambda message: (
                message[35] == "8"
                and message.get(11) == cl_ord_id
                and message.get(150) == exec_type
            )
        )

    async def _read(self) -> None:
        assert self._reader is not None
        data = await self._reader.read(65_536)
        if not data:
            raise ConnectionResetError("the venue closed the connection")
        self._parser.append_buffer(data)
        while (message := self._parser.get_message()) is not None:
            pairs = [(int(tag), value.decode("latin-1")) for tag, value in message.pairs]
            self.entries.append(pairs)
            self.received.append(dict(reversed(pairs)))
