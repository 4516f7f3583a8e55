"""Everything that a venue says, over days of sense and nonsense: it keeps to the reference
dictionaries with the named extensions, and every request has exactly one answer.

Two clients, of orders and of market data, in either version of FIX, over the venue as its process
wires it; what an operator does, lost lines and requests to say things again are part of it.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable

import pytest
import simplefix

from sor_gateway.fix.codec import decode
from sor_gateway.fix.message import Message
from tests.harness.loop import SECOND, VirtualLoop
from tests.harness.machines import Venue
from tests.venue_sims.extensions import extended
from tests.venue_sims.helpers import START, market, venue_file
from tests.venue_sims.stranger import Body, Stranger
from venue_sims.faults.orders import RejectStormSettings
from venue_sims.words import Phase

STEPS = 250
CENT = 10_000
SYMBOLS = ["ACME", "ACME", "ACME", "BOLT", "NONE"]


class Day:
    """One venue, two strangers, an operator and a die."""

    def __init__(self, name: str, version: str, seed: int) -> None:
        self.draw = random.Random(seed)
        self.loop = VirtualLoop(START)
        file, settings = venue_file(name), market(seed, scale=60)
        file.faults["reject_storm"] = RejectStormSettings(p=0.02)
        file.match.invitations.suspend_below_ppm = 0
        file.cod, file.grace_ns = True, SECOND // 10
        file.pingers.rate = 0.5
        assert settings.t0_ns is not None
        self.venue = Venue(self.loop, file, settings, settings.t0_ns)
        self.version = version
        self.orders = Stranger(self.loop, "SOR", self.venue, version)
        self.data = Stranger(self.loop, "SORMD", self.venue, version)
        self.has_data = bool(file.data_sessions)
        self.ids: list[str] = []
        self.counted = 0
        self.firm_ups: list[str] = []
        self.orders.connect()
        if self.has_data:
            self.data.connect(reset=True)
        self.run(1.0)

    def run(self, seconds: float) -> None:
        until = self.loop.now_ns + int(seconds * SECOND)
        while (due := self.loop.next_ns()) is not None and due <= until:
            self.loop.step()
        self.loop.advance(until)

    # --- what they say --------------------------------------------------------------------

    def act(self) -> None:
        doers: dict[Callable[[], None], int] = {
            self.order: 40,
            self.cancel: 12,
            self.replace: 12,
            self.status: 4,
            self.mass_cancel: 3,
            self.mass_status: 3,
            self.ask_status: 4,
            self.ask_data: 6,
            self.nonsense: 3,
            self.ask_again: 2,
            self.hang_up: 1,
            self.operate: 5,
        }
        (doer,) = self.draw.choices(list(doers), list(doers.values()))
        doer()
        self.run(self.draw.choice([0.0, 0.001, 0.02, 0.3]))
        if not self.orders.up:
            self.orders.connect()
            self.run(0.5)

    def new_id(self) -> str:
        self.counted += 1
        return f"C{self.counted}"

    def some_id(self) -> str:
        return self.draw.choice(self.ids[-30:]) if self.ids else "NONE"

    def price(self) -> str:
        return f"{self.draw.randint(4_960, 5_040) / 100:.2f}"

    def order(self) -> None:
        draw, cl_ord_id = self.draw, self.new_id()
        self.ids.append(cl_ord_id)
        side = draw.choice(["1", "2", "5", "6", "1", "2", "8"])
        kind = draw.choice(["1", "2", "2", "2", "P", "3"])
        body: Body = [(11, cl_ord_id), (21, "1"), (55, draw.choice(SYMBOLS)), (54, side)]
        body += [(60, self.orders.stamp()), (40, kind)]
        body += [(38, draw.choice([100, 300, 2_000, 50, 5_000_000, "1.5"]))]
        if kind != "1" or draw.random() < 0.1:
            body.append((44, draw.choice([self.price(), self.price(), "50.005"])))
        body.append((59, draw.choice(["0", "0", "3", "4", "1"])))
        instructions = draw.choice([None, None, "6", "f", "M", "R", "P", "1 M", "G"])
        if instructions is None and kind == "P":
            instructions = draw.choice(["M", "R", "P"])
        optional: list[tuple[int, object]] = [
            (18, instructions),
            (110, draw.choice([None, None, 100, 50])),
            (111, draw.choice([None, None, None, 0, 100, 150])),
            (211, draw.choice([None, None, None, "-0.01", "0.005"]) if kind == "P" else None),
            (1, draw.choice([None, "ACC"])),
            (7928, draw.choice([None, None, "ME"])),
            (9701, draw.choice([None, None, "C", "M"])),
            (9702, draw.choice([None, None, None, "Y"])),
            (9703, draw.choice([None, *self.firm_ups[-1:]])),
            (9704, draw.choice([None, None, "Y", "C"])),
            (97, draw.choice([None, None, None, "Y"])),
        ]
        chosen = [pair for pair in optional if pair[1] is not None]
        header = [pair for pair in chosen if pair[0] == 97]
        self.orders.say("D", header + body + [pair for pair in chosen if pair[0] != 97])

    def cancel(self) -> None:
        cl_ord_id, orig = self.new_id(), self.some_id()
        body: Body = [(11, cl_ord_id), (41, orig), (55, "ACME"), (54, "1"), (38, 100)]
        self.orders.say("F", [*body, (60, self.orders.stamp())])

    def replace(self) -> None:
        cl_ord_id, orig = self.new_id(), self.some_id()
        self.ids.append(cl_ord_id)
        body: Body = [(11, cl_ord_id), (41, orig), (21, "1"), (55, "ACME"), (54, "1"), (40, "2")]
        body += [(38, self.draw.choice([50, 200, 3_000])), (44, self.price())]
        body += [(111, 100)] if self.draw.random() < 0.2 else []
        self.orders.say("G", [*body, (60, self.orders.stamp())])

    def status(self) -> None:
        more: Body = [(790, "Q1")] if self.version == "FIX.4.4" else []
        self.orders.say("H", [(11, self.some_id()), (55, "ACME"), (54, "1"), *more])

    def mass_cancel(self) -> None:
        scope = self.draw.choice(["1", "7", "3"])
        body: Body = [(11, self.new_id()), (530, scope), (60, self.orders.stamp())]
        body += [(55, self.draw.choice(SYMBOLS))] if scope == "1" else []
        self.orders.say("q", body + ([(54, "1")] if self.draw.random() < 0.3 else []))

    def mass_status(self) -> None:
        scope = self.draw.choice(["1", "7", "8"])
        body: Body = [(584, self.new_id()), (585, scope)]
        body += [(55, self.draw.choice(SYMBOLS))] if scope == "1" else []
        self.orders.say("AF", body + ([(54, "1")] if self.draw.random() < 0.3 else []))

    def ask_status(self) -> None:
        who = self.draw.choice([self.orders, self.data]) if self.has_data else self.orders
        kind = self.draw.choice(["0", "1", "2"])
        if self.draw.random() < 0.5:
            who.say("e", [(324, "E1"), (55, self.draw.choice(SYMBOLS)), (263, kind)])
        else:
            who.say("g", [(335, "G1"), (263, kind)])

    def ask_data(self) -> None:
        who = self.data if self.has_data and self.draw.random() < 0.9 else self.orders
        types = self.draw.choice([["0", "1"], ["0", "1", "2"], ["2"], ["7"]])
        body: Body = [(262, self.draw.choice(["R1", "R2", "R3"])), (263, self.draw.choice("0112"))]
        body += [(264, self.draw.choice(["0", "1", "5"])), (265, self.draw.choice("01"))]
        body += [(267, len(types)), *((269, each) for each in types)]
        who.say("V", [*body, (146, 1), (55, self.draw.choice(SYMBOLS))])

    def nonsense(self) -> None:
        choices: list[tuple[str, Body]] = [
            ("D", [(11, self.new_id()), (55, "ACME")]),
            ("D", [(11, self.new_id()), (55, "ACME"), (54, "1"), (38, "many"), (40, "2")]),
            ("AE", []),
            ("ZZ", [(1, "x")]),
            ("Q", [(37, "1"), (17, "2"), (127, "A"), (55, "ACME"), (54, "1")]),
            ("B", [(148, "news")]),
            ("F", [(11, ""), (41, "x")]),
        ]
        who = self.data if self.has_data and self.draw.random() < 0.3 else self.orders
        who.say(*self.draw.choice(choices))

    def ask_again(self) -> None:
        self.orders.say("2", [(7, 1), (16, 0)])

    def hang_up(self) -> None:
        if self.draw.random() < 0.5:
            self.orders.say("5", [])
            self.run(0.2)
        if self.orders.up:
            self.orders.cut()
        self.run(self.draw.choice([0.05, 0.4]))

    def operate(self) -> None:
        server, venue = self.venue.server, self.venue.server.venue
        live = venue.state.live_orders()
        choice = self.draw.choice(["halt", "limit", "session", "cancel", "throttle"])
        if choice == "halt" and "ACME" not in venue.state.halted:
            server.operate("halt", lambda now: venue.halt("ACME", "news pending", now))
        elif choice == "halt":
            server.operate("resume", lambda now: venue.resume("ACME", now))
        elif choice == "limit" and "BOLT" not in venue.state.halted:
            low, high = 119_000_000, 121_000_000
            server.operate("limit", lambda now: venue.limit("BOLT", low, high, now))
        elif choice == "session":
            phase = self.draw.choice([Phase.OPEN, Phase.OPEN, *Phase])
            server.operate("session", lambda now: venue.enter_phase(phase, now))
        elif choice == "cancel" and live:
            order_id = live[0].order_id
            server.operate("cancel", lambda now: _discard(venue.cancel(order_id, "U: so", now)))
        elif choice == "throttle":
            venue.throttle.settings.msgs = self.draw.choice([0, 0, 3])

    def settle(self) -> None:
        """The end: the venue is open, each kind of request was made, everything is answered."""
        venue = self.venue.server.venue
        self.venue.server.operate("open", lambda now: venue.enter_phase(Phase.OPEN, now))
        self.orders.say("e", [(324, "E2"), (55, "ACME"), (263, "0")])
        self.orders.say("g", [(335, "G2"), (263, "0")])
        self.orders.say(
            "V", [(262, "R"), (263, 1), (264, 1), (267, 1), (269, 0), (146, 1), (55, "X")]
        )
        self.mass_cancel()
        self.ask_again()
        if self.has_data:
            both: Body = [(267, 2), (269, 0), (269, 1), (146, 1), (55, "CRUX")]
            self.data.say("V", [(262, "R9"), (263, 1), (264, 0), (265, 1), *both])
        self.run(3.0)


def _discard(_: object) -> None:
    """An operation returns nothing."""


def played(name: str, version: str) -> Day:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    day = Day(name, version, seed)
    for _ in range(STEPS):
        day.act()
        day.firm_ups += [m[9703] for m in day.orders.received[-20:] if 9705 in m]
    day.settle()
    return day


@pytest.mark.parametrize("version", ["FIX.4.2", "FIX.4.4"])
@pytest.mark.parametrize("name", ["exchange", "exchange-iex", "ecn", "inverted", "dark-a"])
def test_everything_said_is_fix_and_everything_asked_is_answered_once(
    name: str, version: str
) -> None:
    day = played(name, version)
    dictionary = extended(version)
    for message in day.orders.received + day.data.received:
        fault = dictionary.validate(message, "none")
        assert fault is None, f"{fault}: {message.fields}"
    said = {message.msg_type for message in day.orders.received + day.data.received}
    assert set("A89fhY4") | set("r" if version == "FIX.4.4" else "j") <= said
    if day.has_data:
        assert {"W", "X"} <= {message.msg_type for message in day.data.received}
    _check_answers(day)
    _check_reports(day.orders.received)
    _check_series(day.orders.received)
    for frame in day.orders.frames + day.data.frames:
        _check_with_simplefix(frame)


def _check_answers(day: Day) -> None:
    """Of every D, F, G and q exactly one answer: a refusal of the session (3) or of the business
    (j) by number, or a first report, a 9 or an r by ClOrdID. What is said again counts once."""
    refused: Counter[int] = Counter()
    told: dict[str, list[Message]] = defaultdict(list)
    for message in fresh(day.orders.received):
        if message.msg_type in ("3", "j"):
            refused[int(message[45])] += 1
        elif message.msg_type in ("8", "9", "r"):
            told[message.get(11, "")].append(message)
    asked = Counter(
        str(dict(body)[11]) for kind, body in day.orders.sent.values() if kind in ("D", "F", "G")
    )
    for number, (kind, body) in day.orders.sent.items():
        cl_ord_id = str(dict(body).get(11, ""))
        if kind not in ("D", "F", "G", "q") or asked[cl_ord_id] > 1:
            continue
        answers = [m for m in told[cl_ord_id] if is_answer(kind, m)]
        least = 0 if number in day.orders.lost | day.orders.last_words else 1
        assert least <= refused[number] + len(answers) <= 1, (number, kind, body, told[cl_ord_id])
        if kind == "D" and answers:
            first = next(message for message in told[cl_ord_id] if not is_status(message))
            assert first is answers[0], "something came before the first answer"


def is_answer(kind: str, message: Message) -> bool:
    """Whether this is the answer to a request of this kind, and not what came of it later."""
    if is_status(message):
        return False
    if kind == "D":
        return message.msg_type == "8" and message[150] in ("0", "8")
    if kind in ("F", "G"):
        return message.msg_type == "9" or (message.msg_type == "8" and 41 in message)
    return message.msg_type == "r"


def is_status(message: Message) -> bool:
    """Whether this answers a status request, or an order that may have come before (97=Y)."""
    return message.get(150) == "I" or message.get(20) == "3"


def fresh(messages: list[Message]) -> list[Message]:
    """Each number once: what a cut line swallowed comes with 43=Y when it is asked for."""
    by_number: dict[str, Message] = {}
    for message in messages:
        if message.msg_type != "4":
            by_number.setdefault(message[34], message)
    return sorted(by_number.values(), key=lambda message: int(message[34]))


def _check_reports(messages: list[Message]) -> None:
    """venues.md 4.2: 151+14=38 while an order lives, 151=0 after it, no ExecID twice, what is done
    never shrinks."""
    exec_ids: set[str] = set()
    done: dict[str, int] = defaultdict(int)
    for message in fresh(messages):
        if message.msg_type != "8" or message[37] == "NONE":
            continue
        assert message[17] not in exec_ids
        exec_ids.add(message[17])
        cum, leaves = int(message[14]), int(message[151])
        assert cum >= done[message[37]]
        done[message[37]] = cum
        if message[39] in ("0", "1"):
            assert leaves + cum == int(message[38])
        else:
            assert leaves == 0
    assert exec_ids


def _check_series(messages: list[Message]) -> None:
    """Each answer to a mass status request is whole, and says itself where it ends."""
    series: dict[str, list[Message]] = defaultdict(list)
    for message in fresh(messages):
        if 584 in message:
            series[message[584]].append(message)
    for reports in series.values():
        assert {report[911] for report in reports} in ({"0"}, {str(len(reports))})
        assert [report[912] for report in reports] == ["N"] * (len(reports) - 1) + ["Y"]


def _check_with_simplefix(frame: bytes) -> None:
    """Who wrote none of this reads one message, with the fields that we read, and the same sums."""
    parser = simplefix.FixParser()
    parser.append_buffer(frame)
    message = parser.get_message()
    assert message is not None
    read = [(int(tag), value.decode("latin-1")) for tag, value in message.pairs]
    assert read == decode(frame).fields
    assert message.encode() == frame, "length or checksum is not what simplefix makes it"


def test_the_check_itself_finds_what_is_wrong() -> None:
    """A dictionary that lets everything pass would be no check."""
    day = Day("exchange", "FIX.4.4", 1)
    day.orders.say(
        "D",
        [(11, "A"), (55, "ACME"), (54, 1), (38, 100), (40, 2), (44, 40), (60, day.orders.stamp())],
    )
    day.run(1.0)
    (new,) = [message for message in day.orders.received if message.msg_type == "8"]
    dictionary = extended("FIX.4.4")
    assert dictionary.validate(new, "none") is None
    for tag, value in ((9731, "x"), (18, "y"), (20, "0"), (9704, "X")):
        wrong = Message("8", [*new.fields[:-1], (tag, value), new.fields[-1]])
        assert dictionary.validate(wrong, "none") is not None, tag
