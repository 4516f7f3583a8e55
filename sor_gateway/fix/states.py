"""The life of one FIX connection, as a table.

Owns: the states that a session passes through between two transports, and which step leads from
which to which. May not know: messages, numbers, timers, or which engine stands behind it.

Rules of this file:

1. Everything that decides *whether a step is legal* is here; everything that decides *whether the
   step should be taken* is in `Session`.
2. A missing row is a bug of ours (an `AssertionError`), never the peer's: `Session` judges a
   message before it takes a step for it.

Theory of operation
-------------------

A transport comes up in one of two roles. The initiator sends its Logon at once and waits in
LOGON_SENT; the acceptor says nothing until it knows who calls and waits in AWAITING_LOGON. When
both Logons are exchanged (LOGON_AGREED) the session is LOGGED_ON: messages flow, gaps are asked
for, the peer's ResendRequests are answered. That is not enough for an order to leave: only when
our last marker has returned in sequence, and every ResendRequest before it is answered, do we know
that the peer has all of ours and we have all of its (MARKER_RETURNED, recovery.md 2.1). Then it is
SYNCHRONISED. With markers off the step follows the logon at once.

A reset within the session (Logon with 141=Y) starts both numbers at 1. Asked by the peer it is a
new logon on the same line, so both LOGGED_ON and SYNCHRONISED go to LOGGED_ON. Asked by us
(RESET_ASKED) the session is RESETTING until the peer's own 141=Y Logon has come: what arrives in
between belongs to the epoch that has ended.

The end comes in three ways. We log out: LOGOUT_SENT, messages are still consumed, the peer's
Logout or a deadline closes the line. The peer logs out: we answer and are LOGOUT_ANSWERED; the
acceptor then closes, the initiator leaves that to it for a while. Or the line is given up
(ABANDONED): a peer error, silence, a deadline. CLOSING means that a Close event is out and
nothing is read any more until the transport is gone.

TRANSPORT_LOST is possible everywhere but in DISCONNECTED and always leads there.
"""

from __future__ import annotations

from enum import Enum
from typing import Final


class State(Enum):
    """Where a session stands."""

    #: No transport.
    DISCONNECTED = "disconnected"
    #: Acceptor: the line is open, the peer's Logon has not come, nothing has been sent.
    AWAITING_LOGON = "awaiting-logon"
    #: Initiator: our Logon is out.
    LOGON_SENT = "logon-sent"
    #: Logons were exchanged.
    LOGGED_ON = "logged-on"
    #: Our last marker returned in sequence (recovery.md 2.1).
    SYNCHRONISED = "synchronised"
    #: Our in-session Logon with 141=Y is out, the peer's has not come.
    RESETTING = "resetting"
    #: Our Logout is out; the peer's messages are still consumed.
    LOGOUT_SENT = "logout-sent"
    #: The peer's Logout is answered; the line is about to be closed by the acceptor.
    LOGOUT_ANSWERED = "logout-answered"
    #: A Close event is out; nothing is read any more.
    CLOSING = "closing"


class Step(Enum):
    """What can happen to a connection."""

    CONNECTED_AS_INITIATOR = "connected-as-initiator"
    CONNECTED_AS_ACCEPTOR = "connected-as-acceptor"
    #: Logons are exchanged; within a session: the peer's 141=Y Logon was taken.
    LOGON_AGREED = "logon-agreed"
    MARKER_RETURNED = "marker-returned"
    #: We ask for a reset within the session.
    RESET_ASKED = "reset-asked"
    #: We want to end the session.
    LOGOUT_ASKED = "logout-asked"
    LOGOUT_RECEIVED = "logout-received"
    #: We give the line up.
    ABANDONED = "abandoned"
    TRANSPORT_LOST = "transport-lost"


TRANSITIONS: Final[dict[tuple[State, Step], State]] = {
    (State.DISCONNECTED, Step.CONNECTED_AS_INITIATOR): State.LOGON_SENT,
    (State.DISCONNECTED, Step.CONNECTED_AS_ACCEPTOR): State.AWAITING_LOGON,
    #
    (State.AWAITING_LOGON, Step.LOGON_AGREED): State.LOGGED_ON,
    (State.AWAITING_LOGON, Step.ABANDONED): State.CLOSING,
    (State.AWAITING_LOGON, Step.TRANSPORT_LOST): State.DISCONNECTED,
    #
    (State.LOGON_SENT, Step.LOGON_AGREED): State.LOGGED_ON,
    # A Logout in answer to our Logon is a refusal, not a conversation: it is not answered.
    (State.LOGON_SENT, Step.LOGOUT_RECEIVED): State.CLOSING,
    (State.LOGON_SENT, Step.ABANDONED): State.CLOSING,
    (State.LOGON_SENT, Step.TRANSPORT_LOST): State.DISCONNECTED,
    #
    (State.LOGGED_ON, Step.LOGON_AGREED): State.LOGGED_ON,
    (State.LOGGED_ON, Step.MARKER_RETURNED): State.SYNCHRONISED,
    (State.LOGGED_ON, Step.RESET_ASKED): State.RESETTING,
    (State.LOGGED_ON, Step.LOGOUT_ASKED): State.LOGOUT_SENT,
    (State.LOGGED_ON, Step.LOGOUT_RECEIVED): State.LOGOUT_ANSWERED,
    (State.LOGGED_ON, Step.ABANDONED): State.CLOSING,
    (State.LOGGED_ON, Step.TRANSPORT_LOST): State.DISCONNECTED,
    #
    # The peer's in-session reset ends the proof that the marker gave: back to LOGGED_ON.
    (State.SYNCHRONISED, Step.LOGON_AGREED): State.LOGGED_ON,
    (State.SYNCHRONISED, Step.RESET_ASKED): State.RESETTING,
    (State.SYNCHRONISED, Step.LOGOUT_ASKED): State.LOGOUT_SENT,
    (State.SYNCHRONISED, Step.LOGOUT_RECEIVED): State.LOGOUT_ANSWERED,
    (State.SYNCHRONISED, Step.ABANDONED): State.CLOSING,
    (State.SYNCHRONISED, Step.TRANSPORT_LOST): State.DISCONNECTED,
    #
    (State.RESETTING, Step.LOGON_AGREED): State.LOGGED_ON,
    (State.RESETTING, Step.LOGOUT_ASKED): State.LOGOUT_SENT,
    (State.RESETTING, Step.LOGOUT_RECEIVED): State.LOGOUT_ANSWERED,
    (State.RESETTING, Step.ABANDONED): State.CLOSING,
    (State.RESETTING, Step.TRANSPORT_LOST): State.DISCONNECTED,
    #
    # Both sides may log out at once: the peer's Logout then counts as the answer.
    (State.LOGOUT_SENT, Step.LOGOUT_RECEIVED): State.CLOSING,
    (State.LOGOUT_SENT, Step.ABANDONED): State.CLOSING,
    (State.LOGOUT_SENT, Step.TRANSPORT_LOST): State.DISCONNECTED,
    #
    (State.LOGOUT_ANSWERED, Step.ABANDONED): State.CLOSING,
    (State.LOGOUT_ANSWERED, Step.TRANSPORT_LOST): State.DISCONNECTED,
    #
    (State.CLOSING, Step.TRANSPORT_LOST): State.DISCONNECTED,
}

#: The application may send.
OPEN: Final = frozenset({State.LOGGED_ON, State.SYNCHRONISED})
#: Logons were exchanged and the peer's messages are consumed.
ESTABLISHED: Final = OPEN | {State.RESETTING, State.LOGOUT_SENT}
#: Bytes from the peer mean something.
LISTENING: Final = ESTABLISHED | {State.AWAITING_LOGON, State.LOGON_SENT}


def follow(state: State, step: Step) -> State:
    """The state after a step; a missing row is a bug of ours."""
    after = TRANSITIONS.get((state, step))
    assert after is not None, f"no step {step.value} from state {state.value}"
    return after
