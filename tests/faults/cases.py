"""The faults of venues.md 3 and recovery.md 5: what the venue does, what has to come of it.

Owns: one case for each fault: how it is set, what is asserted beyond the common audit, what is
measured. May not know: how a run is made, who prints.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from sor_gateway.demo.audit import Check
from tests.faults.bench import BAD_NS, Bench
from tests.harness.loop import SECOND
from venue_sims.venue import Venue
from venue_sims.words import Phase

Prepare = Callable[[Bench], None]
Judge = Callable[[Bench], list[Check]]


def nothing_more(_: Bench) -> list[Check]:
    """The common audit says all."""
    return []


@dataclass(slots=True)
class Case:
    """One fault."""

    number: str
    name: str
    does: str
    """The venue."""
    must: str
    """The gateway."""
    prepare: Prepare
    judge: Judge = nothing_more
    counts: tuple[str, ...] = ()
    """Alarms to show."""
    strikes: tuple[str, ...] = ()
    """Names of the venue's faults, to count how often they happened."""


def flagged(bench: Bench, *codes: str, when: int) -> list[Check]:
    """These alarms were raised, if the fault happened at all."""
    missing = [code for code in codes if when and not bench.alarms[code]]
    found = ", ".join(missing) + " missing" if missing else "raised"
    return [Check("it is alarmed", "raised", found, not missing)]


def bound(name: str, found: int, most: int) -> Check:
    """A figure that may not be larger."""
    return Check(name, f"at most {most}", str(found), found <= most)


# --- lines and numbers ------------------------------------------------------------------------


def disconnect(bench: Bench) -> None:
    """F1: in the middle of fills, acknowledgements, or at any time; half of the bytes, or none."""
    dice = bench.dice
    for venue in bench.pick(3):
        bench.fault(
            venue,
            "disconnect",
            mode=dice.choice(["rst", "fin", "logout"]),
            during=dice.choice(["fill", "ack"]),
            part=dice.choice(["none", "half", "all"]),
            p=0.3,
            count=dice.randint(1, 4),
        )


def cancel_on_disconnect(bench: Bench) -> None:
    """F2: Day orders of a lost session go, and their reports wait."""
    for name in bench.pick(3):
        bench.fault(name, "cod", grace_ms=bench.dice.choice([0, 50, 300]))
        for _ in range(2):
            bench.later(SECOND // 2, 5 * SECOND, partial(bench.desk.cut, name))


def restart(bench: Bench) -> None:
    """F27: everything that a venue may have lost when it comes up again."""
    dice = bench.dice
    for name in bench.pick(2):
        bench.fault(
            name,
            "restart",
            at_s=0.6 + dice.random() * 4,
            down_ms=dice.randint(10, 1_000),
            lose=dice.choice(["nothing", "outbound", "inbound", "orders", "all"]),
            reset=dice.choice(["none", "141"]),
            back=dice.choice([0, 3, 10]),
        )


def data_fault(name: str, **values: object) -> Prepare:
    """F19: something is wrong with what lit venues show, for a while or for as long as it lasts."""

    def prepare(bench: Bench) -> None:
        for venue in bench.dice.sample(bench.lit, bench.dice.choice([1, 2, 4])):
            at_s, for_s = bench.dice.random() * 2, bench.dice.choice([0.0, 3.0])
            bench.fault(venue, name, at_s=at_s, for_s=for_s, **values)

    return prepare


def seq_gap(bench: Bench) -> None:
    """F12."""
    for venue in bench.pick(3):
        bench.fault(venue, "seq_gap", skip_n=bench.dice.randint(1, 5), p=0.3, count=5)


def seq_low(bench: Bench) -> None:
    """F12."""
    for venue in bench.pick(2):
        bench.fault(venue, "seq_low", p=0.3, count=2)


def resends(name: str) -> Prepare:
    """F13, F30: something is wrong with what is sent again."""

    def prepare(bench: Bench) -> None:
        for venue in bench.pick(3):
            bench.fault(venue, name, count=bench.dice.randint(1, 3))
            bench.fault(venue, "disconnect", during="fill", part="none", p=0.4, count=3)

    return prepare


def slow_consumer(bench: Bench) -> None:
    """F14: our messages are not read."""
    for venue in bench.pick(2):
        length_ms = bench.dice.randint(200, 4_000)
        bench.fault(venue, "slow_consumer", at_s=0.7, every_s=4.0, count=3, ms=length_ms)


def tcp_stall(bench: Bench) -> None:
    """F14: nothing is written to us."""
    for venue in bench.pick(2):
        length_ms = bench.dice.randint(200, 4_000)
        bench.fault(venue, "tcp_stall", at_s=0.7, every_s=4.0, count=3, ms=length_ms)


def half_open(bench: Bench) -> None:
    """F29."""
    for venue in bench.pick(2):
        bench.fault(venue, "half_open", at_s=0.5 + bench.dice.random() * 3)


def clock_skew(bench: Bench) -> None:
    """F18: 6 to 100 s off."""
    off_ms = bench.dice.choice([-1, 1]) * bench.dice.randint(6_000, 100_000)
    for venue in bench.pick(2):
        bench.fault(venue, "clock_skew", ms=off_ms, at_s=bench.dice.random() * 4)


def clock_skew_told(bench: Bench) -> list[Check]:
    """The operator was told."""
    if not bench.struck("clock_skew"):
        return []  # the orders were over before the clock went wrong
    told = bench.logged("clock-skew")
    return [Check("it is alarmed", "told", "told" if told else "nothing", told > 0)]


def garbled(bench: Bench) -> None:
    """F21."""
    kinds = ["checksum", "length", "missing_tag", "unknown_tag", "empty_tag"]
    for venue in bench.pick(3):
        bench.fault(venue, "garbled", kind=bench.dice.choice(kinds), p=0.2, count=4)


def logon_fail(bench: Bench) -> None:
    """F24."""
    for venue in bench.pick(2):
        bench.fault(venue, "logon_fail", count=bench.dice.randint(1, 6))


def partial_write(bench: Bench) -> None:
    """F25."""
    for venue in bench.pick(3):
        chunk, gap_ms = bench.dice.randint(1, 40), bench.dice.choice([0, 0, 1])
        bench.fault(venue, "partial_write", chunk=chunk, gap_ms=gap_ms)


def executes_queue(bench: Bench) -> None:
    """F28: with lines that are cut, so that there is something to gap-fill."""
    for venue in bench.pick(3):
        bench.fault(venue, "executes_queue")
        for _ in range(3):
            bench.later(SECOND // 2, 5 * SECOND, partial(bench.desk.cut, venue))


def ems_resets(bench: Bench) -> None:
    """F31: the EMS comes back with 141=Y while reports wait for it."""

    def come_back() -> None:
        bench.desk.ems.session.reset()
        bench.desk.connect("EMS")

    for at_s in (1, 4):
        bench.later(at_s * SECOND, at_s * SECOND, lambda: bench.desk.cut("EMS", hold=True))
        bench.later((at_s + 1) * SECOND, (at_s + 2) * SECOND, come_back)


# --- orders and reports -----------------------------------------------------------------------


def dup_er(bench: Bench) -> None:
    """F3."""
    for venue in bench.pick(3):
        kind, flag = bench.dice.choice(["fill", "any"]), bench.dice.choice([True, False])
        bench.fault(venue, "dup_er", n=bench.dice.randint(1, 3), kind=kind, possdup=flag, p=0.6)


def reorder(bench: Bench) -> None:
    """F4."""
    for venue in bench.pick(3):
        kind = bench.dice.choice(["any", "fill", "ack", "cancel"])
        bench.fault(venue, "reorder", kind=kind, window=bench.dice.randint(1, 3), p=0.5)


def late_fill(bench: Bench) -> None:
    """F5."""
    for venue in bench.pick(3):
        bench.fault(venue, "late_fill", after_cxl_ms=bench.dice.randint(1, 800), p=0.3, count=3)


def late_fill_told(bench: Bench) -> list[Check]:
    """Alarmed when there was one."""
    late = sum(bench.facts(name)["LateExecuted"] for name in bench.desk.venues)
    return flagged(bench, "late-fill", when=late)


def bust(bench: Bench) -> None:
    """F6: some at once, some long after the order is over."""
    for venue in bench.pick(3):
        delay_s = bench.dice.choice([0.05, 0.5, 4.0, 10.0])
        bench.fault(venue, "bust", delay_s=delay_s, p=0.3, count=6)


def correct(bench: Bench) -> None:
    """F6."""
    for venue in bench.pick(3):
        delay_s, fewer = bench.dice.choice([0.05, 0.5, 4.0, 10.0]), bench.dice.choice([0, 0, 50])
        bench.fault(venue, "correct", delay_s=delay_s, fewer=fewer, p=0.3, count=6)


def unsol_cancel(bench: Bench) -> None:
    """F7."""
    for venue in bench.pick(3):
        bench.fault(venue, "unsol_cancel", ms=bench.dice.randint(1, 300), p=0.5)


def stuck_cancel(bench: Bench) -> None:
    """F8: a cancel is pending for ever, or long."""
    for venue in bench.pick(3):
        length_ms = bench.dice.choice([0, 0, 10_000])
        bench.fault(venue, "stuck_pending", kind="cancel", ms=length_ms, p=0.5, count=2)


def stuck_new(bench: Bench) -> None:
    """F8: a new order is pending for ever, or long."""
    for venue in bench.pick(3):
        length_ms = bench.dice.choice([0, 0, 10_000])
        bench.fault(venue, "stuck_pending", kind="new", ms=length_ms, p=0.3, count=2)


def no_ack(bench: Bench) -> None:
    """F9: the order is lost, or only its acknowledgement."""
    for venue in bench.pick(3):
        lose = bench.dice.choice(["order", "ack"])
        bench.fault(venue, "no_ack", lose=lose, p=0.4, count=4)


def no_ack_told(bench: Bench) -> list[Check]:
    """An order that is lost is freed by `unknown` alone; one that was not acknowledged may fill."""
    orders = sum(bench.facts(name)["CommandSwallowed"] for name in bench.desk.venues)
    return flagged(bench, "child-unknown", when=orders)


def reject_storm(bench: Bench) -> None:
    """F10: two venues refuse everything all the time."""
    for venue in bench.pick(2):
        bench.fault(venue, "reject_storm", code=bench.dice.choice([0, 2, 3, 99]))


def storm_is_bounded(bench: Bench) -> list[Check]:
    """Five in a row, what left beside them, and one for each cool-off of 5, 10, 20 ... s."""
    checks = []
    for venue in bench.faulty:
        most = 5 + 3 * len(bench.orders) + 4
        sent = bench.sent(venue, "D", end_ns=bench.bad_until_ns)
        checks.append(bound(f"orders sent to {venue} in {BAD_NS // SECOND} s", sent, most))
    return checks


def throttle(_: Bench) -> None:
    """F11: every venue throttles, as always; the gateway's own budget lies below it."""


def never_throttled(bench: Bench) -> list[Check]:
    """No order was refused for its rate."""
    refused = sum(
        order.text.startswith("K:")
        for venue in bench.desk.venues.values()
        for order in venue.server.venue.state.orders.values()
    )
    return [bound("orders refused for their rate", refused, 0)]


def halt(bench: Bench) -> None:
    """F15: at some venues or at all, and resumed."""
    names = list(bench.desk.venues)
    for venue in bench.dice.sample(names, bench.dice.choice([2, 4, len(names)])):
        at_ns = bench.dice.randint(SECOND // 4, 3 * SECOND)
        end_ns = at_ns + bench.dice.randint(SECOND, 6 * SECOND)
        bench.at_venue(venue, at_ns, "halt", stop)
        bench.at_venue(venue, end_ns, "resume", go)


def stop(venue: Venue, now: int) -> None:
    """Halt."""
    if "ACME" not in venue.state.halted:
        venue.halt("ACME", "news pending", now)


def go(venue: Venue, now: int) -> None:
    """Resume."""
    if "ACME" in venue.state.halted or "ACME" in venue.state.bands:
        venue.resume("ACME", now)


def quiet(bench: Bench, begin: str, end: str) -> list[Check]:
    """No order went to a venue between these two alarms about it."""
    checks = flagged(bench, begin, when=len(bench.faulty))
    for venue in bench.desk.venues:
        begun, ended = bench.alarm_times(begin, venue), bench.alarm_times(end, venue)
        for at_ns in begun:
            until_ns = min((each for each in ended if each > at_ns), default=0)
            sent = bench.sent(venue, "D", begin_ns=at_ns + 1, end_ns=until_ns)
            checks.append(bound(f"orders sent to {venue} meanwhile", sent, 0))
    return checks


def price_bad(bench: Bench) -> None:
    """F22."""
    for venue in bench.pick(2):
        bench.fault(venue, "price_bad", ticks=bench.dice.randint(1, 50), p=0.5, count=2)


def overfill(bench: Bench) -> None:
    """F22."""
    for venue in bench.pick(2):
        bench.fault(venue, "overfill", quantity=100 * bench.dice.randint(1, 5), p=0.5, count=1)


def wrong_side(bench: Bench) -> None:
    """F22."""
    for venue in bench.pick(2):
        bench.fault(venue, "wrong_side", p=0.5, count=2)


def denied(bench: Bench) -> list[Check]:
    """Alarmed, told to the venue (Q), and the venue got no more orders."""
    struck = bench.struck("price_bad", "overfill", "wrong_side")
    checks = flagged(bench, "execution-denied", "venue-quarantined", when=struck)
    for venue in bench.alarmed("venue-quarantined"):
        sent = bench.sent(venue, "Q")
        checks.append(Check(f"{venue} was told (Q)", "1 or more", str(sent), sent > 0))
        begin_ns = min(bench.alarm_times("venue-quarantined", venue)) + 1
        late = bench.sent(venue, "D", begin_ns=begin_ns)
        checks.append(bound(f"orders sent to {venue} in quarantine", late, 0))
    return checks


def id_reuse(bench: Bench) -> None:
    """F23."""
    for venue in bench.pick(3):
        bench.fault(venue, "id_reuse", p=0.5, count=4)


def reuse_told(bench: Bench) -> list[Check]:
    """Never dropped in silence."""
    if not bench.struck("id_reuse"):
        return []
    told = bench.alarms["exec-id-reused"] + bench.alarms["contradicting-report"]
    return [Check("it is alarmed", "raised", str(told), told > 0)]


def orderid_change(bench: Bench) -> None:
    """F23: behind a replace of ours, and we send none: children are cancelled and sent anew."""
    for venue in bench.pick(3):
        bench.fault(venue, "orderid_change")


def fade(bench: Bench) -> None:
    """F20: the house takes half away before an order arrives."""
    for name in bench.lit:
        for floor in bench.desk.venues[name].server.venue.trading.floors.values():
            if floor.fade is not None:
                floor.fade.settings.p, floor.fade.settings.frac = 0.8, bench.dice.random()


def fee_surprise(bench: Bench) -> None:
    """F26."""
    for venue in bench.pick(3):
        bench.fault(venue, "fee_surprise", micros=bench.dice.randint(-3_000, 3_000) or 1, p=0.7)


def fee_told(bench: Bench) -> list[Check]:
    """Alarmed once for each."""
    return flagged(bench, "fee-surprise", when=bench.struck("fee_surprise"))


def session_closes(bench: Bench) -> None:
    """F17: a venue's session closes and opens again."""
    for venue in bench.pick(2):
        at_ns = bench.dice.randint(SECOND // 4, 3 * SECOND)
        end_ns = at_ns + bench.dice.randint(SECOND, 6 * SECOND)
        bench.at_venue(venue, at_ns, "close", partial(enter, Phase.CLOSED))
        bench.at_venue(venue, end_ns, "open", partial(enter, Phase.OPEN))


def enter(phase: Phase, venue: Venue, now: int) -> None:
    """Another phase of the trading session."""
    if venue.state.phase is not phase:
        venue.enter_phase(phase, now)


def limit_state(bench: Bench) -> None:
    """F16: a price band around the market, and its end."""
    for venue in bench.pick(3):
        at_ns = bench.dice.randint(SECOND // 4, SECOND)
        bench.at_venue(venue, at_ns, "limit", limit)
        bench.at_venue(venue, at_ns + 3 * SECOND, "resume", go)


def limit(venue: Venue, now: int) -> None:
    """A band of two cents each way."""
    quote = venue.floors["ACME"].nbbo(venue.trading.clock.market(now))
    middle = (quote.bid + quote.ask) // 2
    if "ACME" not in venue.state.halted:
        venue.limit("ACME", middle - 20_000, middle + 20_000, now)


def within_bands(bench: Bench) -> list[Check]:
    """No order left with a limit beyond a band that the gateway knew."""
    return [bound("orders beyond a band", bench.beyond_bands(), 0)]


CASES: Final[tuple[Case, ...]] = (
    Case(
        "F1",
        "disconnect",
        "cuts the line at a fill or an acknowledgement, with none, half or all of it written",
        "children in doubt until H or the resend says; nothing re-routed before that",
        disconnect,
        strikes=("disconnect",),
        counts=("venue-closed", "children-doubted", "child-doubted"),
    ),
    Case(
        "F2",
        "cod",
        "cancels Day orders of a lost session, and reports it behind the next logon",
        "believes the report, not the loss",
        cancel_on_disconnect,
        strikes=("cod",),
        counts=("venue-closed", "cancelled-unasked"),
    ),
    Case(
        "F3",
        "dup_er",
        "reports up to three times more, with and without 43=Y, under new numbers",
        "booked once, by ExecID and content",
        dup_er,
        strikes=("dup_er",),
    ),
    Case(
        "F4",
        "reorder",
        "a fill before New, a cancel before the fill",
        "totals decide; what is missing is booked as synthetic, and netted when it comes",
        reorder,
        strikes=("reorder",),
        counts=("unreported-fill", "unreported-fill-netted"),
    ),
    Case(
        "F5",
        "late_fill",
        "fills an order that it reported as cancelled",
        "booked, alarmed, excess pulled elsewhere in the same turn",
        late_fill,
        late_fill_told,
        strikes=("late_fill",),
        counts=("late-fill", "over-fill"),
    ),
    Case(
        "F6",
        "bust",
        "takes trades back, some of them 10 s later",
        "150=H to the client by its own ExecID; a working order has its shares again",
        bust,
        strikes=("bust",),
        counts=("trade-busted",),
    ),
    Case(
        "F6",
        "correct",
        "corrects price and quantity of trades",
        "150=G to the client; totals, fees and average follow",
        correct,
        strikes=("correct",),
        counts=("trade-corrected",),
    ),
    Case(
        "F7",
        "unsol_cancel",
        "cancels resting orders unasked",
        "the rest goes elsewhere, the venue's expected fills fall",
        unsol_cancel,
        lambda bench: flagged(bench, "cancelled-unasked", when=bench.alarms["cancelled-unasked"]),
        strikes=("unsol_cancel",),
        counts=("cancelled-unasked",),
    ),
    Case(
        "F8",
        "stuck_cancel",
        "answers a cancel with Pending Cancel, and nothing more",
        "H with back-off, alarm, the shares go nowhere else",
        stuck_cancel,
        strikes=("stuck_pending",),
        counts=("cancel-stuck", "request-overdue"),
    ),
    Case(
        "F8",
        "stuck_new",
        "answers an order with Pending New, and nothing more",
        "counted as live, asked about, pulled when its time is over",
        stuck_new,
        strikes=("stuck_pending",),
        counts=("child-doubted", "cancel-stuck"),
    ),
    Case(
        "F9",
        "no_ack",
        "swallows orders, or their acknowledgement",
        "H after the time-out; freed only by `unknown order`",
        no_ack,
        no_ack_told,
        strikes=("no_ack",),
        counts=("child-doubted", "child-unknown"),
    ),
    Case(
        "F10",
        "reject_storm",
        "rejects everything",
        "a breaker for the venue, cool-off doubles, one order to try",
        reject_storm,
        storm_is_bounded,
        strikes=("reject_storm",),
        counts=("child-rejected", "venue-rests"),
    ),
    Case(
        "F11",
        "throttle",
        "refuses more than so many orders a second",
        "the gateway's own budget lies below it: nothing is refused",
        throttle,
        never_throttled,
    ),
    Case(
        "F12",
        "seq_gap",
        "leaves numbers out",
        "ResendRequest; children there asked about, because reports may be gone",
        seq_gap,
        strikes=("seq_gap",),
        counts=("children-doubted",),
    ),
    Case(
        "F12",
        "seq_low",
        "sends an old number without 43=Y",
        "logs out and comes back; nothing is booked twice",
        seq_low,
        strikes=("seq_low",),
        counts=("venue-closed",),
    ),
    Case(
        "F13",
        "resend_ignored",
        "does not answer a ResendRequest",
        "asked once more, then a new connection; H settles what is open",
        resends("resend_ignored"),
        strikes=("resend_ignored", "disconnect"),
    ),
    Case(
        "F13",
        "gapfill_wrong",
        "a gap fill goes to the wrong number",
        "numbers are found again; what was passed over is asked for by H",
        resends("gapfill_wrong"),
        strikes=("gapfill_wrong", "disconnect"),
    ),
    Case(
        "F13",
        "resend_fresh_dup",
        "sends the originals again behind a resend, unflagged",
        "too low: logs out; nothing is booked twice",
        resends("resend_fresh_dup"),
        strikes=("resend_fresh_dup", "disconnect"),
    ),
    Case(
        "F14",
        "slow_consumer",
        "does not read for seconds",
        "congested: no new orders there; cancels and questions wait in bounded buffers",
        slow_consumer,
        strikes=("slow_consumer",),
        counts=("venue-congested", "child-doubted"),
    ),
    Case(
        "F14",
        "tcp_stall",
        "does not write for seconds",
        "children in doubt, asked about, nothing sent twice",
        tcp_stall,
        strikes=("tcp_stall",),
        counts=("child-doubted",),
    ),
    Case(
        "F15",
        "halt",
        "halts the symbol (35=f), and resumes it",
        "no order there meanwhile; all halted: parents wait",
        halt,
        partial(quiet, begin="symbol-halted", end="symbol-resumed"),
        counts=("symbol-halted", "symbol-resumed", "child-rejected"),
    ),
    Case(
        "F16",
        "luld",
        "tells price bands (326=6, 332, 333)",
        "no order beyond them",
        limit_state,
        within_bands,
        counts=("symbol-halted",),
    ),
    Case(
        "F17",
        "session",
        "closes its trading session (35=h), expires Day orders, opens again",
        "nothing sent meanwhile; the rest goes elsewhere",
        session_closes,
        partial(quiet, begin="venue-session-closed", end="venue-session-opened"),
        counts=("venue-session-closed", "venue-session-opened"),
    ),
    Case(
        "F18",
        "clock_skew",
        "stamps 6 to 100 s off",
        "alarmed once, nothing ordered by it",
        clock_skew,
        clock_skew_told,
        strikes=("clock_skew",),
    ),
    Case(
        "F19",
        "stale_md",
        "shows a book that does not move any more",
        "goes by what it is shown, and by what comes back; nothing is lost",
        data_fault("stale_md"),
        strikes=("stale_md",),
    ),
    Case(
        "F19",
        "crossed",
        "shows a bid above its own offer",
        "that book is none until it makes sense again",
        data_fault("crossed"),
        strikes=("crossed",),
    ),
    Case(
        "F19",
        "md_silent",
        "shows nothing any more, and its session lives",
        "quotes age out; the books are asked for again",
        data_fault("md_silent"),
        strikes=("md_silent",),
    ),
    Case(
        "F19",
        "md_gap",
        "leaves updates out",
        "the books are asked for again",
        data_fault("md_gap", p=0.1),
        strikes=("md_gap",),
    ),
    Case(
        "F20",
        "fade",
        "takes displayed shares away before an order arrives",
        "scored by what was filled",
        fade,
    ),
    Case(
        "F21",
        "garbled",
        "damages messages: checksum, length, missing, empty, unknown tags",
        "ignored and asked for again, or rejected; its child asked about",
        garbled,
        strikes=("garbled",),
        counts=("children-doubted", "unusable"),
    ),
    Case(
        "F22",
        "price_bad",
        "reports a fill beyond the limit",
        "told truly, denied (Q 127=E), quarantine",
        price_bad,
        denied,
        strikes=("price_bad",),
        counts=("execution-denied", "venue-quarantined"),
    ),
    Case(
        "F22",
        "overfill",
        "reports a fill of more than was left",
        "told truly, denied (Q 127=C), quarantine, excess pulled elsewhere",
        overfill,
        denied,
        strikes=("overfill",),
        counts=("execution-denied", "over-fill", "venue-quarantined"),
    ),
    Case(
        "F22",
        "wrong_side",
        "reports a fill on the other side",
        "not booked, denied (Q 127=B), quarantine; the order's own total decides",
        wrong_side,
        denied,
        strikes=("wrong_side",),
        counts=("execution-denied", "unreported-fill"),
    ),
    Case(
        "F23",
        "id_reuse",
        "uses an ExecID for two fills",
        "booked and alarmed, never dropped in silence",
        id_reuse,
        reuse_told,
        strikes=("id_reuse",),
        counts=("exec-id-reused", "contradicting-report"),
    ),
    Case(
        "F23",
        "orderid_change",
        "gives an order another OrderID after a replace",
        "it never replaces: the fault finds nothing to happen to",
        orderid_change,
        lambda bench: [bound("replaces sent", bench.struck("orderid_change"), 0)],
        strikes=("orderid_change",),
    ),
    Case(
        "F24",
        "logon_fail",
        "refuses logons",
        "back-off with jitter; routes around it meanwhile",
        logon_fail,
        strikes=("logon_fail",),
    ),
    Case(
        "F25",
        "partial_write",
        "writes in pieces of a few bytes",
        "as if it were whole",
        partial_write,
        strikes=("partial_write",),
    ),
    Case(
        "F26",
        "fee_surprise",
        "charges what its schedule does not say",
        "booked as reported, alarmed, counted",
        fee_surprise,
        fee_told,
        strikes=("fee_surprise",),
        counts=("fee-surprise",),
    ),
    Case(
        "F27",
        "restart",
        "dies and comes up without its numbers, its orders, or all of it",
        "nothing is sent twice; children in doubt until H, `unknown` frees them",
        restart,
        strikes=("restart",),
        counts=("children-doubted", "child-unknown", "executed-less-than-booked"),
    ),
    Case(
        "F28",
        "executes_queue",
        "executes orders that a gap fill took back",
        "voided and in doubt, not free: counted until H is answered",
        executes_queue,
        strikes=("executes_queue",),
        counts=("child-doubted", "released-child-lives"),
    ),
    Case(
        "F29",
        "half_open",
        "forgets the line; we believe it is up",
        "TestRequest, then a new connection; H for what was open",
        half_open,
        strikes=("half_open",),
        counts=("venue-closed", "child-doubted"),
    ),
    Case(
        "F30",
        "resend_gap_filled",
        "gap-fills reports that it is asked for",
        "children in doubt, H; the totals are booked as synthetic executions",
        resends("resend_gap_filled"),
        strikes=("resend_gap_filled", "disconnect"),
        counts=("children-doubted", "unreported-fill"),
    ),
    Case(
        "F31",
        "ems_resets",
        "(the EMS) comes back with 141=Y while reports wait",
        "what it is not proved to have goes out again with 97=Y and the same ExecID",
        ems_resets,
    ),
)
