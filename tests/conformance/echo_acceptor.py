"""The acceptor that the public acceptance definitions are played against.

    python -m tests.conformance.echo_acceptor --port 0 --begin-string FIX.4.4 --sender ISLD \
        --target TW44 [--dictionary FILE]

One `Session` per connection, numbers at 1 each time, under an application that echoes
NewOrderSingle (unless PossResend=Y with a ClOrdID seen since logon), SecurityDefinition and Email
and refuses every other application message with BusinessMessageReject 380=3. It has asyncio glue
of its own, so that the session layer is judged without the gateway's. Prints the port when it
listens. A second connection with a live identity is refused, as the gateway's listener does.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path

from sor_gateway.fix.dictionary import Dictionary, load_packaged
from sor_gateway.fix.events import AppReceived, Close, LoggedOn, ReplayWanted
from sor_gateway.fix.message import Message
from sor_gateway.fix.session import Numbers, Role, Session, SessionSettings
from sor_gateway.fix.tags import HEADER_TAGS, TRAILER_TAGS

ECHOED = frozenset({"D", "d", "C"})
CL_ORD_ID, POSS_RESEND = 11, 97
READ_LIMIT_BYTES = 65_536


class Echo:
    """One connection: its session, the application above it, the journal beside it."""

    live: Echo | None = None
    """Who is logged on under the one identity there is."""

    def __init__(
        self,
        settings: SessionSettings,
        dictionary: Dictionary,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.session = Session(settings, Numbers(), dictionary)
        self.writer = writer
        self.kept: dict[int, bytes] = {}
        self.seen: set[str] = set()
        self.closed = False

    async def run(self, reader: asyncio.StreamReader) -> None:
        self.session.connect(time.time_ns())
        try:
            while not self.closed:
                data = await self.read(reader)
                if data == b"" or (Echo.live is not None and Echo.live is not self):
                    break
                if data is None:
                    self.session.tick(time.time_ns())
                else:
                    self.session.receive(data, time.time_ns())
                self.end_turn()
        finally:
            if Echo.live is self:
                Echo.live = None
            self.session.disconnect(time.time_ns(), "transport closed")
            self.writer.close()

    async def read(self, reader: asyncio.StreamReader) -> bytes | None:
        """Bytes, b"" at the end of the stream, None at a deadline."""
        deadline = self.session.next_deadline()
        timeout = None if deadline is None else max(0.0, (deadline - time.time_ns()) / 1e9)
        try:
            return await asyncio.wait_for(reader.read(READ_LIMIT_BYTES), timeout)
        except TimeoutError:
            return None
        except ConnectionError:
            return b""

    def end_turn(self) -> None:
        """Events may cause messages, messages may cause events: until there are none."""
        while events := self.session.take_events():
            self.keep()
            for event in events:
                match event:
                    case LoggedOn():
                        Echo.live = self
                        self.seen.clear()
                    case AppReceived():
                        self.on_application(event)
                    case ReplayWanted():
                        self.replay(event)
                    case Close():
                        self.closed = True
                    case _:
                        pass
        self.keep()
        self.writer.write(self.session.take_output())

    def keep(self) -> None:
        self.kept.update((sent.number, sent.raw) for sent in self.session.take_sent())
        self.session.take_consumed()

    def replay(self, event: ReplayWanted) -> None:
        found = [(number, self.kept[number]) for number in range(event.begin, event.end + 1)]
        self.session.resend(found, event.end, time.time_ns())

    def on_application(self, event: AppReceived) -> None:
        message = event.message
        if not self.session.logged_on:
            return
        if message.msg_type not in ECHOED:
            body = [(45, str(event.number)), (58, "Unsupported Message Type")]
            body += [(372, message.msg_type), (380, "3")]
            self.session.send("j", body, time.time_ns())
            return
        if message.msg_type == "D":
            cl_ord_id = message[CL_ORD_ID]
            if event.poss_resend and cl_ord_id in self.seen:
                return
            self.seen.add(cl_ord_id)
        self.session.send(message.msg_type, echoed(message), time.time_ns())


def echoed(message: Message) -> list[tuple[int, str]]:
    """The body as it came; of the header only PossResend comes back."""
    body = [(POSS_RESEND, message[POSS_RESEND])] if POSS_RESEND in message else []
    return body + [f for f in message.fields if f[0] not in HEADER_TAGS | TRAILER_TAGS]


async def serve(arguments: argparse.Namespace) -> None:
    settings = SessionSettings(
        name="echo",
        begin_string=arguments.begin_string,
        sender_comp_id=arguments.sender,
        target_comp_id=arguments.target,
        role=Role.ACCEPTOR,
        markers=False,
        user_defined="none",
    )
    dictionary = (
        Dictionary.load(arguments.dictionary)
        if arguments.dictionary
        else load_packaged(arguments.begin_string)
    )

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Echo(settings, dictionary, writer).run(reader)

    server = await asyncio.start_server(on_connection, arguments.host, arguments.port)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--begin-string", default="FIX.4.4")
    parser.add_argument("--sender", default="ISLD")
    parser.add_argument("--target", default="TW44")
    parser.add_argument("--dictionary", type=Path)
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
