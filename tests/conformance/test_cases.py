"""Every acceptance case of cases.py, against the session layer in memory, for both versions.

The public runner plays them over a socket (`make conformance`); here time is injected, and every
byte that the acceptor writes must have been asked for.
"""

from __future__ import annotations

from collections import Counter

import pytest

from sor_gateway.fix.dictionary import load_packaged
from sor_gateway.fix.session import Role, SessionSettings
from tests.conformance.cases import CASES, Case
from tests.conformance.echo import Acceptor, Echo
from tests.conformance.script import PEERS, US, Line, Version, lines_of, timed
from tests.fix.helpers import SECOND_NS, START_NS, split, stamp

PATIENCE_NS = 60 * SECOND_NS
FREE = {"8", "9", "10", "52", "58"}
"""Tags whose values a case leaves open; the rest must be there, and nothing else."""


class Player:
    """Plays one case; what it expects may need time to pass, and then deadlines are met."""

    def __init__(self, begin_string: str) -> None:
        self.version = Version(begin_string)
        settings = SessionSettings(
            name="echo",
            begin_string=begin_string,
            sender_comp_id=US,
            target_comp_id=PEERS[begin_string],
            role=Role.ACCEPTOR,
            markers=False,
            user_defined="none",
        )
        self.now = START_NS
        self.acceptor = Acceptor(settings, load_packaged(begin_string))
        self.lines: dict[int, Echo] = {}
        self.unread: dict[int, list[bytes]] = {1: [], 2: []}

    def play(self, case: Case) -> None:
        self.connect(1)
        for line in lines_of(case):
            self.step(line)
        assert self.unread == {1: [], 2: []}, "said without being asked"

    def connect(self, connection: int) -> None:
        self.lines[connection] = self.acceptor.connection(self.now)

    def step(self, line: Line) -> None:
        echo = self.lines.get(line.connection)
        if line.action == "connect":
            self.connect(line.connection)
            return
        assert echo is not None
        match line.action:
            case ">" | ">>":
                data = self.bytes_of(line)
                self.unread[line.connection] += split(echo.receive(data, self.now))
            case "<":
                self.expect(line, echo)
            case _:
                self.wait_until(echo, line, closed=True)
                assert not self.unread[line.connection], "said without being asked"

    def bytes_of(self, line: Line) -> bytes:
        if line.action == ">>":
            return self.version.raw_text(line.text).replace("|", "\x01").encode()
        fields = self.version.fields(line.text, from_us=False)
        return framed(timed(fields, lambda seconds: stamp(self.now + seconds * SECOND_NS)))

    def expect(self, line: Line, echo: Echo) -> None:
        self.wait_until(echo, line, closed=False)
        got = self.unread[line.connection].pop(0).decode("latin-1").split("\x01")[:-1]
        want = self.version.fields(line.text, from_us=True)
        assert pairs(want) == pairs(got, any_value=want), "\x01".join(got).replace("\x01", "|")

    def wait_until(self, echo: Echo, line: Line, *, closed: bool) -> None:
        """Deadlines come and go until the acceptor spoke, or closed."""
        unread = self.unread[line.connection]
        until = self.now + PATIENCE_NS
        while not (echo.closed if closed else unread):
            deadline = echo.session.next_deadline()
            assert not echo.closed, f"closed instead of {line.text}"
            assert deadline is not None
            assert deadline < until, f"nothing came for {line.action} {line.text}"
            self.now = max(self.now, deadline)
            unread += split(echo.tick(self.now))


def pairs(fields: list[str], any_value: list[str] | None = None) -> Counter[str]:
    """Fields to compare; values that the case leaves open are made equal."""
    is_open = {f.partition("=")[0] for f in any_value or fields if f.endswith("=*")}
    shown = (field.partition("=") for field in fields)
    return Counter(
        f"{tag}=*" if tag in is_open else f"{tag}={value}"
        for tag, _, value in shown
        if tag not in FREE
    )


def framed(fields: list[str]) -> bytes:
    """The bytes; 9 and 10 are right unless the case writes its own."""
    begin, *rest = fields
    length = rest.pop(0) if rest[0].startswith("9=") else None
    checksum = rest.pop() if rest[-1].startswith("10=") else None
    body = "".join(f"{field}\x01" for field in rest)
    head = f"{begin}\x01{length or f'9={len(body)}'}\x01{body}".encode("latin-1")
    return head + f"{checksum or f'10={sum(head) % 256:03d}'}\x01".encode()


@pytest.mark.parametrize("begin_string", PEERS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_acceptance_case(case: Case, begin_string: str) -> None:
    Player(begin_string).play(case)


def test_every_case_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
