"""The audit says ok when everything holds, and FAILED for each thing that does not."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from sor_gateway.client.ledger import Ledger, Order, OrderState
from sor_gateway.config.scenario import Expectations, Scenario
from sor_gateway.demo.audit import Evidence, run_checks
from sor_gateway.projection.queries import ChildOrder
from sor_gateway.stack import Account, Totals
from tests.demo.test_venue_record import Story

DARK = ["dark-a", "dark-b", "dark-c"]
LIT = ["ecn", "exchange"]


class Case:
    """A small block: in the dark A fills 40 of 50, then 60 of 100, C 25 and 75; then 20 lit."""

    def __init__(self) -> None:
        self.stories = {name: Story() for name in [*DARK, *LIT]}
        self.waves: dict[str, int] = {}
        self.expect = Expectations(
            waves=[
                {"dark-a": 50, "dark-b": 50, "dark-c": 50},
                {"dark-a": 100, "dark-c": 75},
            ],
            first_wave_filled={"dark-a": 40, "dark-c": 25},
            dark_total=200,
            shown_max=10,
        )
        self.order = Order("a", "ACME", "2", 220, OrderState.FILLED, cum_quantity=220)
        self.dark("dark-a", 1, 10, 20, 50, 40)
        self.dark("dark-b", 1, 10, 20, 50, 0)
        self.dark("dark-c", 1, 11, 20, 50, 25)
        self.dark("dark-a", 2, 30, 40, 100, 60)
        self.dark("dark-c", 2, 31, 40, 75, 75)
        self.lit("ecn", 3, 50, 10)
        self.lit("exchange", 3, 51, 10)

    def dark(self, venue: str, wave: int, at: int, end: int, quantity: int, filled: int) -> None:
        story = self.stories[venue]
        order_id = story.order(at, quantity)
        self.name(venue, wave)
        if filled:
            story.fill(at + 1, order_id, filled)
        if filled < quantity:
            story.add("CancelReceived", session="S")
            story.add("CancelAccepted", at_ns=end, session="S", order_id=order_id)

    def lit(self, venue: str, wave: int, at: int, quantity: int) -> None:
        story = self.stories[venue]
        order_id = story.order(at, quantity)
        self.name(venue, wave)
        story.fill(at + 5, order_id, quantity)

    def name(self, venue: str, wave: int) -> None:
        """Children are called by venue and count, at the venue and at the gateway."""
        name, body = self.stories[venue].facts[-2]
        assert name == "OrderReceived"
        body["terms"]["cl_ord_id"] = f"{venue}-{self.stories[venue].count}"
        self.waves[body["terms"]["cl_ord_id"]] = wave

    def failed(self) -> list[str]:
        records = {name: story.read(name in LIT) for name, story in self.stories.items()}
        accounts = []
        for name, record in records.items():
            totals = Totals()
            for each in record.executions:
                totals.add(Totals(1, each.quantity, each.quantity * each.price_micros, 1))
            accounts.append(Account(name, totals, totals, totals))
        children = [child(child_id, wave) for child_id, wave in self.waves.items()]
        scenario = Scenario(
            name="small",
            about="",
            folder=Path(),
            market_scale=60,
            side="sell",
            symbol="ACME",
            quantity=220,
            limit=Decimal(48),
            strategy="minimal-impact",
            time_limit_s=1,
            expect=self.expect,
            environment={},
        )
        evidence = Evidence(self.order, Ledger(), accounts, records, children, DARK, LIT)
        self.adjust(evidence)
        checks = run_checks(scenario, evidence)
        assert len(checks) == 12
        return [check.name for check in checks if not check.good]

    def adjust(self, evidence: Evidence) -> None:
        """What a test changes of the evidence."""


def child(child_id: str, wave: int) -> ChildOrder:
    return ChildOrder(
        child_id=child_id,
        parent_id="P1",
        venue=child_id.rpartition("-")[0],
        quantity=0,
        ord_type="mid-peg",
        limit_micros=None,
        time_in_force="day",
        tactic="dark",
        wave=wave,
        state="filled",
        cum_quantity=0,
        cum_value_micros=0,
        fees_micros=0,
        cost_micros=0,
        display_score=0.0,
        why="",
        planned_ns=0,
        ended_ns=0,
        bid_micros=0,
        ask_micros=0,
        doubt="",
        text="",
    )


def test_everything_holds() -> None:
    assert Case().failed() == []


def test_an_order_that_is_not_filled_fails() -> None:
    case = Case()
    case.order.state, case.order.cum_quantity = OrderState.CANCELED, 219
    assert case.failed() == ["the order is filled"]


def test_a_side_that_differs_by_a_micro_fails() -> None:
    class Differs(Case):
        def adjust(self, evidence: Evidence) -> None:
            account = evidence.accounts[0]
            client = account.at_client
            account.at_client = Totals(client.executions, client.shares, client.value_micros, 2)
            account.at_client.fees_micros += 1

    assert Differs().failed() == ["three ledgers agree"]


def test_executions_that_do_not_add_up_fail() -> None:
    case = Case()
    case.lit("ecn", 4, 70, 5)
    assert case.failed() == ["executions add up"]


def test_a_contradiction_in_the_reports_fails() -> None:
    class Contradicted(Case):
        def adjust(self, evidence: Evidence) -> None:
            evidence.ledger.violations.append("17=1 came again")

    assert Contradicted().failed() == ["contradictions at the EMS"]


def test_a_lit_order_within_the_dark_waves_fails() -> None:
    case = Case()
    case.stories["ecn"] = Story()
    case.lit("ecn", 3, 39, 10)
    assert case.failed() == ["dark before lit"]


def test_a_dark_wave_that_never_ends_fails_dark_before_lit() -> None:
    case = Case()
    case.stories["dark-b"].facts.pop()
    assert case.failed() == ["dark before lit"]


def test_a_wave_of_another_size_fails() -> None:
    case = Case()
    case.expect.waves[1]["dark-a"] = 99
    assert case.failed() == ["dark wave 2 sent"]


def test_an_order_to_a_venue_that_was_dropped_fails() -> None:
    case = Case()
    case.dark("dark-b", 2, 32, 40, 50, 0)
    assert case.failed() == ["dark wave 2 sent"]


def test_a_first_wave_that_fills_otherwise_fails() -> None:
    case = Case()
    case.expect.first_wave_filled["dark-b"] = 1
    assert case.failed() == ["dark wave 1 filled"]


def test_another_dark_total_fails() -> None:
    case = Case()
    case.expect.dark_total = 201
    assert case.failed() == ["filled in the dark"]


def test_more_than_the_bound_shown_fails_where_it_was_shown() -> None:
    case = Case()
    case.expect.shown_max = 9
    assert case.failed() == ["most shown at ecn", "most shown at exchange"]


def test_bounds_hold_for_nothing_when_no_venue_was_shown_anything() -> None:
    case = Case()
    case.stories["ecn"].facts.clear()
    assert "venues shown something" not in case.failed()
    case.stories["exchange"].facts.clear()
    assert "venues shown something" in case.failed()


def test_without_a_lit_order_nothing_is_shown_of_dark_before_lit() -> None:
    case = Case()
    for venue in ("ecn", "exchange"):
        case.stories[venue].facts.clear()
    assert "dark before lit" in case.failed()
