"""The answer to a mass cancel request as a FIX message (r); what requests for many orders share.

Owns: which tag says what in it (venues.md 4.2). Pure functions.
May not know: books, sessions' numbers, sockets, clocks.
"""

from __future__ import annotations

from typing import Final

from sor_gateway.fix import tags
from sor_gateway.fix.values import utc_timestamp
from venue_sims.reports import Report
from venue_sims.words import Reason

Fields = list[tuple[int, str]]

BY_SYMBOL: Final = "1"
ALL_ORDERS: Final = "7"
"""The scopes (530, 585) that the venues have."""
_UNSUPPORTED: Final = "0"
_UNKNOWN: Final = "1"
"""MassCancelRejectReason (532): a scope that the venue does not have, a symbol it does not know."""


def mass_cancel_report(report: Report) -> Fields:
    """OrderMassCancelReport (r). `text` holds the scope (530) of a request that this venue does not
    have."""
    unsupported = report.text
    scope = unsupported or (BY_SYMBOL if report.terms.symbol else ALL_ORDERS)
    unknown_symbol = report.reason is Reason.UNKNOWN_SYMBOL
    refused = _UNSUPPORTED if unsupported else _UNKNOWN if unknown_symbol else ""
    fields: Fields = [
        (tags.ClOrdID, report.terms.cl_ord_id),
        (tags.OrderID, report.exec_id),
        (tags.MassCancelRequestType, scope),
        (tags.MassCancelResponse, "0" if refused else scope),
    ]
    if refused:
        fields.append((tags.MassCancelRejectReason, refused))
    fields.append((tags.TotalAffectedOrders, str(len(report.affected))))
    if report.affected:
        fields.append((tags.NoAffectedOrders, str(len(report.affected))))
        for cl_ord_id, order_id in zip(report.affected_cl_ord_ids, report.affected, strict=True):
            fields += [(tags.OrigClOrdID, cl_ord_id), (tags.AffectedOrderID, order_id)]
    if report.terms.symbol:
        fields.append((tags.Symbol, report.terms.symbol))
    fields.append((tags.TransactTime, utc_timestamp(report.at_ns, micros=True)))
    return fields
