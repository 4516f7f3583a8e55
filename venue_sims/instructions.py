"""How an order says what it is besides its price: ExecInst (18), MaxFloor (111), PegOffsetValue
(211) and the venue's own tags 9701 to 9705 (venues.md 4.2), read and echoed.

Owns: which tag says what. Pure functions.
May not know: books, sessions, sockets, clocks.
"""

from __future__ import annotations

from typing import Final

from sor_gateway.fix import tags
from sor_gateway.fix.message import Message
from sor_gateway.fix.values import text_to_price, text_to_quantity, utc_timestamp
from venue_sims.commands import Terms
from venue_sims.matching.orders import D_LIMITS, Manner, MinQtyMode
from venue_sims.reports import Report
from venue_sims.words import PEG_KINDS, OrdType, Reason

Fields = list[tuple[int, str]]

PEGGED: Final = "P"
"""OrdType (40) of every pegged order; ExecInst (18) says to what."""
_PEGS: Final = {"M": OrdType.MID_PEG, "R": OrdType.PRIMARY_PEG, "P": OrdType.MARKET_PEG}
_PEG_TEXTS: Final = {
    OrdType.MID_PEG: "M",
    OrdType.PRIMARY_PEG: "R",
    OrdType.MARKET_PEG: "P",
    OrdType.DISCRETIONARY_PEG: "R",
}
"""A primary peg with 9704=Y is a discretionary one."""
_POST_ONLY: Final = "6"
_ISO: Final = "f"
_HARMLESS: Final = frozenset({"1", "5", "h"})
"""Instructions (18) that a venue which never routes obeys by doing nothing: not held, held, no
routing."""
_KNOWN: Final = frozenset({*_HARMLESS, *_PEGS, _POST_ONLY, _ISO})
_D_LIMIT_TEXTS: Final = {Manner.D_LIMIT: "Y", Manner.D_LIMIT_OR_CANCEL: "C"}
_D_LIMITS: Final = {text: manner for manner, text in _D_LIMIT_TEXTS.items()}
_PER_EXECUTION: Final = "M"


class UnusableError(Exception):
    """A field that cannot be read, or that this venue does not take."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text


def read_instructions(message: Message, terms: Terms) -> None:
    """Fill in what an order is besides its price. Raises UnusableError."""
    instructions = _instructions(message)
    pegs = [ord_type for text, ord_type in _PEGS.items() if text in instructions]
    if len(pegs) != (message[tags.OrdType] == PEGGED):
        raise UnusableError(Reason.UNSUPPORTED, "40=P goes with one of 18=M, P and R")
    if pegs:
        terms.ord_type = pegs[0]
    terms.manner = read_manner(message)
    if pegs and terms.manner in D_LIMITS:
        if (pegs[0], terms.manner) != (OrdType.PRIMARY_PEG, Manner.D_LIMIT):
            raise UnusableError(Reason.UNSUPPORTED, "of pegs only 18=R goes with 9704, and only Y")
        terms.ord_type, terms.manner = OrdType.DISCRETIONARY_PEG, Manner.PLAIN
    terms.max_floor, terms.hidden = read_display(message, terms.quantity)
    terms.min_qty = read_quantity(message, tags.MinQty)
    if _one_of(message, tags.MinQtyMode, "C", _PER_EXECUTION) == _PER_EXECUTION:
        terms.min_qty_mode = MinQtyMode.MINIMUM_EXECUTION
    terms.peg_offset = read_price(message, tags.PegOffsetValue) or 0
    terms.firm_up_id = message.get(tags.FirmUpID, "")


def read_manner(message: Message) -> Manner:
    """How an order behaves. Raises UnusableError when it asks for two things at once."""
    instructions = _instructions(message)
    manners = [Manner.POST_ONLY] if _POST_ONLY in instructions else []
    if _ISO in instructions:
        manners.append(Manner.ISO)
    if _one_of(message, tags.Conditional, "N", "Y") == "Y":
        manners.append(Manner.CONDITIONAL)
    d_limit = _one_of(message, tags.DLimit, "N", *_D_LIMITS)
    if d_limit != "N":
        manners.append(_D_LIMITS[d_limit])
    if len(manners) > 1:
        raise UnusableError(Reason.UNSUPPORTED, f"not both {manners[0]} and {manners[1]}")
    return manners[0] if manners else Manner.PLAIN


def read_display(message: Message, quantity: int) -> tuple[int, bool]:
    """Shares shown at a time (0: no reserve), and whether the order is hidden. Raises
    UnusableError."""
    if tags.MaxFloor not in message:
        return 0, False
    shown = read_quantity(message, tags.MaxFloor)
    return (shown if shown < quantity else 0), shown == 0


def read_quantity(message: Message, tag: int) -> int:
    """Shares; 0 when the field is absent. Raises UnusableError."""
    try:
        return text_to_quantity(message.get(tag, "0"))
    except ValueError as error:
        raise UnusableError(Reason.BAD_QUANTITY, f"{tag}: {error}") from error


def read_price(message: Message, tag: int) -> int | None:
    """Micros; None when the field is absent. Raises UnusableError."""
    text = message.get(tag)
    if text is None:
        return None
    try:
        return text_to_price(text)
    except ValueError as error:
        raise UnusableError(Reason.PRICE_INCREMENT, f"{tag}: {error}") from error


def instruction_fields(terms: Terms) -> Fields:
    """18, 110, 111, 9701, 9702, 9704: the echo in every report."""
    fields: Fields = []
    if terms.ord_type in PEG_KINDS:
        fields.append((tags.ExecInst, _PEG_TEXTS[terms.ord_type]))
    elif terms.manner in (Manner.POST_ONLY, Manner.ISO):
        fields.append((tags.ExecInst, _POST_ONLY if terms.manner is Manner.POST_ONLY else _ISO))
    if terms.min_qty:
        fields.append((tags.MinQty, str(terms.min_qty)))
    if terms.hidden or terms.max_floor:
        fields.append((tags.MaxFloor, str(terms.max_floor)))
    if terms.min_qty_mode is MinQtyMode.MINIMUM_EXECUTION:
        fields.append((tags.MinQtyMode, _PER_EXECUTION))
    if terms.manner is Manner.CONDITIONAL:
        fields.append((tags.Conditional, "Y"))
    if terms.ord_type is OrdType.DISCRETIONARY_PEG:
        fields.append((tags.DLimit, "Y"))
    elif terms.manner in _D_LIMIT_TEXTS:
        fields.append((tags.DLimit, _D_LIMIT_TEXTS[terms.manner]))
    return fields


def invitation_fields(report: Report) -> Fields:
    """9703 and 9705 of the report that invites a firm order, 9703 of one that answers."""
    if report.firm_up_id:
        deadline = utc_timestamp(report.deadline_ns, micros=True)
        return [(tags.FirmUpID, report.firm_up_id), (tags.FirmUpDeadline, deadline)]
    return [(tags.FirmUpID, report.terms.firm_up_id)] if report.terms.firm_up_id else []


def _one_of(message: Message, tag: int, usual: str, *others: str) -> str:
    """The value of a field that may have these. Raises UnusableError."""
    value = message.get(tag, usual)
    if value not in (usual, *others):
        raise UnusableError(Reason.UNSUPPORTED, f"{tag}={value} is not taken here")
    return value


def _instructions(message: Message) -> list[str]:
    """ExecInst (18) in single instructions. Raises UnusableError for what is not known here."""
    text = message.get(tags.ExecInst)
    if text is None:
        return []
    instructions = text.split()
    strange = sorted(set(instructions) - _KNOWN)
    if strange:
        raise UnusableError(Reason.UNSUPPORTED, f"18={' '.join(strange)} is not taken here")
    return instructions
