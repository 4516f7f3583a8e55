"""The outbox keeps a report until the client is proved to have it, and its order for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sor_gateway.daemon.outbox import Outbox
from sor_gateway.sor.commands import Report
from sor_gateway.sor.types import OrdType, ParentState, ReportKind, Side, TimeInForce


def report(exec_id: str) -> Report:
    return Report(
        client="EMS",
        kind=ReportKind.NEW,
        exec_id=exec_id,
        parent_id="P1",
        cl_ord_id="A1",
        orig_cl_ord_id="",
        symbol="ACME",
        side=Side.SELL,
        quantity=100,
        ord_type=OrdType.LIMIT,
        limit_micros=49_000_000,
        time_in_force=TimeInForce.DAY,
        state=ParentState.WORKING,
        cum_quantity=0,
        leaves_quantity=100,
        cum_value_micros=0,
        at_ns=1,
    )


def ids(outbox: Outbox, limit: int = 100) -> list[str]:
    return [waiting.report.exec_id for waiting in outbox.take(limit)]


class TestOutbox:
    def test_reports_leave_oldest_first_and_at_most_the_limit(self) -> None:
        outbox = Outbox()
        for name in ("E1", "E2", "E3"):
            outbox.add(report(name))
        assert ids(outbox, 2) == ["E1", "E2"]

    def test_a_numbered_report_is_not_taken_again_and_stays_until_proved(self) -> None:
        outbox = Outbox()
        outbox.add(report("E1"))
        outbox.numbered("E1", 7)
        assert ids(outbox) == []
        outbox.proved(6)
        assert list(outbox.waiting) == ["E1"]
        outbox.proved(7)
        assert not outbox.waiting

    def test_an_unnumbered_report_is_never_proved(self) -> None:
        outbox = Outbox()
        outbox.add(report("E1"))
        outbox.proved(1_000)
        assert ids(outbox) == ["E1"]

    def test_after_a_reset_what_is_not_proved_goes_out_again_as_possible_resend(self) -> None:
        outbox = Outbox()
        for name, number in (("E1", 3), ("E2", 4)):
            outbox.add(report(name))
            outbox.numbered(name, number)
        outbox.add(report("E3"))
        outbox.proved(3)
        outbox.epoch_ended()
        again = {waiting.report.exec_id: waiting.again for waiting in outbox.take(10)}
        assert again == {"E2": True, "E3": False}


steps = st.lists(
    st.one_of(
        st.just(("add", 0)),
        st.tuples(st.just("send"), st.integers(1, 5)),
        st.tuples(st.just("prove"), st.integers(0, 30)),
        st.just(("reset", 0)),
    ),
    max_size=60,
)


@given(steps)
def test_no_report_is_ever_lost_and_none_sent_twice_in_an_epoch(
    script: list[tuple[str, int]],
) -> None:
    outbox, made, next_number = Outbox(), 0, 1
    proved: set[str] = set()
    sent_in_epoch: dict[str, int] = {}
    for step, argument in script:
        if step == "add":
            made += 1
            outbox.add(report(f"E{made}"))
        elif step == "send":
            for exec_id in ids(outbox, argument):
                assert exec_id not in sent_in_epoch
                outbox.numbered(exec_id, next_number)
                sent_in_epoch[exec_id] = next_number
                next_number += 1
        elif step == "prove":
            outbox.proved(argument)
            proved |= {exec_id for exec_id, number in sent_in_epoch.items() if number <= argument}
        else:
            outbox.epoch_ended()
            sent_in_epoch, next_number = {}, 1
        everything = {f"E{n}" for n in range(1, made + 1)}
        assert set(outbox.waiting) == everything - proved
        assert set(outbox.unnumbered) == set(outbox.waiting) - set(sent_in_epoch)
