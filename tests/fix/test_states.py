"""The connection life cycle: every pair of state and step, allowed or not."""

from __future__ import annotations

from itertools import product

import pytest

from sor_gateway.fix.states import (
    ESTABLISHED,
    LISTENING,
    OPEN,
    TRANSITIONS,
    State,
    Step,
    follow,
)

#: The rows, written down a second time and in another form: state, then step=after.
EXPECTED = """
disconnected: connected-as-initiator=logon-sent connected-as-acceptor=awaiting-logon
awaiting-logon: logon-agreed=logged-on abandoned=closing transport-lost=disconnected
logon-sent: logon-agreed=logged-on logout-received=closing abandoned=closing
  transport-lost=disconnected
logged-on: logon-agreed=logged-on marker-returned=synchronised reset-asked=resetting
  logout-asked=logout-sent logout-received=logout-answered abandoned=closing
  transport-lost=disconnected
synchronised: logon-agreed=logged-on reset-asked=resetting logout-asked=logout-sent
  logout-received=logout-answered abandoned=closing transport-lost=disconnected
resetting: logon-agreed=logged-on logout-asked=logout-sent logout-received=logout-answered
  abandoned=closing transport-lost=disconnected
logout-sent: logout-received=closing abandoned=closing transport-lost=disconnected
logout-answered: abandoned=closing transport-lost=disconnected
closing: transport-lost=disconnected
"""


def expected_rows() -> dict[tuple[State, Step], State]:
    rows = {}
    state = State.DISCONNECTED
    for word in EXPECTED.split():
        if word.endswith(":"):
            state = State(word[:-1])
        else:
            step, _, after = word.partition("=")
            rows[state, Step(step)] = State(after)
    return rows


@pytest.mark.parametrize(
    ("state", "step"), list(product(State, Step)), ids=lambda value: getattr(value, "value", None)
)
def test_every_pair_of_state_and_step(state: State, step: Step) -> None:
    after = expected_rows().get((state, step))
    if after is None:
        with pytest.raises(AssertionError, match=step.value):
            follow(state, step)
    else:
        assert follow(state, step) is after


class TestShape:
    def test_a_lost_transport_is_possible_everywhere_but_without_one(self) -> None:
        lost = {state for state in State if (state, Step.TRANSPORT_LOST) in TRANSITIONS}
        assert lost == set(State) - {State.DISCONNECTED}
        assert {follow(state, Step.TRANSPORT_LOST) for state in lost} == {State.DISCONNECTED}

    def test_every_state_can_be_reached(self) -> None:
        assert set(TRANSITIONS.values()) == set(State)

    def test_every_line_that_listens_can_be_given_up(self) -> None:
        assert all((state, Step.ABANDONED) in TRANSITIONS for state in LISTENING)

    def test_the_classes_of_states_contain_each_other(self) -> None:
        assert OPEN < ESTABLISHED < LISTENING < set(State)
