"""How FIX 4.2 and FIX 4.4 say the same thing differently: one table each.

Owns: the codes and tags in which the versions differ. Whoever writes a message asks the table and
has no `if` for a version.
May not know: orders, the router's reasons. Codes are numbers of FIX 4.4, the richer version; the
table gives what may be written in its own.

A code that a version does not have falls back to one that it has; the Text (58) beside it then has
to say what was meant. BeginString and application version are one thing here; they part with
FIXT.1.1, which would get a table of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sor_gateway.fix import tags


class FeeStyle(StrEnum):
    """How an ExecutionReport carries the fee of a fill."""

    COMMISSION = "commission"
    """Commission (12) with CommType (13) = 3, absolute."""
    MISC_FEES = "misc-fees"
    """A NoMiscFees (136) group: 137 amount, 138 currency, 139 = 4, exchange fees."""


@dataclass(slots=True)
class Codes:
    """The values that one reason field may have in one version."""

    allowed: frozenset[int]
    fallback: int | None
    """For a code that is not allowed; None when the field is then left out."""

    def text(self, code: int) -> str | None:
        """The value to write for `code`, or None when the field has to be left out."""
        value = code if code in self.allowed else self.fallback
        return None if value is None else str(value)


@dataclass(slots=True)
class Dialect:
    """What one version of FIX writes."""

    begin_string: str

    partial_fill_exec_type: str
    """ExecType (150) of a fill that leaves something open."""
    fill_exec_type: str
    """ExecType (150) of the fill that completes the order."""
    status_exec_type: str | None
    """ExecType (150) of an answer to a status request; None: it repeats OrdStatus (39)."""
    bust_exec_type: str | None
    """ExecType (150) that takes a fill back (with 19); None: it repeats OrdStatus (39)."""
    correct_exec_type: str | None
    """ExecType (150) that corrects a fill (with 19); None: it repeats OrdStatus (39)."""

    exec_trans_type_required: bool
    """Whether ExecutionReports carry ExecTransType (20). The four values below are None if not."""
    new_exec_trans_type: str | None
    bust_exec_trans_type: str | None
    correct_exec_trans_type: str | None
    status_exec_trans_type: str | None

    ord_rej_reasons: Codes
    cxl_rej_reasons: Codes
    exec_restatement_reasons: Codes
    business_reject_reasons: Codes
    session_reject_reasons: Codes

    fee_style: FeeStyle
    liquidity_tag: int
    """Which tag says what a fill did: LastLiquidityInd (851) or LiquidityCode (9730)."""
    liquidity_values: dict[int, str]
    """LastLiquidityInd as FIX 4.4 numbers it (1 added, 2 removed, 3 routed out) to the value of
    `liquidity_tag`; what is not in here cannot be said."""
    midpoint_liquidity: tuple[int, str]
    """The field of a fill at the midpoint of a dark book; where `liquidity_tag` is another tag it
    stands beside it."""

    capacity_tag: int
    """Rule80A (47) or OrderCapacity (528)."""
    target_strategy_tag: int
    target_strategy_parameters_tag: int
    participation_rate_tag: int

    handl_inst_required: bool
    """Whether D and G must carry HandlInst (21)."""
    mass_cancel: bool
    """Whether q and r exist; if not, q is answered by BusinessMessageReject, 380=3."""
    mass_status: bool
    """Whether AF exists."""
    status_request_id: bool
    """Whether H and its answer carry OrdStatusReqID (790)."""
    secondary_exec_id: bool
    """Whether an ExecutionReport carries SecondaryExecID (527)."""
    next_expected: bool
    """Whether a Logon may carry NextExpectedMsgSeqNum (789)."""
    credentials: bool
    """Whether a Logon may carry Username (553) and Password (554)."""

    at_close_time_in_force: str | None
    """TimeInForce (59) of an order at the close; None: the OrdTypes below say it."""
    market_on_close_ord_type: str | None
    limit_on_close_ord_type: str | None

    def exec_type_of_fill(self, *, complete: bool) -> str:
        """ExecType (150) of a fill."""
        return self.fill_exec_type if complete else self.partial_fill_exec_type

    def exec_type_of_status(self, ord_status: str) -> str:
        """ExecType (150) of an answer to a status request, for an order in `ord_status`."""
        return self.status_exec_type or ord_status

    def exec_type_of_bust(self, ord_status: str) -> str:
        """ExecType (150) that takes a fill back."""
        return self.bust_exec_type or ord_status

    def exec_type_of_correct(self, ord_status: str) -> str:
        """ExecType (150) that corrects a fill."""
        return self.correct_exec_type or ord_status

    def ord_rej_reason(self, code: int) -> str:
        """OrdRejReason (103)."""
        return _written(self.ord_rej_reasons, code)

    def cxl_rej_reason(self, code: int) -> str:
        """CxlRejReason (102)."""
        return _written(self.cxl_rej_reasons, code)

    def exec_restatement_reason(self, code: int) -> str:
        """ExecRestatementReason (378)."""
        return _written(self.exec_restatement_reasons, code)

    def business_reject_reason(self, code: int) -> str:
        """BusinessRejectReason (380)."""
        return _written(self.business_reject_reasons, code)

    def session_reject_reason(self, code: int) -> str | None:
        """SessionRejectReason (373); None: leave the field out, the Text says it."""
        return self.session_reject_reasons.text(code)

    def liquidity(self, last_liquidity_ind: int) -> str | None:
        """The value of `liquidity_tag`; None: leave the field out."""
        return self.liquidity_values.get(last_liquidity_ind)

    def liquidity_ind(self, value: str) -> int | None:
        """What a peer's value of `liquidity_tag` means, as a LastLiquidityInd of FIX 4.4."""
        for number, written in self.liquidity_values.items():
            if written == value:
                return number
        return None


def _written(codes: Codes, code: int) -> str:
    text = codes.text(code)
    assert text is not None, "this field has a fallback in every version"
    return text


def _up_to(last: int, *more: int, fallback: int | None) -> Codes:
    return Codes(frozenset({*range(last + 1), *more}), fallback)


FIX42: Final = Dialect(
    begin_string="FIX.4.2",
    partial_fill_exec_type="1",
    fill_exec_type="2",
    status_exec_type=None,
    bust_exec_type=None,
    correct_exec_type=None,
    exec_trans_type_required=True,
    new_exec_trans_type="0",
    bust_exec_trans_type="1",
    correct_exec_trans_type="2",
    status_exec_trans_type="3",
    ord_rej_reasons=_up_to(8, fallback=0),
    cxl_rej_reasons=_up_to(3, fallback=0),
    exec_restatement_reasons=_up_to(5, fallback=0),
    business_reject_reasons=_up_to(5, fallback=0),
    session_reject_reasons=_up_to(11, fallback=None),
    fee_style=FeeStyle.COMMISSION,
    liquidity_tag=tags.LiquidityCode,
    liquidity_values={1: "A", 2: "R"},
    midpoint_liquidity=(tags.LiquidityCode, "M"),
    capacity_tag=tags.Rule80A,
    target_strategy_tag=tags.CustomTargetStrategy,
    target_strategy_parameters_tag=tags.CustomTargetStrategyParameters,
    participation_rate_tag=tags.CustomParticipationRate,
    handl_inst_required=True,
    mass_cancel=False,
    mass_status=False,
    status_request_id=False,
    secondary_exec_id=False,
    next_expected=False,
    credentials=False,
    at_close_time_in_force=None,
    market_on_close_ord_type="5",
    limit_on_close_ord_type="B",
)

FIX44: Final = Dialect(
    begin_string="FIX.4.4",
    partial_fill_exec_type="F",
    fill_exec_type="F",
    status_exec_type="I",
    bust_exec_type="H",
    correct_exec_type="G",
    exec_trans_type_required=False,
    new_exec_trans_type=None,
    bust_exec_trans_type=None,
    correct_exec_trans_type=None,
    status_exec_trans_type=None,
    ord_rej_reasons=_up_to(11, 13, 14, 15, 99, fallback=99),
    cxl_rej_reasons=_up_to(6, 99, fallback=99),
    exec_restatement_reasons=_up_to(10, 99, fallback=99),
    business_reject_reasons=_up_to(7, fallback=0),
    session_reject_reasons=_up_to(17, 99, fallback=99),
    fee_style=FeeStyle.MISC_FEES,
    liquidity_tag=tags.LastLiquidityInd,
    liquidity_values={1: "1", 2: "2", 3: "3"},
    midpoint_liquidity=(tags.LiquidityCode, "M"),
    capacity_tag=tags.OrderCapacity,
    target_strategy_tag=tags.TargetStrategy,
    target_strategy_parameters_tag=tags.TargetStrategyParameters,
    participation_rate_tag=tags.ParticipationRate,
    handl_inst_required=False,
    mass_cancel=True,
    mass_status=True,
    status_request_id=True,
    secondary_exec_id=True,
    next_expected=True,
    credentials=True,
    at_close_time_in_force="7",
    market_on_close_ord_type=None,
    limit_on_close_ord_type=None,
)

_DIALECTS: Final = {dialect.begin_string: dialect for dialect in (FIX42, FIX44)}


def dialect_of(begin_string: str) -> Dialect:
    """The table of a version. Raises ValueError when there is none."""
    dialect = _DIALECTS.get(begin_string)
    if dialect is None:
        raise ValueError(f"{begin_string[:20]!r}: expected one of {', '.join(_DIALECTS)}")
    return dialect
