"""What the gateway's side of a test is made of: readable FIX, and a raw acceptor on a socket.

The bytes are put together by hand, so that the client's own encoder is not its judge.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import simplefix

from sor_gateway.client.wire import timestamp

NOW = 1_767_623_400_000_000_000  # 2026-01-05 14:30:00 UTC
SECOND = 1_000_000_000
NOW_TEXT = "20260105-14:30:00.000"


def raw(text: str, begin: str = "FIX.4.4") -> bytes:
    """`35=0|34=1|` to bytes with length and checksum; | stands for SOH."""
    body = text.replace("|", "\x01").encode("latin-1")
    head = f"8={begin}\x019={len(body)}\x01".encode() + body
    return head + f"10={sum(head) % 256:03d}\x01".encode()


def fix(msg_type: str, number: int, body: str = "", now: int = NOW, header: str = "") -> bytes:
    """A message from the gateway (SOR) to the client (EMS)."""
    head = f"35={msg_type}|49=SOR|56=EMS|34={number}|52={timestamp(now)}|{header}"
    return raw(head + body)


def read(data: bytes) -> list[str]:
    """Whole messages as text without 8, 9 and 10, `|` for SOH; checks length and checksum."""
    out = []
    while data:
        end = data.index(b"\x0110=") + 8
        frame, data = data[:end], data[end:]
        body_at = frame.index(b"\x0135=") + 1
        length = int(frame[frame.index(b"\x019=") + 3 : body_at - 1])
        assert length == len(frame) - 7 - body_at, frame
        assert int(frame[-4:-1]) == sum(frame[:-7]) % 256, frame
        out.append(frame[body_at:-7].decode("latin-1").replace("\x01", "|"))
    return out


def get(message: str, tag: int) -> str:
    """A value out of what `read` gave."""
    for pair in message.split("|"):
        name, _, value = pair.partition("=")
        if name == str(tag):
            return value
    return ""


class Line:
    """One connection as the scripted acceptor sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.parser = simplefix.FixParser()
        self.number = 1

    async def next(self, msg_type: str = "") -> Any:
        """The next message from the client (of a type: others are skipped)."""
        while True:
            message = self.parser.get_message()
            if message is not None:
                if not msg_type or message.get(35) == msg_type.encode():
                    return message
                continue
            data = await asyncio.wait_for(self.reader.read(65536), 5)
            assert data, "the client closed the connection"
            self.parser.append_buffer(data)

    async def closed(self) -> None:
        """Until the client logs out (which is answered) or is gone."""
        while data := await asyncio.wait_for(self.reader.read(65536), 5):
            if b"\x0135=5\x01" in data:
                self.send("5")

    def send(self, msg_type: str, body: str = "", header: str = "", number: int = 0) -> None:
        """A message with the next number, or with a given one that does not count."""
        import time

        self.writer.write(fix(msg_type, number or self.number, body, time.time_ns(), header))
        if not number:
            self.number += 1

    async def logon(self, body: str = "98=0|108=30|") -> Any:
        """Read the client's Logon and answer it."""
        message = await self.next("A")
        self.send("A", body + ("141=Y|" if message.get(141) == b"Y" else ""))
        return message


Script = Callable[[Line], Any]


@asynccontextmanager
async def acceptor(*scripts: Script, port: int = 0) -> Any:
    """Serve one script per connection, in order (the last one for all further ones); gives the
    port and re-raises what a script raised."""
    left = list(scripts)
    played: list[asyncio.Task[Any]] = []
    serving: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        script = left.pop(0) if len(left) > 1 else left[0]
        played.append(asyncio.create_task(script(Line(reader, writer))))
        await asyncio.wait({played[-1]})
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        if serving:
            await asyncio.wait(serving, timeout=5)
    for task in played:
        with suppress(ConnectionError):  # the client may hang up at any time
            task.result()
