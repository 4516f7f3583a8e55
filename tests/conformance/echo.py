"""The application that the acceptance definitions ask for, as a machine above our sessions.

It echoes NewOrderSingle (unless PossResend=Y with a ClOrdID seen since logon), SecurityDefinition
and Email, and refuses every other application message with BusinessMessageReject 380=3. Numbers
begin at 1 on each connection; a second connection with the live identity loses.
"""

from __future__ import annotations

from sor_gateway.fix.dictionary import Dictionary
from sor_gateway.fix.events import AppReceived, Close, LoggedOn, ReplayWanted
from sor_gateway.fix.message import Message
from sor_gateway.fix.session import Numbers, Session, SessionSettings
from sor_gateway.fix.tags import HEADER_TAGS, TRAILER_TAGS

ECHOED = frozenset({"D", "d", "C"})
CL_ORD_ID, POSS_RESEND = 11, 97


class Acceptor:
    """The one identity that there is, and who holds it."""

    def __init__(self, settings: SessionSettings, dictionary: Dictionary | None) -> None:
        self.settings = settings
        self.dictionary = dictionary
        self.live: Echo | None = None

    def connection(self, now: int) -> Echo:
        """Somebody connected."""
        return Echo(self, now)


class Echo:
    """One connection: its session, the application above it, the journal beside it."""

    def __init__(self, acceptor: Acceptor, now: int) -> None:
        self.acceptor = acceptor
        self.session = Session(acceptor.settings, Numbers(), acceptor.dictionary)
        self.kept: dict[int, bytes] = {}
        self.seen: set[str] = set()
        self.closed = False
        self.session.connect(now)

    def receive(self, data: bytes, now: int) -> bytes:
        """Bytes of the peer; gives what goes back. Look at `closed` afterwards."""
        if self.acceptor.live not in (None, self):
            self.closed = True
            return b""
        self.session.receive(data, now)
        return self.end_turn(now)

    def tick(self, now: int) -> bytes:
        """A deadline has come."""
        self.session.tick(now)
        return self.end_turn(now)

    def disconnect(self, now: int) -> None:
        """The transport is gone."""
        if self.acceptor.live is self:
            self.acceptor.live = None
        self.session.disconnect(now, "transport closed")

    def end_turn(self, now: int) -> bytes:
        """Events may cause messages, messages may cause events: until there are none."""
        while events := self.session.take_events():
            self.keep()
            for event in events:
                match event:
                    case LoggedOn():
                        self.acceptor.live = self
                        self.seen.clear()
                    case AppReceived():
                        self.on_application(event, now)
                    case ReplayWanted():
                        self.replay(event, now)
                    case Close():
                        self.closed = True
                    case _:
                        pass
        self.keep()
        return self.session.take_output()

    def keep(self) -> None:
        self.kept.update((sent.number, sent.raw) for sent in self.session.take_sent())
        self.session.take_consumed()

    def replay(self, event: ReplayWanted, now: int) -> None:
        found = [(number, self.kept[number]) for number in range(event.begin, event.end + 1)]
        self.session.resend(found, event.end, now)

    def on_application(self, event: AppReceived, now: int) -> None:
        message = event.message
        if not self.session.logged_on:
            return
        if message.msg_type not in ECHOED:
            body = [(45, str(event.number)), (58, "Unsupported Message Type")]
            body += [(372, message.msg_type), (380, "3")]
            self.session.send("j", body, now)
            return
        if message.msg_type == "D":
            cl_ord_id = message[CL_ORD_ID]
            if event.poss_resend and cl_ord_id in self.seen:
                return
            self.seen.add(cl_ord_id)
        self.session.send(message.msg_type, echoed(message), now)


def echoed(message: Message) -> list[tuple[int, str]]:
    """The body as it came; of the header only PossResend comes back."""
    body = [(POSS_RESEND, message[POSS_RESEND])] if POSS_RESEND in message else []
    return body + [f for f in message.fields if f[0] not in HEADER_TAGS | TRAILER_TAGS]
