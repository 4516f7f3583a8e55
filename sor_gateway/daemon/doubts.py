"""What is in doubt and why, for the operator who may have to end it (recovery.md 3.5).

Owns: the view of open doubts, of requests that wait for them, and of venues that get no orders; why
a doubt may not be resolved.
May not know: HTTP, how a doubt is booked.
"""

from __future__ import annotations

from typing import Any, Final

from sor_gateway.sor.orders import Child
from sor_gateway.sor.router import Router
from sor_gateway.sor.types import NANOS_PER_MILLISECOND, NANOS_PER_SECOND, Nanos, Shares

OLD_NS: Final = 30 * NANOS_PER_SECOND
"""A doubt that lasts longer is no hiccup any more: the gateway is not ready."""

Row = dict[str, Any]


def doubts(router: Router, now: Nanos) -> Row:
    """Everything that is not as it should be with orders and executions. Looks at what is in
    doubt and at open requests, not at all that is open."""
    return {
        "children": [
            _child(router, child_id, now)
            for venue in router.counts.venues.values()
            for child_id in venue.doubted
        ],
        "requests": _requests(router, now),
        "venues": _venues(router),
        "disputes": _disputes(router, now),
        "halts": {symbol: dict(venues) for symbol, venues in router.state.halted.items()},
    }


def old_doubts(router: Router, now: Nanos) -> list[str]:
    """Venues with doubts that do not end by themselves, in words."""
    found = []
    for name, venue in router.counts.venues.items():
        oldest_ns = next(iter(venue.doubted.values()), now)
        if now - oldest_ns > OLD_NS:
            seconds = (now - oldest_ns) // NANOS_PER_SECOND
            found.append(
                f"{len(venue.doubted)} children at {name} are in doubt, the oldest for {seconds} s:"
                " see `sor-gateway doubts`"
            )
    return found


def refusal(router: Router, child_id: str, filled: Shares) -> str:
    """Why the operator's word on a child is not taken; empty when it is. Raises KeyError for a
    child that is not known."""
    child = router.state.children[child_id]
    flight = child.flight
    if flight is None:
        return f"{child_id} is {child.state.value}: nothing is in doubt"
    is_told = flight.doubt is None and not flight.is_stuck  # the venue still says what it is
    if is_told and router.state.venues[child.venue].is_open:
        return f"{child_id} is not in doubt, and {child.venue} is open: cancel its parent"
    if not child.cum_quantity <= filled <= child.quantity:
        return (
            f"filled: expected {child.cum_quantity}, which is booked, to {child.quantity}, which"
            " was ordered; what a venue took back has to come from the venue"
        )
    return ""


def _child(router: Router, child_id: str, now: Nanos) -> Row:
    child: Child = router.state.children[child_id]
    flight = child.flight
    assert flight is not None
    doubt = flight.doubt
    assert doubt is not None
    parent = router.state.parents[child.parent_id]
    tried = [f"{doubt.tries} status requests"] if doubt.tries else []
    tried += [f"{flight.cancel_tries} cancels"] if flight.cancel_tries else []
    if not router.state.venues[child.venue].is_open:
        tried.append("the venue's session is down: nothing can be asked")
    return {
        "child": child_id,
        "parent": child.parent_id,
        "client": parent.client,
        "cl_ord_id": parent.cl_ord_id,
        "venue": child.venue,
        "symbol": parent.symbol,
        "side": parent.side.value,
        "quantity": child.quantity,
        "filled": child.cum_quantity,
        "in_doubt": child.leaves_quantity,
        "since_ns": doubt.since_ns,
        "age_ms": (now - doubt.since_ns) // NANOS_PER_MILLISECOND,
        "reason": doubt.cause,
        "tried": ", ".join(tried) or "nothing yet",
    }


def _requests(router: Router, now: Nanos) -> list[Row]:
    rows: list[Row] = []
    for parent_id in router.state.open_parents:
        parent = router.state.parents[parent_id]
        request = parent.request
        if request is not None and parent.children:
            rows.append(
                {
                    "parent": parent_id,
                    "client": parent.client,
                    "request": request.cl_ord_id,
                    "kind": "replace" if request.is_replace else "cancel",
                    "age_ms": (now - request.at_ns) // NANOS_PER_MILLISECOND,
                    "waits_for": sorted(parent.children),
                }
            )
    return rows


def _disputes(router: Router, now: Nanos) -> list[Row]:
    return [
        {
            "client": client,
            "exec": exec_id,
            "parent": dispute.parent_id,
            "age_ms": (now - dispute.since_ns) // NANOS_PER_MILLISECOND,
            "reason": dispute.reason,
        }
        for client, disputes in router.state.disputes.items()
        for exec_id, dispute in disputes.items()
    ]


def _venues(router: Router) -> list[Row]:
    return [
        {"venue": name, "reason": venue.barred or "its session is down"}
        for name, venue in router.state.venues.items()
        if not venue.is_routable and name in router.settings.venues
    ]
