"""Faults of orders, reports and the trading day: how each is set, what is asserted beyond the
common audit.

May not know: how a run is made, who prints.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from sor_gateway.daemon.sessions import ClientLink
from sor_gateway.demo.audit import Check
from sor_gateway.sor.types import ParentState
from tests.faults.audit import DISPUTED
from tests.faults.bench import BAD_NS, Bench
from tests.faults.case import bound, flagged
from tests.harness.desk import EMS
from tests.harness.loop import SECOND
from venue_sims.flow.fade import Fade
from venue_sims.throttle import Style, ThrottleSettings
from venue_sims.venue import Venue
from venue_sims.words import Phase


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


def throttle(bench: Bench) -> None:
    """F11: venues let few orders through, and the gateway knows how few: what its tokens allow in
    any second, and two for what the line may move together."""
    for name, venue in bench.desk.venues.items():
        known = bench.desk.gateway.configuration.router.venues[name]
        known.cancel_reserve = 2
        known.orders_per_second = bench.dice.randint(4, 10)
        allowed = venue.server.venue.throttle.settings
        allowed.msgs = 2 * known.orders_per_second - known.cancel_reserve + 2


def budget_spent(bench: Bench) -> int:
    """Venues that were sent as many orders at once as the gateway's budget has."""
    return sum(
        bench.busiest(name) >= known.orders_per_second - known.cancel_reserve
        for name, known in bench.desk.gateway.configuration.router.venues.items()
    )


def throttle_misjudged(bench: Bench) -> None:
    """F11: venues let fewer orders through than the gateway believes, and do with the others what
    venues do: refuse them in one way or another, let them wait, hang up."""
    for name in bench.pick(3):
        allowed = bench.desk.venues[name].server.venue.throttle.settings
        shipped = replace(allowed)
        allowed.msgs, allowed.per_ms = bench.dice.randint(1, 2), bench.dice.choice([1_000, 3_000])
        allowed.style = bench.dice.choice(list(Style))
        bench.faulty[name] = [f"throttle {allowed.style}"]
        bench.notes[f"let through by {name}"] = allowed.msgs
        bench.at_the_end(partial(restore, allowed, shipped))


def restore(allowed: ThrottleSettings, shipped: ThrottleSettings) -> None:
    """As it was."""
    allowed.msgs, allowed.per_ms, allowed.style = shipped.msgs, shipped.per_ms, shipped.style


def beyond_throttle(bench: Bench) -> int:
    """Venues that were sent more at once than they let through."""
    return sum(bench.busiest(name) > bench.notes[f"let through by {name}"] for name in bench.faulty)


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
    """F23: from its first fill on; we send no replace, children are cancelled and sent anew."""
    for venue in bench.pick(3):
        bench.fault(venue, "orderid_change", behind="fill", p=0.7)


def renamed_is_the_same(bench: Bench) -> list[Check]:
    """No venue's word is disputed because of it."""
    told = {venue: codes for venue, codes in bench.alarmed(*DISPUTED).items() if codes}
    return [Check("nothing is disputed", "nothing", str(told or "nothing"), not told)]


def fade(bench: Bench) -> None:
    """F20: the house takes some away before an order arrives."""
    for each in fading(bench):
        each.settings.p, each.settings.frac = 0.8, 0.1 + 0.9 * bench.dice.random()


def fading(bench: Bench) -> list[Fade]:
    """The fading of all houses."""
    floors = [bench.desk.venues[name].server.venue.floors for name in bench.lit]
    return [each.fade for by_symbol in floors for each in by_symbol.values() if each.fade]


def times_faded(bench: Bench) -> int:
    """How often they took something away."""
    return sum(each.times for each in fading(bench))


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


CLOSE_NS = 5 * SECOND
"""From the start of a run to the close."""


def silent_close(bench: Bench) -> None:
    """F17: the day ends everywhere, and three venues, whose lines are down, say nothing of it until
    long after."""
    desk, link = bench.desk, bench.desk.gateway.parts.links[EMS]
    assert isinstance(link, ClientLink)
    close_ns = desk.now + CLOSE_NS
    link.day_end_ns = lambda _: close_ns
    desk.gateway.configuration.router.day_end_reconcile_ns = 3 * SECOND
    for venue in desk.venues:
        bench.at_venue(venue, CLOSE_NS, "close", partial(enter, Phase.CLOSED))
    bench.later(3 * SECOND, 3 * SECOND, bench.crowd)
    for venue in [*bench.dice.sample(bench.dark, 2), *bench.dice.sample(bench.lit, 1)]:
        at_ns = bench.dice.randint(3 * SECOND + SECOND // 10, CLOSE_NS - 1)
        bench.later(at_ns, at_ns, partial(desk.cut, venue, hold=True))
    bench.not_before_ns = close_ns + 4 * SECOND
    bench.at_the_end(lambda: bench.notes.update({"open at the end": len(open_parents(bench))}))


def open_parents(bench: Bench) -> list[str]:
    """Orders that are worked on, or have an open child."""
    return list(bench.router.state.open_parents)


def nobody_is_stuck(bench: Bench) -> list[Check]:
    """All was over before any line came back, and what is only assumed was never called Canceled,
    but flagged."""
    checks = [bound("orders open behind the close", bench.notes["open at the end"], 0)]
    router = bench.router.state
    dead = [each for each in router.children.values() if each.child_id in assumed_dead(bench)]
    wrong = [
        each.parent_id
        for each in dead
        if router.parents[each.parent_id].state is ParentState.CANCELED
    ]
    return [*checks, bound("of them called Canceled", len(wrong), 0)]


def assumed_dead(bench: Bench) -> set[str]:
    """Children that were taken for dead."""
    return {
        str(fields["child"])
        for _, event, fields in bench.desk.gateway.log.lines
        if event == "alarm" and fields["code"] == "child-assumed-dead"
    }


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
