"""What FIX 4.2 and 4.4 write, against the reference dictionaries and the documents."""

from __future__ import annotations

import pytest

from sor_gateway.fix import tags
from sor_gateway.fix.dialect import FIX42, FIX44, Dialect, FeeStyle, dialect_of
from sor_gateway.fix.dictionary import load_packaged
from tests.fix.reference import reference_tree, reference_values

both = pytest.mark.parametrize("dialect", [FIX42, FIX44], ids=lambda dialect: dialect.begin_string)


class TestDialectOf:
    def test_finds_the_table_by_begin_string(self) -> None:
        assert dialect_of("FIX.4.2") is FIX42
        assert dialect_of("FIX.4.4") is FIX44

    @pytest.mark.parametrize("begin_string", ["", "FIX.4.3", "FIXT.1.1", "fix.4.4"])
    def test_names_what_it_has_when_there_is_none(self, begin_string: str) -> None:
        with pytest.raises(ValueError, match=r"expected one of FIX\.4\.2, FIX\.4\.4"):
            dialect_of(begin_string)


class TestReasons:
    @pytest.mark.parametrize("code", [9, 10, 11, 13, 14, 15, 99])
    def test_ord_rej_reason_ends_at_8_on_4_2(self, code: int) -> None:
        assert FIX42.ord_rej_reason(code) == "0"
        assert FIX44.ord_rej_reason(code) == str(code)

    @pytest.mark.parametrize("code", [4, 5, 6, 99])
    def test_cxl_rej_reason_ends_at_3_on_4_2(self, code: int) -> None:
        assert FIX42.cxl_rej_reason(code) == "0"
        assert FIX44.cxl_rej_reason(code) == str(code)

    @pytest.mark.parametrize("code", [6, 7, 8, 99])
    def test_exec_restatement_reason_ends_at_5_on_4_2(self, code: int) -> None:
        assert FIX42.exec_restatement_reason(code) == "0"
        assert FIX44.exec_restatement_reason(code) == str(code)

    @pytest.mark.parametrize("code", [6, 7])
    def test_business_reject_reason_ends_at_5_on_4_2(self, code: int) -> None:
        assert FIX42.business_reject_reason(code) == "0"
        assert FIX44.business_reject_reason(code) == str(code)

    @pytest.mark.parametrize("code", [13, 14, 15, 16])
    def test_session_reject_reason_is_left_out_on_4_2_past_11(self, code: int) -> None:
        assert FIX42.session_reject_reason(code) is None
        assert FIX42.session_reject_reason(11) == "11"
        assert FIX44.session_reject_reason(code) == str(code)

    def test_codes_of_later_versions_become_other_on_4_4(self) -> None:
        assert FIX44.ord_rej_reason(16) == FIX44.cxl_rej_reason(7) == "99"
        assert FIX44.exec_restatement_reason(11) == FIX44.session_reject_reason(18) == "99"
        assert FIX44.business_reject_reason(18) == "0"

    @both
    @pytest.mark.parametrize(
        ("tag", "codes"),
        [
            (103, "ord_rej_reasons"),
            (102, "cxl_rej_reasons"),
            (378, "exec_restatement_reasons"),
            (380, "business_reject_reasons"),
            (373, "session_reject_reasons"),
        ],
    )
    def test_the_allowed_codes_are_those_of_the_version(
        self, dialect: Dialect, tag: int, codes: str
    ) -> None:
        table = getattr(dialect, codes)
        assert {str(code) for code in table.allowed} == reference_values(dialect.begin_string, tag)


class TestReports:
    def test_a_fill_is_f_on_4_4_and_the_state_on_4_2(self) -> None:
        assert [FIX42.exec_type_of_fill(complete=done) for done in (False, True)] == ["1", "2"]
        assert [FIX44.exec_type_of_fill(complete=done) for done in (False, True)] == ["F", "F"]

    def test_status_bust_and_correct_are_types_on_4_4(self) -> None:
        assert FIX44.exec_type_of_status("1") == "I"
        assert FIX44.exec_type_of_bust("1") == "H"
        assert FIX44.exec_type_of_correct("1") == "G"
        assert not FIX44.exec_trans_type_required
        assert FIX44.status_exec_trans_type is None

    def test_they_are_transaction_types_on_4_2(self) -> None:
        assert FIX42.exec_trans_type_required
        assert FIX42.new_exec_trans_type == "0"
        assert (FIX42.bust_exec_trans_type, FIX42.exec_type_of_bust("1")) == ("1", "1")
        assert (FIX42.correct_exec_trans_type, FIX42.exec_type_of_correct("2")) == ("2", "2")
        assert (FIX42.status_exec_trans_type, FIX42.exec_type_of_status("0")) == ("3", "0")

    def test_liquidity_is_851_on_4_4_and_9730_on_4_2(self) -> None:
        assert (FIX44.liquidity_tag, FIX44.liquidity(1), FIX44.liquidity(2)) == (851, "1", "2")
        assert (FIX42.liquidity_tag, FIX42.liquidity(1), FIX42.liquidity(2)) == (9730, "A", "R")
        assert FIX42.liquidity(3) is None
        assert FIX42.midpoint_liquidity == FIX44.midpoint_liquidity == (9730, "M")

    @both
    def test_liquidity_is_read_as_it_is_written(self, dialect: Dialect) -> None:
        for number, value in dialect.liquidity_values.items():
            assert dialect.liquidity_ind(value) == number
        assert dialect.liquidity_ind("?") is None

    def test_fees_and_capacity(self) -> None:
        assert (FIX42.fee_style, FIX44.fee_style) == (FeeStyle.COMMISSION, FeeStyle.MISC_FEES)
        assert (FIX42.capacity_tag, FIX44.capacity_tag) == (47, 528)

    def test_strategy_tags(self) -> None:
        for dialect, base in ((FIX42, 7840), (FIX44, 840)):
            assert dialect.target_strategy_tag == base + 7
            assert dialect.target_strategy_parameters_tag == base + 8
            assert dialect.participation_rate_tag == base + 9

    def test_there_is_no_market_on_close_time_in_force_on_4_2(self) -> None:
        assert FIX42.at_close_time_in_force is None
        assert (FIX42.market_on_close_ord_type, FIX42.limit_on_close_ord_type) == ("5", "B")
        assert FIX44.at_close_time_in_force == "7"
        assert FIX44.market_on_close_ord_type is FIX44.limit_on_close_ord_type is None


@both
class TestTablesAgreeWithOurDictionary:
    def test_on_the_fields_that_a_version_has(self, dialect: Dialect) -> None:
        layouts = load_packaged(dialect.begin_string).layouts
        report, order = layouts["8"].places, layouts["D"].places
        assert dialect.liquidity_tag in report
        assert dialect.midpoint_liquidity[0] in report
        assert dialect.exec_trans_type_required == (tags.ExecTransType in report)
        assert dialect.secondary_exec_id == (tags.SecondaryExecID in report)
        assert dialect.capacity_tag in order
        assert (dialect.fee_style is FeeStyle.MISC_FEES) == (tags.NoMiscFees in report)
        assert dialect.status_request_id == (tags.OrdStatusReqID in layouts["H"].places)
        assert dialect.handl_inst_required == (tags.HandlInst in layouts["D"].required)
        for tag in (
            dialect.target_strategy_tag,
            dialect.target_strategy_parameters_tag,
            dialect.participation_rate_tag,
        ):
            assert tag in order

    def test_on_the_messages_and_logon_fields_that_a_version_has(self, dialect: Dialect) -> None:
        layouts = load_packaged(dialect.begin_string).layouts
        assert dialect.mass_cancel == (not layouts["q"].named_only) == ("r" in layouts)
        assert dialect.mass_status == (not layouts["AF"].named_only)
        assert dialect.next_expected == (tags.NextExpectedMsgSeqNum in layouts["A"].places)
        assert dialect.credentials == (tags.Password in layouts["A"].places)

    def test_on_the_values_that_a_version_has(self, dialect: Dialect) -> None:
        fields = load_packaged(dialect.begin_string).fields
        for value in (dialect.fill_exec_type, dialect.partial_fill_exec_type):
            assert value in fields[tags.ExecType].values
        for ord_type in (dialect.market_on_close_ord_type, dialect.limit_on_close_ord_type):
            assert ord_type is None or ord_type in fields[tags.OrdType].values
        at_close = dialect.at_close_time_in_force
        assert (at_close is not None) == ("7" in fields[tags.TimeInForce].values)

    def test_and_with_the_reference_on_what_is_a_message(self, dialect: Dialect) -> None:
        root = reference_tree(dialect.begin_string)
        types = {message.attrib["msgtype"] for message in root.iterfind("messages/message")}
        assert dialect.mass_cancel == ("q" in types)
        assert dialect.mass_status == ("AF" in types)
