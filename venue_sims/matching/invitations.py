"""Invitations to firm up conditional orders, and what becomes of them.

Owns: which invitations are open, how often and how fast each party answers, who is suspended.
May not know: books, sessions, FIX. Time comes as an argument; a party is a name.

An invitation is open until its deadline. A firm order that names it in time is an answer; an
invitation without one by then is a miss. A party whose share of answers in its last invitations is
too low may send no conditional orders for a while, then it starts anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from venue_sims.matching.rules import PPM

NANOS_PER_MS: Final = 1_000_000


@dataclass(slots=True)
class InvitationSettings:
    """What a venue asks of those who send conditional orders."""

    window_ns: int = 1_000 * NANOS_PER_MS
    """How long an invitation is open."""
    suspend_below_ppm: int = 0
    """The smallest share of answers, in parts per million; 0: nobody is suspended."""
    sample: int = 20
    """How many of the last invitations count; fewer prove nothing."""
    suspend_ns: int = 300_000 * NANOS_PER_MS
    """How long a suspension lasts."""


@dataclass(slots=True)
class Invitation:
    """One invitation."""

    firm_up_id: str
    party: str
    at_ns: int
    deadline_ns: int


@dataclass(slots=True)
class Conduct:
    """How a party has dealt with its invitations."""

    invited: int = 0
    answered: int = 0
    missed: int = 0
    response_ns: int = 0
    """All response times together."""
    last: list[bool] = field(default_factory=list)
    """The last invitations, the oldest first: whether they were answered."""
    suspended_until_ns: int = 0


class Invitations:
    """All of a venue's. Whatever time has done is booked at the next question or invitation."""

    def __init__(self, settings: InvitationSettings) -> None:
        self.settings = settings
        self.open: dict[str, Invitation] = {}
        self._conducts: dict[str, Conduct] = {}

    def invite(self, firm_up_id: str, party: str, now: int) -> Invitation:
        """Open an invitation; the id is new."""
        self.settle(now)
        assert firm_up_id not in self.open
        deadline_ns = now + self.settings.window_ns
        invitation = Invitation(firm_up_id, party, now, deadline_ns)
        self.open[firm_up_id] = invitation
        self.conduct(party).invited += 1
        return invitation

    def answerable(self, firm_up_id: str, party: str, now: int) -> bool:
        """Whether this party may still answer an invitation. Changes nothing."""
        invitation = self.open.get(firm_up_id)
        return (
            invitation is not None and invitation.party == party and now <= invitation.deadline_ns
        )

    def answer(self, firm_up_id: str, party: str, now: int) -> None:
        """A firm order came for an invitation that is answerable."""
        assert self.answerable(firm_up_id, party, now)
        invitation = self.open.pop(firm_up_id)
        conduct = self.conduct(party)
        conduct.answered += 1
        conduct.response_ns += now - invitation.at_ns
        self._judge(conduct, answered=True, now=now)

    def suspended(self, party: str, now: int) -> bool:
        """Whether a party may send no conditional orders now."""
        self.settle(now)
        return now < self.conduct(party).suspended_until_ns

    def settle(self, now: int) -> None:
        """Book every invitation whose time is over as missed."""
        over = [each for each in self.open.values() if each.deadline_ns < now]
        for invitation in over:
            del self.open[invitation.firm_up_id]
            conduct = self.conduct(invitation.party)
            conduct.missed += 1
            self._judge(conduct, answered=False, now=invitation.deadline_ns)

    def conduct(self, party: str) -> Conduct:
        """What is known of a party."""
        found = self._conducts.get(party)
        if found is None:
            found = self._conducts[party] = Conduct()
        return found

    def _judge(self, conduct: Conduct, *, answered: bool, now: int) -> None:
        settings = self.settings
        conduct.last.append(answered)
        del conduct.last[: -settings.sample]
        if len(conduct.last) == settings.sample and (
            sum(conduct.last) * PPM < settings.suspend_below_ppm * settings.sample
        ):
            conduct.suspended_until_ns = now + settings.suspend_ns
            conduct.last.clear()
