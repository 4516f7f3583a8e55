"""The peer that sets the bars: QuickFIX's Python binding, passing messages on, nothing else.

Owns: one acceptor session (SOR for EMS) and one initiator session (QFP to EXCH), each with a
FileStore and the data dictionary that the gateway validates with: what quickfix_relay.cpp does,
through Python. May not know: orders, risk, routing.
Usage: python -m benchmarks.quickfix_relay LISTEN_PORT VENUE_PORT STORE DICTIONARY; prints
{"port": N} when it listens. Needs PyPI's `quickfix`.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import quickfix as fix

SETTINGS = """\
[DEFAULT]
StartTime=00:00:00
EndTime=00:00:00
HeartBtInt=30
ReconnectInterval=1
SocketNodelay=Y
MillisecondsInTimeStamp=Y
UseDataDictionary=Y
FileStorePath={store}
DataDictionary={dictionary}
[SESSION]
BeginString=FIX.4.4
{session}
"""
ACCEPT = """\
ConnectionType=acceptor
SenderCompID=SOR
TargetCompID=EMS
SocketAcceptPort={port}
"""
INITIATE = """\
ConnectionType=initiator
SenderCompID=QFP
TargetCompID=EXCH
SocketConnectHost=127.0.0.1
SocketConnectPort={port}
"""


class Relay(fix.Application):  # type: ignore[misc]  # the binding has no types
    """What comes from one session leaves on the other."""

    def __init__(self, ems: fix.SessionID, venue: fix.SessionID) -> None:
        super().__init__()
        self._ems = ems
        self._venue = venue

    def onCreate(self, session: fix.SessionID) -> None:
        """Nothing to do."""

    def onLogon(self, session: fix.SessionID) -> None:
        """Nothing to do."""

    def onLogout(self, session: fix.SessionID) -> None:
        """Nothing to do."""

    def toAdmin(self, message: fix.Message, session: fix.SessionID) -> None:
        """Nothing to do."""

    def toApp(self, message: fix.Message, session: fix.SessionID) -> None:
        """Nothing to do."""

    def fromAdmin(self, message: fix.Message, session: fix.SessionID) -> None:
        """Nothing to do."""

    def fromApp(self, message: fix.Message, session: fix.SessionID) -> None:
        """Pass it on."""
        came_from_ems = session.getSenderCompID().getValue() == "SOR"
        fix.Session.sendToTarget(fix.Message(message), self._venue if came_from_ems else self._ems)


def settings(
    folder: Path, name: str, session: str, store: str, dictionary: str
) -> fix.SessionSettings:
    """The binding reads settings from a file."""
    file = folder / f"{name}.cfg"
    file.write_text(SETTINGS.format(store=store, dictionary=dictionary, session=session))
    return fix.SessionSettings(str(file))


def main() -> None:
    listen_port, venue_port, store, dictionary = sys.argv[1:]
    folder = Path(store)
    accept = settings(folder, "accept", ACCEPT.format(port=listen_port), store, dictionary)
    initiate = settings(folder, "initiate", INITIATE.format(port=venue_port), store, dictionary)
    relay = Relay(fix.SessionID("FIX.4.4", "SOR", "EMS"), fix.SessionID("FIX.4.4", "QFP", "EXCH"))
    ems_stores, venue_stores = fix.FileStoreFactory(accept), fix.FileStoreFactory(initiate)
    initiator = fix.SocketInitiator(relay, venue_stores, initiate)
    acceptor = fix.SocketAcceptor(relay, ems_stores, accept)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    initiator.start()
    acceptor.start()
    sys.stdout.write(json.dumps({"port": int(listen_port)}) + "\n")
    sys.stdout.flush()
    signal.sigwait({signal.SIGTERM})
    acceptor.stop()
    initiator.stop()


if __name__ == "__main__":
    main()
