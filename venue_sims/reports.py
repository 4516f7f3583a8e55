"""What the venue tells a client, before any FIX dialect.

Owns: the one report type, a photograph of the order at the moment it speaks of.
May not know: FIX tags, books, sockets.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from venue_sims.commands import Terms
from venue_sims.words import Liquidity, Reason, ReportKind, Restatement, State


@dataclass(slots=True)
class Report:
    """One message to a client. `number` counts the reports of its session and names it in the
    journal; it may leave at `due_ns`."""

    number: int
    due_ns: int
    at_ns: int
    kind: ReportKind
    terms: Terms
    order_id: str
    exec_id: str
    state: State
    orig_cl_ord_id: str = ""
    """The ClOrdID that a request meant (41), when the report answers one."""
    cum_quantity: int = 0
    leaves: int = 0
    cum_value_micros: int = 0
    last_quantity: int = 0
    last_price: int = 0
    liquidity: Liquidity | None = None
    fee_micros: int = 0
    reason: Reason | None = None
    code: int | None = None
    """OrdRejReason (103), when it is not the reason's own."""
    text: str = ""
    status_id: str = ""
    restatement: Restatement | None = None
    firm_up_id: str = ""
    """The invitation that it carries; it may be answered until `deadline_ns`."""
    deadline_ns: int = 0
    ref_exec_id: str = ""
    """The trade that it takes back or corrects."""
    held: bool = False
    """Whether others of its session went before it once."""
    mass_id: str = ""
    """The mass status request that it is a part of the answer to."""
    total: int = 0
    """How many orders that answer is about."""
    last: bool = False
    """Whether it is the last one of that answer."""
    affected: list[str] = field(default_factory=list)
    """OrderIDs that a mass cancel took out."""
    affected_cl_ord_ids: list[str] = field(default_factory=list)
