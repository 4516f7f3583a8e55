"""Conversations with a client: what is answered, in which order, under which ClOrdID."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sor_gateway.sor import events as ev
from sor_gateway.sor.commands import Alarm, Output
from sor_gateway.sor.disputes import DISPUTES_KEPT, DisputeSettled, ExecutionDisputed
from sor_gateway.sor.settings import RiskSettings, StrategySettings
from sor_gateway.sor.types import (
    OrdType,
    ParentState,
    Reason,
    ReportKind,
    Side,
    TimeInForce,
)

from .script import SECOND, Script, dark, lit, px, settings

LIT_ONLY = StrategySettings("lit-only", use_dark=False)


def script() -> Script:
    made = Script(settings(lit(), strategy=LIT_ONLY))
    made.quote("ecn", [("50.00", 500)], [("50.05", 500)])
    return made


def resting() -> Script:
    """An order for 1,000 of which 500 are on their way to a dark venue that holds on to them."""
    made = Script(settings(dark(), strategy=StrategySettings("dark", use_lit=False)))
    made.submit(quantity=1_000)
    made.accept(made.sends()[0].child_id)
    return made


class TestNewOrder:
    """D: New or Rejected in the same turn, fills as they come."""

    def test_life_of_an_order(self) -> None:
        made = script()
        parent_id = made.submit(quantity=500)
        (child,) = made.sends()
        assert (child.venue, child.quantity, child.limit_micros) == ("ecn", 500, px("50.05"))
        assert child.time_in_force is TimeInForce.IOC
        made.accept(child.child_id)
        made.fill(child.child_id, 200, "50.05")
        made.fill(child.child_id, 300, "50.04")
        new, first, last = made.reports()
        assert (new.kind, new.state, new.leaves_quantity) == (
            ReportKind.NEW,
            ParentState.WORKING,
            500,
        )
        assert (first.state, first.cum_quantity, first.leaves_quantity) == (
            ParentState.WORKING,
            200,
            300,
        )
        assert (last.state, last.cum_quantity, last.leaves_quantity) == (
            ParentState.FILLED,
            500,
            0,
        )
        assert last.cum_value_micros == 200 * px("50.05") + 300 * px("50.04")
        assert (last.last_quantity, last.last_price_micros) == (300, px("50.04"))
        assert (last.venue_exec_id, last.last_market, last.fee_micros) == ("T2", "XECN", 30)
        assert {report.parent_id for report in made.reports()} == {parent_id}
        assert made.router.open_children() == 0

    def test_arrival_marks_are_the_nbbo(self) -> None:
        made = script()
        parent = made.router.state.parents[made.submit()]
        assert (parent.bid_micros, parent.ask_micros) == (px("50.00"), px("50.05"))

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"symbol": "NONE"}, Reason.UNKNOWN_SYMBOL),
            ({"quantity": 0}, Reason.BAD_QUANTITY),
            ({"quantity": 10_000_000}, Reason.EXCEEDS_LIMIT),
            ({"limit_micros": px("60.00")}, Reason.EXCEEDS_LIMIT),
            ({"limit_micros": -1}, Reason.BAD_PRICE),
            ({"symbol": "NOREF"}, Reason.NO_REFERENCE_PRICE),
            ({"strategy": "magic"}, Reason.UNSUPPORTED),
            ({"sent_ns": 1}, Reason.STALE),
        ],
    )
    def test_refused(self, changes: dict[str, Any], reason: Reason) -> None:
        made = script()
        made.submit(**changes)
        (report,) = made.reports()
        assert (report.kind, report.reason) == (ReportKind.REJECTED, reason)
        assert (report.state, report.leaves_quantity) == (ParentState.REJECTED, 0)
        assert report.text
        assert not made.sends()

    def test_a_duplicate_is_refused_and_leaves_no_trace(self) -> None:
        made = script()
        made.submit("A1")
        before = set(made.router.state.parents)
        made.submit("A1")
        report = made.reports()[-1]
        assert (report.kind, report.reason) == (ReportKind.REJECTED, Reason.DUPLICATE)
        assert "A1" in report.text
        assert set(made.router.state.parents) == before

    def test_two_of_one_turn_are_duplicates_too(self) -> None:
        made = script()
        for _ in range(2):
            made.apply(
                ev.ParentSubmitted(
                    made.now,
                    made.router.next_parent_id(),
                    "EMS",
                    "A1",
                    "ACME",
                    Side.BUY,
                    100,
                    OrdType.MARKET,
                    None,
                    TimeInForce.DAY,
                    "",
                )
            )
        made.settle()
        assert made.kinds() == ["new", "rejected"]

    def test_another_client_may_use_the_same_id(self) -> None:
        made = script()
        made.submit("A1")
        made.submit("A1", client="OTHER")
        assert made.kinds() == ["new", "new"]

    def test_a_possible_resend_of_a_known_order_is_answered_with_its_status(self) -> None:
        made = script()
        first = made.submit("A1")
        made.submit("A1", poss_resend=True)
        report = made.reports()[-1]
        assert (report.kind, report.parent_id) == (ReportKind.STATUS, first)

    def test_a_possible_resend_of_an_unknown_order_is_an_order(self) -> None:
        made = script()
        made.submit("A1", poss_resend=True)
        assert made.kinds() == ["new"]

    def test_an_unreadable_order_is_rejected_with_its_reason(self) -> None:
        made = script()
        fact = ev.ParentUnreadable(
            made.now,
            made.router.next_parent_id(),
            "EMS",
            "A1",
            "ACME",
            Side.BUY,
            0,
            Reason.UNSUPPORTED,
            "40=9 is not supported",
            {"x": "y"},
        )
        made.step(fact)
        (report,) = made.reports()
        assert (report.kind, report.reason) == (ReportKind.REJECTED, Reason.UNSUPPORTED)
        assert (report.text, report.echo) == ("40=9 is not supported", {"x": "y"})

    def test_an_id_that_is_not_the_next_is_a_bug(self) -> None:
        made = script()
        with pytest.raises(AssertionError, match="not the next id"):
            made.submit(parent_id="P000000099")


class TestCancel:
    """F: pending, then canceled only when no child can fill (fix.md 3.3)."""

    def test_pending_then_canceled(self) -> None:
        made = resting()
        out = made.cancel()
        assert made.kinds(out) == ["pending-cancel"]
        (pull,) = made.cancels(out)
        (pending,) = made.reports(out)
        assert (pending.cl_ord_id, pending.orig_cl_ord_id) == ("A2", "A1")
        assert (pending.state, pending.leaves_quantity) == (ParentState.PENDING_CANCEL, 1_000)
        (canceled,) = made.reports(made.end(pull.child_id))
        assert canceled.kind is ReportKind.CANCELED
        assert (canceled.cl_ord_id, canceled.orig_cl_ord_id) == ("A2", "A1")
        assert (canceled.state, canceled.leaves_quantity) == (ParentState.CANCELED, 0)

    def test_a_fill_meanwhile_is_under_the_old_id_and_still_pending(self) -> None:
        made = resting()
        made.cancel()
        child_id = made.sends()[0].child_id
        (fill,) = made.reports(made.fill(child_id, 300))
        assert (fill.cl_ord_id, fill.state) == ("A1", ParentState.PENDING_CANCEL)
        assert (fill.cum_quantity, fill.leaves_quantity) == (300, 700)
        (canceled,) = made.reports(made.end(child_id))
        assert (canceled.cum_quantity, canceled.leaves_quantity) == (300, 0)

    def test_a_complete_fill_meanwhile_makes_it_too_late(self) -> None:
        made = resting()
        made.cancel()
        fill, refused = made.reports(made.fill(made.sends()[0].child_id, 1_000))
        assert (fill.kind, fill.state, fill.leaves_quantity) == (
            ReportKind.FILL,
            ParentState.FILLED,
            0,
        )
        assert (refused.kind, refused.reason) == (ReportKind.CANCEL_REFUSED, Reason.TOO_LATE)
        assert (refused.cl_ord_id, refused.orig_cl_ord_id) == ("A2", "A1")
        assert refused.state is ParentState.FILLED

    def test_without_children_it_is_canceled_in_the_same_turn(self) -> None:
        made = script()
        made.submit(limit_micros=px("49.00"))
        assert made.kinds(made.cancel()) == ["pending-cancel", "canceled"]

    def test_unknown_order(self) -> None:
        (report,) = script().reports(script().cancel("A2", "NONE"))
        assert (report.kind, report.reason) == (ReportKind.CANCEL_REFUSED, Reason.UNKNOWN_ORDER)
        assert (report.parent_id, report.state) == ("", ParentState.REJECTED)
        assert (report.cl_ord_id, report.orig_cl_ord_id) == ("A2", "NONE")

    def test_too_late(self) -> None:
        made = resting()
        made.fill(made.sends()[0].child_id, 1_000)
        (report,) = made.reports(made.cancel())
        assert (report.kind, report.reason) == (ReportKind.CANCEL_REFUSED, Reason.TOO_LATE)
        assert report.state is ParentState.FILLED

    def test_already_pending(self) -> None:
        made = resting()
        made.cancel("A2", "A1")
        (report,) = made.reports(made.cancel("A3", "A1"))
        assert (report.kind, report.reason) == (ReportKind.CANCEL_REFUSED, Reason.ALREADY_PENDING)
        assert report.state is ParentState.PENDING_CANCEL

    def test_a_used_id(self) -> None:
        made = resting()
        (report,) = made.reports(made.cancel("A1", "A1"))
        assert (report.kind, report.reason) == (ReportKind.CANCEL_REFUSED, Reason.DUPLICATE)

    def test_a_possible_resend_of_a_known_request_is_answered_with_the_status(self) -> None:
        made = resting()
        made.cancel("A2", "A1")
        fact = ev.CancelRequested(made.now, "EMS", "A2", "A1", poss_resend=True)
        (report,) = made.reports(made.step(fact))
        assert (report.kind, report.state) == (ReportKind.STATUS, ParentState.PENDING_CANCEL)

    def test_in_the_turn_of_the_order_itself(self) -> None:
        """New comes first, and no child ever leaves."""
        made = script()
        made.apply(
            ev.ParentSubmitted(
                made.now,
                made.router.next_parent_id(),
                "EMS",
                "A1",
                "ACME",
                Side.BUY,
                100,
                OrdType.MARKET,
                None,
                TimeInForce.DAY,
                "",
            )
        )
        made.cancel()
        assert made.kinds() == ["new", "pending-cancel", "canceled"]
        assert not made.sends()

    def test_in_the_turn_of_an_order_that_is_refused(self) -> None:
        made = script()
        fact = ev.ParentSubmitted(
            made.now,
            made.router.next_parent_id(),
            "EMS",
            "A1",
            "NONE",
            Side.BUY,
            100,
            OrdType.MARKET,
            None,
            TimeInForce.DAY,
            "",
        )
        made.apply(fact)
        made.cancel()
        assert made.kinds() == ["rejected", "cancel-refused"]

    def test_the_operator_hears_what_a_cancel_waits_for(self) -> None:
        made = resting()
        made.step(ev.VenueClosed(made.now, "dark-a", "cut"))
        assert "request-waits" in made.alarms(made.cancel())

    def test_an_unreadable_request_is_refused(self) -> None:
        made = resting()
        fact = ev.AmendUnreadable(
            made.now, "EMS", "A2", "A1", True, Reason.OTHER, "44=x is no price"
        )
        (report,) = made.reports(made.step(fact))
        assert (report.kind, report.reason) == (ReportKind.REPLACE_REFUSED, Reason.OTHER)
        assert (report.text, report.state) == ("44=x is no price", ParentState.WORKING)


class TestReplace:
    """G: children are pulled, then the new terms hold (fix.md 3.3)."""

    def pulled(self, made: Script, **terms: Any) -> list[Output]:
        out = made.replace(**terms)
        assert made.kinds(out) == ["pending-replace"]
        (pull,) = made.cancels(out)
        assert not made.sends(out)
        return made.end(pull.child_id)

    def test_granted_when_no_child_is_left(self) -> None:
        made = resting()
        out = self.pulled(made, quantity=2_000, limit="50.08")
        (report,) = made.reports(out)
        assert (report.kind, report.state) == (ReportKind.REPLACED, ParentState.WORKING)
        assert (report.cl_ord_id, report.orig_cl_ord_id) == ("A2", "A1")
        assert (report.quantity, report.limit_micros) == (2_000, px("50.08"))
        (child,) = made.sends(out)
        assert (child.quantity, child.limit_micros) == (2_000, px("50.08"))

    def test_the_next_request_refers_to_the_new_id(self) -> None:
        made = resting()
        self.pulled(made, quantity=2_000)
        (old,) = made.reports(made.cancel("A3", "A1"))
        assert (old.kind, old.reason) == (ReportKind.CANCEL_REFUSED, Reason.UNKNOWN_ORDER)
        assert "A2" in old.text
        assert made.kinds(made.cancel("A4", "A2"))[0] == "pending-cancel"

    def test_fills_after_it_carry_the_new_id(self) -> None:
        made = resting()
        out = self.pulled(made, quantity=2_000)
        (fill,) = made.reports(made.fill(made.sends(out)[0].child_id, 100))
        assert (fill.cl_ord_id, fill.quantity, fill.leaves_quantity) == ("A2", 2_000, 1_900)

    @pytest.mark.parametrize("quantity", [300, 200])
    def test_to_what_was_executed_or_below_is_filled(self, quantity: int) -> None:
        made = resting()
        made.fill(made.sends()[0].child_id, 300)
        out = self.pulled(made, quantity=quantity)
        (report,) = made.reports(out)
        assert (report.kind, report.state) == (ReportKind.REPLACED, ParentState.FILLED)
        assert (report.quantity, report.cum_quantity, report.leaves_quantity) == (300, 300, 0)
        assert not made.router.state.open_parents

    def test_refused_by_the_pre_trade_checks(self) -> None:
        made = resting()
        out = made.replace(quantity=10_000_000)
        assert made.kinds(out) == ["pending-replace", "replace-refused"]
        refused = made.reports(out)[-1]
        assert (refused.reason, refused.state) == (Reason.EXCEEDS_LIMIT, ParentState.WORKING)
        assert (refused.quantity, refused.cl_ord_id) == (1_000, "A2")

    def test_of_a_filled_order_is_too_late(self) -> None:
        made = resting()
        made.fill(made.sends()[0].child_id, 1_000)
        (report,) = made.reports(made.replace(quantity=2_000))
        assert (report.kind, report.reason) == (ReportKind.REPLACE_REFUSED, Reason.TOO_LATE)

    def test_filled_meanwhile(self) -> None:
        made = resting()
        made.replace(quantity=2_000)
        out = made.fill(made.sends()[0].child_id, 1_000)
        assert made.kinds(out) == ["fill", "replace-refused"]
        assert made.reports(out)[-1].state is ParentState.FILLED

    def test_a_cancel_meanwhile_has_to_wait_for_its_answer(self) -> None:
        made = resting()
        made.replace("A2", "A1", 2_000)
        for orig in ("A1", "A2"):
            (report,) = made.reports(made.cancel("A9" + orig, orig))
            assert (report.kind, report.reason) == (
                ReportKind.CANCEL_REFUSED,
                Reason.ALREADY_PENDING,
            )

    def test_echo_of_the_request_and_then_of_the_order(self) -> None:
        made = resting()
        fact = ev.ReplaceRequested(
            made.now, "EMS", "A2", "A1", 2_000, OrdType.LIMIT, px("50.00"), {"desk": "7"}
        )
        made.step(fact)
        made.end(made.sends()[0].child_id)
        made.fill(made.sends()[-1].child_id, 100)
        assert [report.echo for report in made.reports()[-3:]] == [{"desk": "7"}] * 3


class TestStatus:
    """H: how it stands."""

    def test_a_known_order(self) -> None:
        made = resting()
        made.fill(made.sends()[0].child_id, 300)
        (report,) = made.reports(made.step(ev.StatusRequested(made.now, "EMS", "A1", "Q7")))
        assert (report.kind, report.request_id) == (ReportKind.STATUS, "Q7")
        assert (report.state, report.cum_quantity, report.leaves_quantity) == (
            ParentState.WORKING,
            300,
            700,
        )

    def test_an_unknown_order(self) -> None:
        made = script()
        fact = ev.StatusRequested(made.now, "EMS", "NONE", "Q7", {"Symbol": "ACME"})
        (report,) = made.reports(made.step(fact))
        assert (report.kind, report.state) == (ReportKind.STATUS, ParentState.REJECTED)
        assert (report.reason, report.parent_id) == (Reason.UNKNOWN_ORDER, "")
        assert report.echo == {"Symbol": "ACME"}

    def test_another_clients_order_is_unknown(self) -> None:
        made = resting()
        (report,) = made.reports(made.step(ev.StatusRequested(made.now, "OTHER", "A1")))
        assert report.reason is Reason.UNKNOWN_ORDER


class TestReference:
    """No reference price, no order: quotes or the previous close."""

    def test_quotes_that_went_stale_do_not_count(self) -> None:
        cfg = settings(lit(), strategy=LIT_ONLY)
        cfg.securities["ACME"] = replace(cfg.securities["ACME"], previous_close_micros=0)
        made = Script(cfg)
        made.quote("ecn", [("50.00", 500)], [("50.05", 500)])
        made.wait(6 * SECOND)
        made.submit()
        assert made.reports()[-1].reason is Reason.NO_REFERENCE_PRICE

    def test_limits_come_from_settings(self) -> None:
        made = Script(settings(lit(), risk=RiskSettings(max_quantity=10)))
        made.submit(quantity=11)
        assert made.reports()[-1].text == "quantity 11: at most 10"


class TestDisputes:
    """A client denies an execution (decisions.md: flagged, alarmed, nothing reversed by itself)."""

    def deny(
        self, made: Script, exec_id: str = "E1", parent_id: str = "", client: str = "EMS"
    ) -> list[Output]:
        return made.step(
            ExecutionDisputed(made.now, client, exec_id, parent_id, "wrong side", "not ours")
        )

    def test_is_alarmed_once_and_changes_nothing_else(self) -> None:
        made = resting()
        made.fill(made.sends()[0].child_id, 100)
        (parent_id,) = made.router.state.parents
        before = replace(made.router.state.parents[parent_id])
        out = self.deny(made, made.reports()[-1].exec_id, parent_id)
        assert [each.parent_id for each in made.of(Alarm, out)] == [parent_id]
        assert made.alarms(out) == ["execution-disputed"]
        assert made.router.state.parents[parent_id] == before
        assert self.deny(made, made.reports()[-1].exec_id, parent_id) == []
        made.fold()

    def test_of_an_order_that_is_not_its_own_names_none(self) -> None:
        made = resting()
        (parent_id,) = made.router.state.parents
        out = self.deny(made, "E1", parent_id, client="OTHER")
        assert [each.parent_id for each in made.of(Alarm, out)] == [""]

    def test_is_settled_once(self) -> None:
        made = resting()
        self.deny(made)
        settled = DisputeSettled(made.now, "EMS", "E1", "by telephone")
        assert made.alarms(made.step(settled)) == ["dispute-settled"]
        assert made.step(settled) == []

    def test_are_bounded(self) -> None:
        made = resting()
        for number in range(DISPUTES_KEPT + 10):
            self.deny(made, f"E{number}")
        kept = made.router.state.disputes["EMS"]
        assert len(kept) == DISPUTES_KEPT
        assert "E9" not in kept
