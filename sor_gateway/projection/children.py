"""The row of a child.

Owns: which fields of a decision stand in it. May not know: what becomes of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from sor_gateway.sor.events import ChildCrossed, ChildPlanned
from sor_gateway.sor.types import CROSS, ChildState, OrdType, TimeInForce


def insert_child(run: Callable[..., sqlite3.Cursor], fact: ChildPlanned) -> None:
    """A child that left."""
    run(
        "INSERT INTO children (child_id, parent_id, venue, quantity, ord_type, limit_micros,"
        " time_in_force, tactic, wave, state, cost_micros, display_score, why, planned_ns,"
        " bid_micros, ask_micros) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            fact.child_id,
            fact.parent_id,
            fact.venue,
            fact.quantity,
            fact.ord_type,
            fact.limit_micros,
            fact.time_in_force,
            fact.tactic,
            fact.wave,
            ChildState.PENDING_NEW,
            fact.cost_micros,
            fact.display_score,
            fact.why,
            fact.at_ns,
            fact.bid_micros,
            fact.ask_micros,
        ),
    )


def as_planned(fact: ChildCrossed) -> ChildPlanned:
    """What was executed between our own clients, as a child at our own market: at the midpoint,
    before any wave, free of charge."""
    return ChildPlanned(
        fact.at_ns,
        fact.parent_id,
        fact.child_id,
        fact.market,
        fact.quantity,
        OrdType.MID_PEG,
        fact.price_micros,
        TimeInForce.IOC,
        CROSS,
        0,
        0,
        10.0,
        f"{fact.why}; against {fact.contra_id}",
        bid_micros=fact.bid_micros,
        ask_micros=fact.ask_micros,
    )
