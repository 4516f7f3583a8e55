"""Random walks over facts with a venue that does everything venues do (recovery.md): the invariants
hold at every step, and once the faults stop every parent ends and the totals balance."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sor_gateway.sor import decisions as de
from sor_gateway.sor import events as ev
from sor_gateway.sor.commands import (
    Alarm,
    AskChild,
    AskVenue,
    CancelChild,
    Output,
    Report,
    SendChild,
)
from sor_gateway.sor.days import DayBegan, OrdersForgotten
from sor_gateway.sor.orders import CHILD_OVER, Parent
from sor_gateway.sor.outages import OrdersReleased, OutageEnded
from sor_gateway.sor.router import Router
from sor_gateway.sor.settings import LitTactic, MassStatus, SprayPrice, StrategySettings
from sor_gateway.sor.state import RouterState
from sor_gateway.sor.types import OrdType, ParentState, ReportKind, Side, TimeInForce

from .model import ModelVenue
from .script import MS, SECOND, Script, dark, lit, px
from .script import settings as router_settings

STEPS = 250
CLIP, MAX_SHOWN = 200, 300
SWEEP = StrategySettings("balanced", dark_quantity=500, dark_box_ns=300 * MS)
CAUTIOUS = replace(
    SWEEP,
    sweep_iso=True,
    sweep_align_ns=100 * MS,
    dark_size_spread=0.5,
    dark_delay_ns=100 * MS,
)
SHOWN = replace(SWEEP, use_dark=False, lit_tactic=LitTactic.SPRAY)
SPRAYS = (
    replace(SHOWN, use_dark=True),
    replace(SHOWN, spray_price=SprayPrice.TOUCH_FAR),
    replace(SHOWN, lit_tactic=LitTactic.SPRAY_THEN_SWEEP, patience_ns=SECOND),
    replace(SHOWN, spray_size_spread=0.5),
    replace(SHOWN, crumble_share=0.5, crumble_hold_ns=200 * MS),
)
"""What a walk with displayed orders works with, one of them by its seed."""
FINISHED = {ParentState.FILLED, ParentState.CANCELED, ParentState.REJECTED, ParentState.EXPIRED}


class Walk:
    """One router, its venues, and what is checked after every step."""

    def __init__(
        self,
        seed: int,
        *,
        final: bool = True,
        late_fills: bool = False,
        sprays: bool = False,
        revises: bool = False,
        restates: bool = False,
        crosses: bool = False,
        raises: bool = False,
        expires: bool = False,
        days: bool = False,
        lists: bool = False,
    ) -> None:
        self.random = Random(seed)
        self.accounts = ["X", "Y"] if crosses else [""]
        self.final, self.late_fills, self.revises = final, late_fills, revises
        self.restates, self.expires = restates, expires
        self.days, self.lists = days, lists
        self.calm = 4 if sprays else 1
        made = [
            lit("ecn", unknown_is_final=final, orders_per_second=50, cancel_reserve=10),
            lit("exchange", unknown_is_final=final),
            dark("dark-a", unknown_is_final=final),
            dark("dark-b", unknown_is_final=final),
        ]
        for venue in made if lists else []:
            venue.mass_status = self.random.choice([MassStatus.OPEN, MassStatus.ALL])
        strategy = CAUTIOUS if seed % 2 else SWEEP
        if sprays:
            strategy = replace(
                SPRAYS[seed % len(SPRAYS)],
                spray_clip=CLIP,
                spray_max_shown=MAX_SHOWN,
                spray_delay_ns=self.random.choice([0, 50 * MS]),
            )
        consent = ("EMS",) if crosses else ()
        desk = router_settings(*made, strategy=strategy, crossing_clients=consent)
        desk.day_end_reconcile_ns = 5 * SECOND
        desk.cancel_gives_up_ns = 2 * SECOND if lists else 0
        self.script = Script(desk)
        self.venues = {
            venue.name: ModelVenue(venue.name, self.random, raises=raises, lists=venue.mass_status)
            for venue in made
        }
        self.seen = 0
        self.number = 0
        self.last_id: list[str] = []
        self.resolved: set[str] = set()
        """Parents with a child that the operator resolved: reports under way revive it a while."""
        self.quote()

    # --- steps -----------------------------------------------------------------------------

    def run(self) -> None:
        steps = [
            (12, self.submit),
            (6, self.amend),
            (10, self.quote),
            (14, self.pass_time),
            (20, self.venue_receives),
            (20, self.venue_acts),
            (20, self.venue_reports),
            (3, self.repeat_report),
            (4, self.hint),
            (5, self.cut),
            (12, self.come_back),
            (3 if self.lists else 1, self.restart),
            (5, self.kill),
            (0 if self.revises else 2, self.rest),
            (2, self.deafen),
            (2, self.ask_status),
            (6 if self.revises else 0, self.revise),
            (3 if self.revises else 0, self.resolve),
            (4 if self.revises else 0, self.quarantine),
            (3 if self.revises else 0, self.halt),
            (8 if self.restates else 0, self.restate),
            (8 if self.days else 0, self.day),
        ]
        weights, actions = [weight for weight, _ in steps], [action for _, action in steps]
        for _ in range(STEPS):
            self.random.choices(actions, weights)[0]()
            self.check()

    def act(self, fact: ev.Fact) -> None:
        self.script.step(fact)
        self.dispatch()

    def dispatch(self) -> None:
        new, self.seen = self.script.out[self.seen :], len(self.script.out)
        for output in new:
            if isinstance(output, SendChild | CancelChild | AskChild | AskVenue):
                assert self.venues[output.venue].up, "sent to a venue that is closed"
                self.venues[output.venue].to_venue.append(output)
            elif isinstance(output, Report) and output.kind is ReportKind.CANCELED:
                parent = self.script.router.state.parents[output.parent_id]
                assert self.may_fill(parent) == 0, "Canceled was said while a child may fill"

    def submit(self) -> None:
        self.number += 1
        cl_ord_id = f"A{self.number}"
        if self.last_id and self.random.random() < 0.1:
            cl_ord_id = self.random.choice(self.last_id)
        is_market = self.random.random() < 0.3
        fact = ev.ParentSubmitted(
            self.script.now,
            self.script.router.next_parent_id(),
            "EMS",
            cl_ord_id,
            self.random.choice(["ACME", "ACME", "ACME", "NONE"]),
            self.random.choice([Side.BUY, Side.SELL]),
            self.random.choice([100, 1_000, 2_500, 0]),
            OrdType.MARKET if is_market else OrdType.LIMIT,
            None if is_market else px("50.00"),
            self.random.choice([TimeInForce.DAY] * self.calm + [TimeInForce.IOC]),
            "",
            self.random.choice(self.accounts),
            poss_resend=self.random.random() < 0.1,
        )
        if self.expires and self.random.random() < 0.6:
            fact.expires_ns = fact.at_ns + self.random.choice([50 * MS, SECOND, 5 * SECOND])
        self.last_id.append(cl_ord_id)
        self.act(fact)

    def amend(self) -> None:
        self.number += 1
        orig = self.random.choice([*self.last_id, "nonsense"])
        now, cl_ord_id = self.script.now, f"A{self.number}"
        if self.random.random() < 0.5:
            self.act(ev.CancelRequested(now, "EMS", cl_ord_id, orig))
        else:
            quantity = self.random.choice([100, 900, 2_000, 5_000_000])
            limit = px(self.random.choice(["49.99", "50.00", "50.01"]))
            self.act(
                ev.ReplaceRequested(now, "EMS", cl_ord_id, orig, quantity, OrdType.LIMIT, limit)
            )
        self.last_id.append(cl_ord_id)

    def ask_status(self) -> None:
        orig = self.random.choice([*self.last_id, "nonsense"])
        self.act(ev.StatusRequested(self.script.now, "EMS", orig, "Q1"))

    def quote(self) -> None:
        for name in ("ecn", "exchange"):
            # Locked and crossed markets are common here, less so where orders are to rest.
            bid = self.random.choice(["49.98", *["49.99"] * self.calm, "50.00"])
            ask = self.random.choice(["50.00", *["50.01"] * self.calm, "50.02"])
            size = self.random.choice([100, 300, 800])
            self.script.quote(name, [(bid, size)], [(ask, size)])
        self.dispatch()

    def pass_time(self) -> None:
        self.script.wait(self.random.choice([MS, 50 * MS, 400 * MS, 3 * SECOND]))
        self.dispatch()

    def pick(self) -> ModelVenue:
        return self.random.choice(list(self.venues.values()))

    def venue_receives(self) -> None:
        for venue in self.venues.values():
            if venue.up and venue.to_venue:
                venue.receive(self.script.now)

    def venue_acts(self) -> None:
        venue = self.pick()
        live = [child_id for child_id, order in venue.orders.items() if order.live]
        over = [
            child_id
            for child_id, order in venue.orders.items()
            if not order.live and order.cum < order.send.quantity
        ]
        if live:
            child_id = self.random.choice(live)
            wrong = self.revises and self.is_open(child_id) and self.random.random() < 0.05
            venue.execute(child_id, self.script.now, is_wrong_side=wrong)
        elif over and self.late_fills and venue.up and not venue.to_router:
            venue.execute(self.random.choice(over), self.script.now, late=True)
            self.act(venue.deliver())  # a late fill that is lost too cannot be found by anyone

    def venue_reports(self) -> None:
        for venue in self.venues.values():
            if venue.up and venue.to_router:
                self.act(venue.deliver())

    def repeat_report(self) -> None:
        """A possible duplicate: everything is said twice once."""
        fills = [
            fact
            for venue in self.venues.values()
            for fact in venue.history
            if isinstance(fact, ev.ChildFilled) and self.is_known(fact.child_id)
        ]
        if fills:
            fact = self.random.choice(fills)
            before = len(self.script.out)
            self.act(fact)
            assert len(self.script.out) == before

    def revise(self) -> None:
        """An execution that was told, or passed over, is taken back or corrected; some venues work
        its order again."""
        venue = self.pick()
        if venue.up and not venue.to_router:
            fills: list[ev.VenueFact] = [*venue.history, *venue.lost]
            told = [fact for fact in fills if isinstance(fact, ev.ChildFilled)]
            if told:
                venue.revise(self.random.choice(told), self.script.now)
                if venue.to_router:
                    self.act(venue.deliver())

    def restate(self) -> None:
        """A venue changes an order by itself."""
        venue = self.pick()
        live = [child_id for child_id, order in venue.orders.items() if order.live]
        if live:
            venue.restate(self.random.choice(live), self.script.now)

    def day(self) -> None:
        """Another trading day: orders that ended before the last one are forgotten."""
        now = self.script.now
        self.act(DayBegan(now, now + 10 * SECOND, 1))

    def is_known(self, child_id: str) -> bool:
        return child_id in self.script.router.state.children

    def is_open(self, child_id: str) -> bool:
        return self.script.router.state.children[child_id].flight is not None

    def resolve(self) -> None:
        """The operator telephoned and says what is true of an order in doubt."""
        for child in self.script.router.state.children.values():
            if child.flight is None or child.flight.doubt is None:
                continue
            venue = self.venues[child.venue]
            executed = venue.executed(child.child_id)
            is_over = not venue.may_fill(child.child_id)
            if is_over and child.cum_quantity <= executed <= child.quantity:
                fact = ev.ChildResolved(self.script.now, child.child_id, executed, "by telephone")
                self.resolved.add(child.parent_id)
                self.act(fact)
                return

    def quarantine(self) -> None:
        """The operator lets a venue in again, seldom takes one out."""
        name, random = self.pick().name, self.random
        is_in = bool(self.script.router.state.venues[name].quarantine)
        if is_in or random.random() < 0.1:
            self.act(ev.VenueQuarantined(self.script.now, name, not is_in, "drill"))

    def halt(self) -> None:
        now, name, on = self.script.now, self.pick().name, self.random.random() < 0.5
        low, high = self.random.choice([(0, 0), (px("49.99"), px("50.01"))])
        self.act(ev.SymbolStatusChanged(now, name, "ACME", on, "drill", low, high))

    def hint(self) -> None:
        """An execution that was passed over comes after all, maybe after its synthetic one."""
        for venue in self.venues.values():
            if venue.up and venue.lost:
                self.act(venue.lost.pop(self.random.randrange(len(venue.lost))))

    def cut(self) -> None:
        venue = self.pick()
        if venue.up:
            for fact in venue.cut(self.script.now):
                self.act(fact)

    def come_back(self) -> None:
        venue = self.pick()
        if not venue.up:
            new_epoch = self.final and self.random.random() < 0.3
            lose = self.random.random() < 0.3
            facts = venue.come_back(self.script.now, new_epoch=new_epoch, lose_reports=lose)
            for fact in facts:
                self.act(fact)

    def deafen(self) -> None:
        venue = self.pick()
        venue.deaf = not venue.deaf

    def restart(self) -> None:
        """The process ends and comes up from its snapshot; quotes and timers are gone."""
        script = self.script
        assert script.fold().state == script.router.state
        raw = msgspec.msgpack.encode(script.router.state)
        state = msgspec.msgpack.decode(raw, type=RouterState)
        assert state == script.router.state
        script.router = Router(script.settings, state)
        for venue in self.venues.values():
            venue.up = False
        suspect = self.lists and self.random.random() < 0.4
        script.apply(ev.Restarted(script.now, "boot", tail_suspect=suspect))
        self.act(ev.IdsReserved(script.now, script.router.state.reserved_through + 1_000_000))

    def kill(self) -> None:
        on = not self.script.router.state.killed
        if not on or self.random.random() < 0.1:
            self.act(ev.KillSwitched(self.script.now, on, "drill"))

    def rest(self) -> None:
        """An outage is over, or its orders are released."""
        script, suspend = self.script, self.random.random() < 0.5
        if self.random.random() < 0.7:
            self.act(OrdersReleased(script.now, "EMS", "drill"))
        else:
            self.act(OutageEnded(script.now, "EMS", self.random.randrange(SECOND), suspend))

    # --- the truth -------------------------------------------------------------------------

    def children(self, parent: Parent) -> list[tuple[ModelVenue, str]]:
        return [
            (self.venues[child.venue], child.child_id)
            for child in self.script.router.state.children.values()
            if child.parent_id == parent.parent_id and child.venue in self.venues
        ]

    def crossed(self, parent: Parent) -> int:
        """What our own clients executed between them."""
        return sum(
            child.cum_quantity
            for child in self.script.router.state.children.values()
            if child.parent_id == parent.parent_id and child.venue not in self.venues
        )

    def may_fill(self, parent: Parent) -> int:
        return sum(venue.may_fill(child_id) for venue, child_id in self.children(parent))

    def executed(self, parent: Parent) -> int:
        at_venues = sum(venue.executed(child_id) for venue, child_id in self.children(parent))
        return at_venues + self.crossed(parent)

    def check(self) -> None:
        state = self.script.router.state
        sides = {True: 0, False: 0}
        for parent in state.parents.values():
            sides[parent.side.is_buy] += self.crossed(parent)
        assert sides[True] == sides[False]
        for parent in state.parents.values():
            open_children = [state.children[child_id] for child_id in parent.children]
            assert parent.exposure == sum(child.leaves_quantity for child in open_children)
            assert all(child.flight is not None for child in open_children)
            booked = sum(
                child.cum_quantity
                for child in state.children.values()
                if child.parent_id == parent.parent_id
            )
            assert parent.cum_quantity == booked
            self.check_shown(parent)
            if not self.late_fills:
                if parent.parent_id not in self.resolved:
                    worst = parent.cum_quantity + parent.exposure
                    assert worst <= parent.quantity or parent.is_over
                assert self.executed(parent) + self.may_fill(parent) <= parent.quantity
            is_open = parent.state not in FINISHED or bool(parent.children)
            assert (parent.parent_id in state.open_parents) == is_open
        for child in state.children.values():
            assert (child.flight is None) == (child.state in CHILD_OVER)
            assert (child.child_id in state.venues[child.venue].children) == bool(child.flight)

    def check_shown(self, parent: Parent) -> None:
        """What is really displayed of one parent, or on its way to be, on a venue and on all."""
        shown: dict[str, int] = {}
        for venue, child_id in self.children(parent):
            sends = [order.send for order in venue.orders.values()]
            sends += [each for each in venue.to_venue if isinstance(each, SendChild)]
            for send in sends:
                is_displayed = send.ord_type is OrdType.LIMIT and send.time_in_force.value == "day"
                if send.child_id == child_id and is_displayed:
                    shown[venue.name] = shown.get(venue.name, 0) + venue.may_fill(child_id)
        assert max(shown.values(), default=0) <= CLIP
        assert sum(shown.values()) <= MAX_SHOWN

    def finish(self) -> None:
        """No more faults: venues hear, answer and stay; clients cancel what is left."""
        if self.script.router.state.killed:
            self.kill()
        for venue in self.venues.values():
            venue.deaf = False
        for _ in range(30):
            for venue in self.venues.values():
                if not venue.up:
                    for fact in venue.come_back(
                        self.script.now, new_epoch=False, lose_reports=False
                    ):
                        self.act(fact)
            for parent_id in list(self.script.router.state.open_parents):
                parent = self.script.router.state.parents[parent_id]
                if parent.state is ParentState.WORKING:
                    self.number += 1
                    self.act(
                        ev.CancelRequested(
                            self.script.now, "EMS", f"A{self.number}", parent.cl_ord_id
                        )
                    )
            for _ in range(40):
                self.venue_receives()
                self.venue_reports()
            self.script.wait(10 * SECOND)
            self.dispatch()

    def check_end(self) -> None:
        state = self.script.router.state
        assert not state.open_parents
        assert self.script.router.open_children() == 0
        trades: dict[str, Report] = {}
        for report in self.script.reports():
            if report.kind is ReportKind.FILL:
                trades[report.exec_id] = report
            elif report.kind is ReportKind.CORRECTED:
                assert report.ref_exec_id in trades
                trades[report.ref_exec_id] = report
            elif report.kind is ReportKind.BUSTED:
                del trades[report.ref_exec_id]
        told: dict[str, int] = {}
        value: dict[str, int] = {}
        for report in trades.values():
            told[report.parent_id] = told.get(report.parent_id, 0) + report.last_quantity
            spent = report.last_quantity * report.last_price_micros
            value[report.parent_id] = value.get(report.parent_id, 0) + spent
        dead = [each for each in self.script.decisions if isinstance(each, de.ChildAssumedDead)]
        assumed = {state.children[each.child_id].parent_id for each in dead}
        for parent in state.parents.values():
            assert parent.state in FINISHED
            executed = self.executed(parent)
            if parent.parent_id in assumed:  # what was passed over meanwhile nobody is asked about
                assert parent.cum_quantity <= executed <= parent.quantity
            else:
                assert parent.cum_quantity == executed
            assert told.get(parent.parent_id, 0) == parent.cum_quantity
            assert value.get(parent.parent_id, 0) == parent.cum_value_micros
        ids = [report.exec_id for report in self.script.reports()]
        assert len(ids) == len(set(ids))


def walk(seed: int, **options: bool) -> Walk:
    made = Walk(seed, **options)
    made.run()
    made.finish()
    made.check()
    made.check_end()
    made.script.fold()
    return made


SEEDS = st.integers(min_value=0, max_value=2**32)
QUICK = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


class TestWalks:
    """Whatever venues, lines, clients and operators do."""

    @QUICK
    @given(SEEDS)
    def test_nothing_is_lost_or_doubled_and_every_parent_ends(self, seed: int) -> None:
        walk(seed)

    @QUICK
    @given(SEEDS)
    def test_a_voided_order_is_released_by_its_note_where_unknown_is_not_final(
        self, seed: int
    ) -> None:
        walk(seed, final=False)

    @QUICK
    @given(SEEDS)
    def test_late_fills_are_reported_truly(self, seed: int) -> None:
        walk(seed, late_fills=True)

    @QUICK
    @given(SEEDS)
    def test_the_same_with_displayed_orders(self, seed: int) -> None:
        walk(seed, sprays=True)

    @QUICK
    @given(SEEDS)
    def test_late_fills_of_displayed_orders(self, seed: int) -> None:
        walk(seed, sprays=True, late_fills=True)

    @QUICK
    @given(SEEDS)
    def test_orders_of_our_own_clients_that_meet(self, seed: int) -> None:
        walk(seed, crosses=True, sprays=seed % 2 == 0)

    @QUICK
    @given(SEEDS)
    def test_late_fills_of_orders_that_met(self, seed: int) -> None:
        walk(seed, crosses=True, late_fills=True)

    @QUICK
    @given(SEEDS)
    def test_orders_of_earlier_days_that_are_forgotten(self, seed: int) -> None:
        made = walk(seed, days=True, late_fills=seed % 2 == 0)
        assert any(isinstance(each, OrdersForgotten) for each in made.script.decisions)

    def test_walks_with_crossings_reach_them(self) -> None:
        met = 0
        for seed in range(10):
            decisions = walk(seed, crosses=True).script.decisions
            met += sum(isinstance(each, de.ChildCrossed) for each in decisions)
        assert met > 20

    @QUICK
    @given(SEEDS)
    def test_busts_and_corrections_come_to_client_and_books(self, seed: int) -> None:
        walk(seed, revises=True)

    @QUICK
    @given(SEEDS)
    def test_busts_and_late_fills(self, seed: int) -> None:
        walk(seed, revises=True, late_fills=True)

    @QUICK
    @given(SEEDS, st.booleans())
    def test_day_orders_expire_and_corrections_go_upwards(self, seed: int, late: bool) -> None:
        walk(seed, revises=True, raises=True, expires=True, late_fills=late)

    @QUICK
    @given(SEEDS, st.booleans())
    def test_orders_that_venues_change_by_themselves(self, seed: int, revises: bool) -> None:
        walk(seed, restates=True, revises=revises)

    @QUICK
    @given(SEEDS, st.booleans())
    def test_venues_that_are_asked_for_all_orders_at_once(self, seed: int, sprays: bool) -> None:
        walk(seed, lists=True, sprays=sprays)

    @QUICK
    @given(SEEDS)
    def test_the_same_where_unknown_is_not_final_and_fills_come_late(self, seed: int) -> None:
        walk(seed, lists=True, final=False, late_fills=True)

    def test_walks_that_ask_for_all_orders_reach_what_they_are_for(self) -> None:
        asked, parts, codes = 0, 0, set[str]()
        for seed in range(30):
            made = walk(seed, lists=True, sprays=True).script
            asked += len(made.asks_all())
            parts += sum(
                isinstance(fact, ev.ChildStatusReported) and fact.of_all for fact in made.facts
            )
            codes |= set(made.alarms())
        assert min(asked, parts) > 50
        assert {"mass-status-broken", "mass-status-refused", "journal-tail-proved"} <= codes
        assert {"child-unknown", "cancel-given-up"} <= codes

    def test_walks_over_the_end_of_the_day_reach_what_they_are_for(self) -> None:
        codes = set[str]()
        for seed in range(20):
            codes |= set(walk(seed, expires=True).script.alarms())
        assert {"child-assumed-dead", "late-fill"} <= codes

    @QUICK
    @given(SEEDS)
    def test_displayed_ones_too(self, seed: int) -> None:
        walk(seed, restates=True, sprays=True)

    def test_walks_with_busts_reach_what_they_are_for(self) -> None:
        outputs: list[Output] = []
        for seed in range(150):  # a revision of an execution that nobody knows is rare
            outputs += walk(seed, revises=True).script.out
        codes = {item.code for item in outputs if isinstance(item, Alarm)}
        assert {"trade-busted", "trade-corrected", "child-reopened"} <= codes
        assert {"execution-denied", "child-resolved", "revision-unknown"} <= codes
        kinds = {item.kind for item in outputs if isinstance(item, Report)}
        assert {ReportKind.BUSTED, ReportKind.CORRECTED} <= kinds

    def test_walks_with_displayed_orders_show_replenish_and_pull(self) -> None:
        reasons, pulled, sprayed = set(), set(), 0
        for seed in range(20):
            for decision in walk(seed, sprays=True).script.decisions:
                if isinstance(decision, de.ChildPlanned) and decision.tactic == "spray":
                    sprayed += 1
                    reasons.add(decision.why.split(";")[0].split(" ", 1)[1])
                elif isinstance(decision, de.ChildCancelPlanned):
                    pulled.add(decision.why)
        assert sprayed > 100
        assert {"shown at the best bid", "shown at the best offer"} <= reasons
        assert "the market is locked" in pulled
        assert "there is no fresh market" in pulled
        assert any(why.startswith("the touch moved to") for why in pulled)
        assert any(" crumbles: 2 of 2 venues left it" in why for why in pulled)

    def test_walks_reach_what_they_are_for(self) -> None:
        """A walk that never doubts, fills, cancels and asks would prove nothing."""
        outputs: list[Output] = []
        for seed in range(30):
            outputs += walk(seed).script.out
        codes = {item.code for item in outputs if isinstance(item, Alarm)}
        assert {"child-doubted", "children-doubted", "child-unknown", "unreported-fill"} <= codes
        assert {"unreported-fill-netted", "cancel-refused", "status-repeated"} <= codes
        kinds = {item.kind for item in outputs if isinstance(item, Report)}
        revisions = {ReportKind.BUSTED, ReportKind.CORRECTED}
        assert set(ReportKind) - kinds == {ReportKind.EXPIRED, *revisions}
