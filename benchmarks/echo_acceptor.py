"""The floor under a venue: our FIX session layer on its network layer, and nothing behind it.

    python -m benchmarks.echo_acceptor

Every application message goes back with its type and body. No journal, no dictionary beyond the
session's, no orders. Prints its port when it listens; ends with its standard input.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Final

import uvloop

from sor_gateway.fix import events, tags
from sor_gateway.fix.dictionary import load_packaged
from sor_gateway.fix.session import Numbers, Role, Session, SessionSettings
from sor_gateway.net.clock import wall_clock_ns
from sor_gateway.net.listener import Listener
from sor_gateway.net.reactor import Reactor

HEADER: Final = frozenset(
    {
        *(tags.BeginString, tags.BodyLength, tags.MsgType_, tags.MsgSeqNum, tags.SenderCompID),
        *(tags.SendingTime, tags.TargetCompID, tags.CheckSum),
    }
)


class Echo:
    """One session that says everything back."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        settings = SessionSettings(
            name="echo",
            begin_string="FIX.4.4",
            sender_comp_id="EXCH",
            target_comp_id="SOR",
            role=Role.ACCEPTOR,
            markers=False,
        )
        self._session = Session(settings, Numbers(), load_packaged("FIX.4.4"))
        self.reactor = Reactor(loop, wall_clock_ns, self.turn)
        self.reactor.add_session(self._session, acceptor=True)

    def turn(self, now: int) -> None:
        """Read, say back, write."""
        session = self._session
        for _ in self.reactor.receive(now):
            for event in session.take_events():
                if isinstance(event, events.AppReceived):
                    message = event.message
                    body = [field for field in message.fields if field[0] not in HEADER]
                    session.send(message.msg_type, body, now)
        session.take_consumed()
        session.take_sent()
        self.reactor.flush()
        self.reactor.schedule(session.next_deadline())


async def serve() -> None:
    """Until standard input ends."""
    loop = asyncio.get_running_loop()
    listener = Listener(Echo(loop).reactor, "127.0.0.1", 0)
    await listener.start()
    sys.stdout.write(f"{listener.port}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())
