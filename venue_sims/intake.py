"""What becomes of a message that an order session has received, and of a report that is due.

Owns: who deals with which message, live and in a replay alike.
May not know: sockets, sessions' numbers, the journal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sor_gateway.fix import tags
from sor_gateway.fix.message import Message
from sor_gateway.fix.tags import MsgType
from venue_sims.checks import MassStatus
from venue_sims.commands import MassStatusReceived
from venue_sims.facts import TradeDenied
from venue_sims.links import ANSWERED_HERE, OrderLink
from venue_sims.translate import (
    OTHER_BUSINESS,
    BusinessReject,
    business_reject,
    denied,
    not_taken,
    to_command,
    to_message,
)
from venue_sims.venue import Venue

Fields = list[tuple[int, str]]


@dataclass(slots=True)
class Said:
    """A message to a client. `key`: the number of the report that it is, empty if it is none.
    `skip`: numbers that it leaves out."""

    msg_type: str
    body: Fields
    key: str = ""
    skip: int = 0


def take(
    venue: Venue, link: OrderLink, message: Message, number: int, now: int
) -> TradeDenied | Said | None:
    """Hand a message to whoever deals with it; what goes on record, or is said, at once."""
    if message.msg_type in ANSWERED_HERE:
        leaves_at = venue.trading.leaves_at(link.name, now)
        if link.answer(message, now, leaves_at):
            return None
    if message.msg_type == MsgType.DONT_KNOW_TRADE:
        return denied(message, link.name, now)
    poss_resend = message.get(tags.PossResend) == "Y"
    command = to_command(message, link.name, link.dialect, now, poss_resend)
    is_mass_status = isinstance(command, MassStatusReceived)
    if is_mass_status and venue.settings.mass_status is MassStatus.OFF:
        command = not_taken(message.msg_type)
    if not isinstance(command, BusinessReject):
        beyond = venue.beyond(command, now)
        if not beyond:
            venue.receive(command, now)
            return None
        command = BusinessReject(OTHER_BUSINESS, beyond)
    body = business_reject(message, number, command, link.dialect)
    return Said(MsgType.BUSINESS_MESSAGE_REJECT, body)


def reports(venue: Venue, link: OrderLink, now: int, most: int) -> Iterator[Said]:
    """What leaves for the oldest reports that are due, `most` of them. What is taken counts as
    sent."""
    for _ in range(most):
        report = venue.due_report(link.name, now)
        if report is None:
            return
        for each in venue.leaving(report, link.name, now):
            msg_type, body = to_message(each.report, link.dialect, venue.settings.mic)
            key = str(report.number) if each.own else ""
            if each.own:
                venue.reported(link.name, report)
            yield Said(msg_type, [*each.header, *body], key, each.skip)


def notices(link: OrderLink, now: int) -> Iterator[Said]:
    """What leaves of trading status."""
    while link.notices and link.notices[0][0] <= now:
        yield Said(*link.notices.popleft()[1])
