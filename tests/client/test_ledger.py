"""Rules of the EMS's ledger: it believes fills, once each, and checks everything else."""

from __future__ import annotations

from decimal import Decimal

from sor_gateway.client.ledger import Ledger, OrderState
from sor_gateway.client.wire import Received, parse
from tests.client.peer import fix, raw


def sent(text: str) -> Received:
    message = parse(raw(text))
    assert message is not None
    return message


def told(msg_type: str, body: str, header: str = "") -> Received:
    message = parse(fix(msg_type, 9, body, header=header))
    assert message is not None
    return message


def ledger() -> Ledger:
    book = Ledger()
    book.sent(sent("35=D|34=2|11=A1|55=ACME|54=2|38=300|"))
    return book


NEW = "37=P1|11=A1|17=E1|150=0|39=0|55=ACME|54=2|38=300|14=0|151=300|6=0|"
FILL_1 = (
    "37=P1|11=A1|17=E2|150=F|39=1|55=ACME|54=2|38=300|32=100|31=50.01|14=100|151=200|6=50.01|"
    "30=DRKA|136=1|137=0.15|138=USD|139=4|"
)
FILL_2 = (
    "37=P1|11=A1|17=E3|150=F|39=2|55=ACME|54=2|38=300|32=200|31=50.02|14=300|151=0|6=50.016667|"
    "30=XECN|136=1|137=-0.4|138=USD|139=4|"
)


class TestFills:
    def test_add_up_exactly(self) -> None:
        book = ledger()
        for body in (NEW, FILL_1, FILL_2):
            book.received(told("8", body))
        order = book.orders["A1"]
        assert order.state is OrderState.FILLED
        assert (order.cum_quantity, order.leaves_quantity) == (300, 0)
        assert order.value == Decimal("15005.00")  # 100 x 50.01 + 200 x 50.02
        assert order.fees == Decimal("-0.25")
        assert {m: (t.quantity, t.fees) for m, t in order.by_market().items()} == {
            "DRKA": (100, Decimal("0.15")),
            "XECN": (200, Decimal("-0.4")),
        }
        assert book.violations == []

    def test_on_fix_42_come_as_1_and_2_with_a_commission(self) -> None:
        book = ledger()
        body = FILL_1.replace("150=F", "20=0|150=1").split("136=")[0] + "12=0.15|13=3|"
        book.received(told("8", body))
        assert book.orders["A1"].cum_quantity == 100
        assert book.orders["A1"].fees == Decimal("0.15")

    def test_after_a_cancel_still_count(self) -> None:
        book = ledger()
        book.received(told("8", NEW))
        book.received(told("8", NEW.replace("E1", "E4").replace("0|39=0", "4|39=4") + "151=0|"))
        late = FILL_1.replace("39=1", "39=4").replace("151=200", "151=0")
        book.received(told("8", late))
        assert book.orders["A1"].state is OrderState.CANCELED
        assert book.orders["A1"].cum_quantity == 100


class TestDuplicates:
    def test_flagged_ones_are_counted_and_not_booked(self) -> None:
        book = ledger()
        for header in ("", "43=Y|122=20260105-14:29:00.000|", "97=Y|"):
            book.received(told("8", FILL_1, header))
        assert book.orders["A1"].cum_quantity == 100
        assert (book.duplicates_flagged, book.duplicates_unflagged) == (2, 0)
        assert book.violations == []

    def test_unflagged_ones_are_a_violation(self) -> None:
        book = ledger()
        book.received(told("8", FILL_1))
        book.received(told("8", FILL_1))
        assert book.orders["A1"].cum_quantity == 100
        assert book.duplicates_unflagged == 1
        assert "17=E2" in book.violations[0]


class TestContradictions:
    def contradicts(self, body: str) -> str:
        book = ledger()
        book.received(told("8", body))
        return " / ".join(book.violations)

    def test_a_lost_fill_shows(self) -> None:
        assert "fills sum up to 200" in self.contradicts(FILL_2)

    def test_a_wrong_average_shows(self) -> None:
        assert "AvgPx 50.011" in self.contradicts(FILL_1.replace("6=50.01|", "6=50.011|"))

    def test_wrong_leaves_show(self) -> None:
        assert "expected 200" in self.contradicts(FILL_1.replace("151=200", "151=100"))

    def test_an_over_fill_shows(self) -> None:
        body = FILL_1.replace("32=100", "32=400").replace("14=100", "14=400")
        assert "400 filled of 300" in self.contradicts(body)

    def test_a_fill_without_price_shows(self) -> None:
        assert "without LastQty" in self.contradicts(FILL_1.replace("31=50.01", "31=x"))

    def test_a_known_order_that_is_forgotten_shows(self) -> None:
        book = ledger()
        book.received(told("8", NEW))
        book.received(told("8", "37=NONE|11=A1|17=0|150=I|39=8|14=0|151=0|6=0|"))
        assert "unknown now" in book.violations[0]
        assert book.orders["A1"].state is OrderState.NEW


class TestRequests:
    def test_an_accepted_replace_changes_terms_and_id(self) -> None:
        book = ledger()
        book.sent(sent("35=G|34=3|11=A2|41=A1|55=ACME|54=2|38=500|"))
        pending = NEW.replace("E1", "E5").replace("11=A1", "11=A2|41=A1")
        book.received(told("8", pending.replace("150=0|39=0", "150=E|39=E")))
        order = book.orders["A1"]
        assert (order.accepted_id, order.quantity) == ("A1", 300)
        assert order.state is OrderState.PENDING_REPLACE
        accepted = NEW.replace("E1", "E6").replace("11=A1", "11=A2|41=A1").replace("300", "500")
        book.received(told("8", accepted.replace("150=0", "150=5")))
        assert (order.accepted_id, order.quantity, order.leaves_quantity) == ("A2", 500, 500)
        assert book.order("A2") is order
        assert book.violations == []

    def test_a_refused_cancel_leaves_the_order_as_39_says(self) -> None:
        book = ledger()
        book.received(told("8", NEW))
        book.sent(sent("35=F|34=3|11=A2|41=A1|55=ACME|54=2|"))
        book.received(told("9", "37=P1|11=A2|41=A1|39=0|102=0|434=1|58=too late|"))
        assert book.requests["A2"].refused == "too late"
        assert book.orders["A1"].state is OrderState.NEW

    def test_unanswered_are_those_the_peer_never_showed_to_have(self) -> None:
        book = ledger()
        assert [request.cl_ord_id for request in book.unanswered()] == ["A1"]
        book.received(told("8", NEW))
        assert book.unanswered() == []

    def test_a_status_answers_an_order_that_went_again_with_97(self) -> None:
        book = ledger()
        book.received(told("8", NEW.replace("150=0", "150=I")))
        assert book.unanswered() == []
        assert book.orders["A1"].state is OrderState.NEW

    def test_a_reject_ends_the_order_it_refers_to(self) -> None:
        book = ledger()
        book.received(told("3", "45=2|58=bad tag|"))
        assert book.orders["A1"].state is OrderState.REJECTED
        assert book.rejects == ["3 for A1: bad tag"]

    def test_an_order_that_was_never_sent_here_is_kept_apart(self) -> None:
        book = Ledger()
        book.received(told("8", FILL_2))
        assert book.orders["A1"].foreign
        assert book.violations == []

    def test_an_unknown_status_answer_makes_no_order(self) -> None:
        book = Ledger()
        book.received(told("8", "37=NONE|11=Z|17=0|150=I|39=8|14=0|151=0|6=0|"))
        assert book.orders == {}


class TestRevisions:
    """Busts and corrections (F6)."""

    BUST = (
        "37=P1|11=A1|17=E9|19=E2|150=H|39=1|55=ACME|54=2|38=300|32=100|31=50.01|14=200|151=100|"
        "6=50.02|30=DRKA|"
    )

    def filled(self) -> Ledger:
        book = ledger()
        for body in (NEW, FILL_1, FILL_2.replace("39=2", "39=1")):
            book.received(told("8", body))
        return book

    def test_a_bust_takes_the_fill_and_its_fee_back(self) -> None:
        book = self.filled()
        book.violations.clear()
        book.received(told("8", self.BUST))
        order = book.orders["A1"]
        assert (order.cum_quantity, order.value, order.fees) == (
            200,
            Decimal("10004.00"),
            Decimal("-0.4"),
        )
        assert (book.busts, book.violations) == (1, [])

    def test_a_correction_is_the_fill_from_then_on(self) -> None:
        book = self.filled()
        book.violations.clear()
        body = self.BRIEF.replace("20=2|150=1", "150=G")
        book.received(told("8", body))
        order = book.orders["A1"]
        assert [fill.exec_id for fill in order.fills] == ["E3", "E2"]
        assert (order.value, order.cum_quantity) == (Decimal("15004.00"), 300)
        assert (book.corrections, book.violations) == (1, [])

    BRIEF = (
        "37=P1|11=A1|17=E9|19=E2|20=2|150=1|39=1|55=ACME|54=2|38=300|32=100|31=50.00|14=300|151=0|"
        "6=50.013333|30=DRKA|12=0.15|13=3|"
    )

    def test_on_fix_42_20_says_it(self) -> None:
        book = self.filled()
        book.violations.clear()
        book.received(told("8", self.BRIEF))
        assert (book.corrections, book.violations) == (1, [])
        assert book.orders["A1"].value == Decimal("15004.00")

    def test_one_of_a_fill_never_told_is_a_violation(self) -> None:
        book = self.filled()
        book.violations.clear()
        book.received(told("8", self.BUST.replace("19=E2", "19=E7")))
        assert book.violations[0] == "17=E9 revises 19=E7, which was never told"
