"""Whatever a peer says, the session answers by the book: it never fails, and its numbers hold."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from sor_gateway.fix.dictionary import Dictionary, load_packaged
from sor_gateway.fix.events import AppReceived, Close
from sor_gateway.fix.session import Role
from sor_gateway.fix.states import State
from tests.fix.helpers import Script

VALUES = ["", "0", "1", "2", "3", "Y", "N", "-1", "x", "999999", "20260302-14:30:00", "M1.2"]
BODY_TAGS = [7, 16, 36, 43, 45, 58, 97, 98, 108, 112, 115, 122, 123, 128, 141, 369, 789, 11]


class Chaos:
    """A peer that knows FIX well enough to be a nuisance."""

    def __init__(self, seed: int, dictionary: Dictionary | None, **changes: Any) -> None:
        self.rng = random.Random(seed)
        self.script = Script(dictionary=dictionary, **changes)
        self.highest: dict[int, int] = {}

    def message(self) -> bytes:
        rng, numbers = self.rng, self.script.numbers
        msg_type = rng.choice("00112233445AADD8j*")
        fields = [f"35={msg_type}"]
        number = rng.choice([numbers.next_in] * 6 + [1, rng.randrange(12), numbers.next_in + 2])
        if rng.random() < 0.97:
            fields.append(f"34={number}")
        if rng.random() < 0.02:
            fields.append("49=STRANGER")
        wanted = {"2": (7, 16), "4": (36, 123), "A": (98, 108), "1": (112,), "0": (112,)}
        tags = [*wanted.get(msg_type, (11,))]
        tags += rng.sample(BODY_TAGS, rng.choice([0, 0, 0, 1, 2, 4]))
        if rng.random() < 0.2:
            tags += [43, 122]
        for tag in dict.fromkeys(tags):
            plausible = [
                str(numbers.next_out - 1),
                str(numbers.next_in + rng.randrange(4)),
                f"M{numbers.epoch}.{numbers.next_out - 1}",
            ]
            fields.append(f"{tag}={rng.choice(VALUES + plausible * 3)}")
        raw = self.script.raw("|".join(fields) + "|")
        return raw if rng.random() < 0.98 else raw[: rng.randrange(len(raw))]

    def step(self) -> None:
        rng, script = self.rng, self.script
        session = script.session
        if session.state is State.DISCONNECTED:
            script.connect()
            if rng.random() < 0.9:
                asked = script.settings.role is Role.INITIATOR and script.numbers.reset_pending
                logon = f"35=A|34={script.numbers.next_in}|98=0|108={rng.choice([0, 5, 30])}|"
                script.peer(logon + "141=Y|" * asked)
        elif session.state is State.CLOSING or rng.random() < 0.01:
            script.disconnect()
        elif session.replaying is not None and rng.random() < 0.6:
            begin, end = session.replaying
            session.resend([], rng.randint(begin, end), script.now)
        elif session.logged_on and rng.random() < 0.1:
            script.send()
        elif rng.random() < 0.05:
            rng.choice([session.reset, session.challenge])(script.now)
        elif rng.random() < 0.1:
            script.wait(rng.choice([0.5, 3, 12]))
        else:
            script.feed(self.message())
        script.collect()

    def check(self) -> None:
        script = self.script
        numbers = script.numbers
        for kind, entries in ((0, script.consumed), (1, script.sent)):
            by_epoch: dict[int, list[int]] = {}
            for entry in entries:
                by_epoch.setdefault(entry.epoch, []).append(entry.number)
            for used in by_epoch.values():
                assert used == sorted(set(used)), "a number was used twice"
            last = by_epoch.get(numbers.epoch, [0])[-1]
            assert last == (numbers.next_in, numbers.next_out)[kind] - 1
        assert numbers.proven_through < numbers.next_out
        deadline = script.session.next_deadline()
        assert deadline is None or deadline > script.now - 30_000_000_000
        received = [event.number for event in script.of(AppReceived)]
        assert len(script.consumed) >= len(received)
        if script.session.state is State.CLOSING:
            assert script.of(Close)
            assert script.session.replaying is None


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("checked", [False, True], ids=["no dictionary", "dictionary"])
class TestAnyPeer:
    @hypothesis_settings(max_examples=25, deadline=None)
    @given(seed=st.integers(0, 2**32))
    def test_never_makes_the_session_fail(self, role: Role, checked: bool, seed: int) -> None:
        dictionary = load_packaged("FIX.4.4") if checked else None
        chaos = Chaos(seed, dictionary, role=role, on_low_number="reset", queue_limit=5)
        for _ in range(80):
            chaos.step()
            chaos.check()
