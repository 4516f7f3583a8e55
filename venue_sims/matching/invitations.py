"""Invitations to firm up conditional orders, and what becomes of them.

Owns: which invitations are open, how often and how fast each party answers, who is suspended.
May not know: books, sessions, FIX. Time comes as an argument; a party is a name.

An invitation is open until its deadline. A firm order that names it in time is an answer; an
invitation without one by then is a miss. A party that lately answered too few may send no
conditional orders; as it gets no invitations meanwhile, its past is forgotten and it starts anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from venue_sims.matching.rules import PPM

OUTCOMES_KEPT: Final = 1_000
"""How many invitations are remembered one by one, for each party."""
_MS: Final = 1_000_000


@dataclass(slots=True)
class InvitationSettings:
    """What a venue asks of those who send conditional orders."""

    window_ns: int = 1_000 * _MS
    """How long an invitation is open."""
    suspend_below_ppm: int = 0
    """The smallest share of answers, in parts per million; 0: nobody is suspended."""
    sample: int = 20
    """Fewer invitations prove nothing."""
    memory_ns: int = 300_000 * _MS
    """How long an invitation counts."""


@dataclass(slots=True)
class Invitation:
    """One open invitation to answer an order of a party."""

    firm_up_id: str
    party: str
    order_id: str
    at_ns: int
    deadline_ns: int


@dataclass(slots=True)
class Outcome:
    """What became of an invitation, and when that was clear."""

    at_ns: int
    answered: bool


@dataclass(slots=True)
class Conduct:
    """How a party has dealt with its invitations."""

    invited: int = 0
    answered: int = 0
    missed: int = 0
    response_ns: int = 0
    """All response times together."""
    last: list[Outcome] = field(default_factory=list)
    """The oldest first."""


class Invitations:
    """All of a venue's. Only what is told changes it; what time alone has done is booked with the
    next invitation."""

    def __init__(self) -> None:
        self.open: dict[str, Invitation] = {}
        self.conducts: dict[str, Conduct] = {}

    def invite(self, invitation: Invitation) -> None:
        """Open an invitation; its id is new."""
        self._settle(invitation.at_ns)
        assert invitation.firm_up_id not in self.open
        self.open[invitation.firm_up_id] = invitation
        self.conducts.setdefault(invitation.party, Conduct()).invited += 1

    def answerable(self, firm_up_id: str, party: str, now: int) -> Invitation | None:
        """The invitation that this party may still answer. Changes nothing."""
        found = self.open.get(firm_up_id)
        if found is None or found.party != party or now > found.deadline_ns:
            return None
        return found

    def answer(self, firm_up_id: str, now: int) -> None:
        """A firm order came for an invitation that is answerable."""
        invitation = self.open.pop(firm_up_id)
        conduct = self.conducts[invitation.party]
        conduct.answered += 1
        conduct.response_ns += now - invitation.at_ns
        _remember(conduct, Outcome(now, answered=True))

    def suspended(self, party: str, now: int, settings: InvitationSettings) -> bool:
        """Whether a party may send no conditional orders now. Changes nothing."""
        conduct = self.conducts.get(party, Conduct())
        over = [
            Outcome(each.deadline_ns, answered=False)
            for each in self.open.values()
            if each.party == party and each.deadline_ns < now
        ]
        since = now - settings.memory_ns
        counted = [each.answered for each in [*conduct.last, *over] if each.at_ns > since]
        few = len(counted) < settings.sample
        return not few and sum(counted) * PPM < settings.suspend_below_ppm * len(counted)

    def _settle(self, now: int) -> None:
        """Book every invitation whose time is over as missed."""
        over = [each for each in self.open.values() if each.deadline_ns < now]
        for invitation in over:
            del self.open[invitation.firm_up_id]
            conduct = self.conducts[invitation.party]
            conduct.missed += 1
            _remember(conduct, Outcome(invitation.deadline_ns, answered=False))


def _remember(conduct: Conduct, outcome: Outcome) -> None:
    conduct.last.append(outcome)
    del conduct.last[:-OUTCOMES_KEPT]
