"""The peer on QuickFIX's Python binding: ems_peer.cpp in small, for what Debian's QuickFIX has not.

Owns: nothing of FIX. 1.16 knows `SendNextExpectedMsgSeqNum` (789), which 1.15.1 does not.
Commands: connect, disconnect, setin N, setout N, numbers, send <35> [tag=value ...], quit. Events
are those of ems_peer.cpp; `wire` tells what QuickFIX sends and what it has taken. Needs PyPI's
`quickfix` (`make .venv/bench`).
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from pathlib import Path

import quickfix as fix

SETTINGS = """\
[DEFAULT]
ConnectionType={role}
ReconnectInterval=1
SocketConnectHost=127.0.0.1
SocketConnectPort={port}
SocketAcceptPort={port}
SocketReuseAddress=Y
SocketNodelay=Y
FileStorePath={store}
StartTime=00:00:00
EndTime=00:00:00
HeartBtInt=5
LogonTimeout=10
LogoutTimeout=2
MillisecondsInTimeStamp=Y
UseDataDictionary=Y
ValidateFieldsOutOfOrder=Y
ValidateFieldsHaveValues=Y
ValidateUserDefinedFields={listed}
DataDictionary={dictionary}
SendNextExpectedMsgSeqNum=Y
[SESSION]
BeginString={begin}
SenderCompID={sender}
TargetCompID={target}
"""

_OUT = threading.Lock()


def tell(event: str, **more: object) -> None:
    with _OUT:
        sys.stdout.write(json.dumps({"event": event, **more}) + "\n")
        sys.stdout.flush()


def parts(raw: str) -> dict[str, object]:
    fields = [field.split("=", 1) for field in raw.split("\x01") if "=" in field]
    return {"type": dict(fields[::-1])["35"], "fields": fields}


class Application(fix.Application):  # type: ignore[misc]  # the binding has no types
    def onCreate(self, session: fix.SessionID) -> None:
        """Nothing to do."""

    def onLogon(self, session: fix.SessionID) -> None:
        tell("logon")

    def onLogout(self, session: fix.SessionID) -> None:
        tell("logout")

    def toAdmin(self, message: fix.Message, session: fix.SessionID) -> None:
        tell("wire", direction="out", **parts(message.toString()))

    def toApp(self, message: fix.Message, session: fix.SessionID) -> None:
        tell("wire", direction="out", **parts(message.toString()))

    def fromAdmin(self, message: fix.Message, session: fix.SessionID) -> None:
        tell("wire", direction="in", **parts(message.toString()))

    def fromApp(self, message: fix.Message, session: fix.SessionID) -> None:
        tell("wire", direction="in", **parts(message.toString()))
        tell("taken", **parts(message.toString()))


def message_of(words: list[str]) -> fix.Message:
    message = fix.Message()
    message.getHeader().setField(fix.MsgType(words[0]))
    for word in words[1:]:
        tag, value = word.split("=", 1)
        message.setField(fix.StringField(int(tag), value))
    return message


def obey(line: str, session: fix.Session, identity: fix.SessionID) -> None:
    command, *words = line.split()
    if command == "connect":
        session.logon()
    elif command == "disconnect":
        session.logout()
        session.disconnect()
    elif command == "setin":
        session.setNextTargetMsgSeqNum(int(words[0]))
    elif command == "setout":
        session.setNextSenderMsgSeqNum(int(words[0]))
    elif command == "numbers":
        out, expected = session.getExpectedSenderNum(), session.getExpectedTargetNum()
        tell("numbers", **{"out": out, "in": expected})
    elif command == "send":
        fix.Session.sendToTarget(message_of(words), identity)
    else:
        tell("error", text=f"no such command: {line}")


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("begin", "sender", "target", "port", "store", "listed", "dictionary"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--role", default="initiator")
    options = parser.parse_args()
    file = Path(options.store) / "settings.cfg"
    file.write_text(SETTINGS.format(**vars(options)))
    settings = fix.SessionSettings(str(file))
    application, stores = Application(), fix.FileStoreFactory(settings)
    engine_type = fix.SocketInitiator if options.role == "initiator" else fix.SocketAcceptor
    engine = engine_type(application, stores, settings)
    identity = fix.SessionID(options.begin, options.sender, options.target)
    session = fix.Session.lookupSession(identity)
    if options.role == "initiator":
        session.logout()  # until the command: connect
    engine.start()
    tell("ready")
    for line in sys.stdin:
        if line.strip() == "quit":
            break
        obey(line, session, identity)
    engine.stop()


if __name__ == "__main__":
    main()
