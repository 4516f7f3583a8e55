"""What has to hold after any fault: the books of venues, gateway and EMS against each other.

Owns: the checks that are common to all cases, and which alarm explains which difference.
May not know: which fault there was.

A venue may tell what is not true, or never tell what is. Then the books cannot be the venue's; but
each difference has to be flagged: an alarm names the venue, with a code that says this. What the
client was told and what the gateway booked are the same whatever venues do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sor_gateway.daemon.doubts import doubts
from sor_gateway.demo.audit import Check
from sor_gateway.projection import queries
from sor_gateway.sor.orders import PARENT_OVER
from sor_gateway.stack import Totals, client_totals
from tests.faults.bench import Bench
from tests.harness.audit import project
from venue_sims.words import LIVE

DISPUTED: Final = (
    *("execution-denied", "contradicting-report", "executed-less-than-booked", "exec-id-reused"),
    *("revision-unknown", "unknown-child", "over-fill"),
)
"""Alarms about executions that are not as the venue's books have them."""
UNTOLD: Final = ("unreported-fill", *DISPUTED)
"""Alarms about executions of which price or fee is not known."""
OVER: Final = ("over-fill", "late-fill", "excess-exposure", "execution-denied")
STUCK: Final = (
    *("status-repeated", "request-overdue", "request-waits", "cancel-stuck", "cancel-repeated"),
    *("child-doubted", "children-doubted", "venue-closed", "venue-rests", "venue-quarantined"),
)
"""Alarms by which an operator knows of an order that does not come to its end."""


def check_all(bench: Bench, folder: Path) -> list[Check]:
    """Every check, good or not."""
    return [
        _no_over_fill(bench),
        *_three_ledgers(bench, folder),
        _told_once(bench),
        _all_over(bench),
        _nothing_lives_on(bench),
        _fold_is_live(bench),
    ]


def _check(name: str, wrong: list[str], expected: str = "none") -> Check:
    return Check(name, expected, "; ".join(wrong[:3]) or expected, not wrong)


def _no_over_fill(bench: Bench) -> Check:
    """No order has more than was asked, but by a venue's own act, which is flagged."""
    flagged = bench.alarmed(*OVER)
    orders = [bench.desk.ems.order(each) for each in bench.orders]
    wrong = [
        f"{order.cl_ord_id}: {order.cum_quantity} of {order.quantity}"
        for order in orders
        if order.cum_quantity > order.quantity and not flagged
    ]
    return _check("no order is over-filled", wrong)


def _three_ledgers(bench: Bench, folder: Path) -> list[Check]:
    """Shares, value and fees by venue."""
    database = project(bench.desk.gateway.storage, folder)
    projected = {row.venue: row for row in queries.ledger(database).venues}
    told = client_totals(bench.desk.ems.ledger)
    disputed, untold = bench.alarmed(*DISPUTED), bench.alarmed(*UNTOLD)
    at_gateway = booked(bench)
    venue_wrong: list[str] = []
    client_wrong: list[str] = []
    for name, venue in bench.desk.venues.items():
        true, client = true_totals(bench, name), told.get(venue.file.mic, Totals())
        ours = at_gateway.get(name, (0, 0))
        if ours != (client.shares, client.value_micros):
            client_wrong.append(f"{name}: booked {ours}, told {client}")
        row = projected.get(name)
        if (row.shares if row else 0) != client.shares:
            client_wrong.append(f"{name}: {row} in the database, told {client}")
        if true.shares != client.shares and name not in disputed:
            venue_wrong.append(f"{name}: executed {true.shares}, told {client.shares}")
        elif true.value_micros != client.value_micros and name not in untold:
            venue_wrong.append(f"{name}: worth {true.value_micros}, told {client.value_micros}")
        elif true.fees_micros != client.fees_micros and name not in untold:
            venue_wrong.append(f"{name}: fees {true.fees_micros}, told {client.fees_micros}")
    return [
        _check("the client was told what is booked", client_wrong),
        _check("what venues executed was told, or flagged", venue_wrong),
    ]


def true_totals(bench: Bench, name: str) -> Totals:
    """What a venue has in its own books, busts and corrections done."""
    totals = Totals()
    for client in bench.desk.venues[name].server.venue.state.clients.values():
        each = client.ledger
        totals.add(Totals(each.executions, each.shares, each.value_micros, each.fees_micros))
    return totals


def booked(bench: Bench) -> dict[str, tuple[int, int]]:
    """Shares and value by venue, as the router has them."""
    totals: dict[str, tuple[int, int]] = {}
    for child in bench.router.state.children.values():
        shares, value = totals.get(child.venue, (0, 0))
        totals[child.venue] = (shares + child.cum_quantity, value + child.cum_value_micros)
    return totals


def _told_once(bench: Bench) -> Check:
    """The EMS saw no contradiction and no execution twice without a flag."""
    over_filled = bool(bench.alarmed(*OVER))
    ledger = bench.desk.ems.ledger
    wrong = [
        each
        for each in ledger.violations
        if not (over_filled and (" filled of " in each or "LeavesQty" in each))
    ]
    return _check("nothing contradicts itself at the EMS", wrong)


def _all_over(bench: Bench) -> Check:
    """Every order came to its end; one that did not was alarmed and is listed: for a child in
    doubt, or for its client's request that waits for a cancel."""
    found = doubts(bench.router, bench.desk.now)
    listed = {row["parent"] for row in found["children"] + found["requests"]}
    wrong = []
    for parent_id in bench.router.state.open_parents:
        parent = bench.router.state.parents[parent_id]
        if not bench.alarmed(*STUCK) or parent_id not in listed:
            wrong.append(f"{parent_id} is {parent.state.value} and nobody is told")
    return _check("no order is stuck without an alarm", wrong)


def _nothing_lives_on(bench: Bench) -> Check:
    """No order of ours lives at a venue for a parent that the client believes to be over."""
    wrong = []
    state = bench.router.state
    for name, venue in bench.desk.venues.items():
        for order in venue.server.venue.state.orders.values():
            child = state.children.get(order.terms.cl_ord_id)
            if child is None or order.state not in LIVE or child.flight is not None:
                continue
            if state.parents[child.parent_id].state in PARENT_OVER:
                wrong.append(f"{child.child_id} lives at {name}, its parent is over")
    return _check("nothing lives at a venue for an order that is over", wrong)


def _fold_is_live(bench: Bench) -> Check:
    recovered, _ = bench.desk.gateway.folded()
    same = recovered.router.state == bench.router.state
    return Check("the journal's fold is the state", "equal", "equal" if same else "differs", same)
