"""What an operator may do to one session, and when it must be refused.

Owns: the commands, as values, and their effect on a link. May not know: HTTP, the turn; what
follows for orders comes out of the session as events (an epoch that began, numbers skipped).

`refusal` is asked twice: when the operator asks, for the answer, and in the turn that carries the
command out, because the session may have moved in between.
"""

from __future__ import annotations

from enum import StrEnum

from sor_gateway.daemon.facts import SessionOperated
from sor_gateway.daemon.sessions import ClientLink, Link, QuotesLink
from sor_gateway.fix.states import State
from sor_gateway.translate.outgoing import clean


class Action(StrEnum):
    """What may be done to a session."""

    TEST_REQUEST = "test-request"
    """Ask the peer for a sign of life; a line on which none comes is closed."""
    RESEND_REQUEST = "resend-request"
    """Ask for the peer's messages from a number on once more."""
    DISCONNECT = "disconnect"
    """Log out and close; the peer, or our dialer, may come back at once."""
    DISABLE = "disable"
    """Log out, close, and stay closed over restarts."""
    ENABLE = "enable"
    """Open a disabled session, and let a client in again that was kept out."""
    RELEASE = "release"
    """Let the orders of a client go on that rest after an outage of ours."""
    SET_NUMBERS = "set-numbers"
    """Force the next numbers of a disabled session. Lower ones begin a new epoch; higher inbound
    ones are a gap. Either puts live children in doubt."""


def refusal(link: Link, command: SessionOperated) -> str:
    """Why the command cannot be carried out now, with the remedy; empty when it can."""
    session, action = link.session, Action(command.action)
    if action in (Action.TEST_REQUEST, Action.RESEND_REQUEST) and not session.logged_on:
        return f"{command.session} is not logged on ({session.state.value}); wait until it is"
    if action is Action.RESEND_REQUEST and command.begin >= session.numbers.next_in:
        return (
            f"{command.session} has consumed numbers up to {session.numbers.next_in - 1};"
            " ask from one of them on"
        )
    if action is Action.RELEASE and not isinstance(link, ClientLink):
        return f"{command.session} is not a client's session; only clients' orders rest"
    if action is Action.DISCONNECT and session.state is State.DISCONNECTED:
        return f"{command.session} is not connected"
    if action is Action.ENABLE and not (link.disabled or isinstance(link, ClientLink)):
        return f"{command.session} is not disabled"
    if action is Action.DISABLE and link.disabled:
        return f"{command.session} is disabled already: {link.disabled}"
    if action is Action.SET_NUMBERS:
        if isinstance(link, QuotesLink):
            return f"{command.session} starts anew at each logon; its numbers need no force"
        if not link.disabled or session.state is not State.DISCONNECTED:
            return (
                f"the numbers of {command.session} are forced only while it is disabled and"
                f" closed: sor-gateway session {command.session} disable --reason ..."
            )
    return ""


def carry_out(link: Link, command: SessionOperated, now: int) -> None:
    """Do it. `refusal` had nothing to say."""
    session, action = link.session, Action(command.action)
    if action is Action.TEST_REQUEST:
        session.test_peer(now)
    elif action is Action.RESEND_REQUEST:
        session.ask_again(command.begin, now)
    elif action is Action.SET_NUMBERS:
        session.force_numbers(command.next_in, command.next_out)
    elif action is Action.ENABLE:
        link.disabled = ""
        if isinstance(link, ClientLink):
            link.kept_out_until_ns = 0
    elif action is Action.RELEASE:
        return  # of orders, not of the session: intake.py
    else:
        if action is Action.DISABLE:
            link.disabled = command.reason
        session.logout(clean(f"operator: {command.reason}"), now)
