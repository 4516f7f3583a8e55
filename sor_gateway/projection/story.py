"""A fact as a sentence, for `explain` and the ops page.

Owns: the wording. May not know: where the fact came from, the database.

A fact without a wording here is told by its name and fields: nothing is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sor_gateway.sor.types import MICROS_PER_UNIT

Data = dict[str, Any]


def sentence(name: str, data: Data) -> str:
    """Tell a fact, given as its name and fields."""
    teller = _TELLERS.get(name)
    return _plain(name, data) if teller is None else teller(data)


def price(micros: int | None) -> str:
    """A price in currency units, exactly: at least two decimals, no trailing zeros behind them."""
    if micros is None:
        return "market"
    whole, rest = divmod(abs(micros), MICROS_PER_UNIT)
    decimals = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{'-' if micros < 0 else ''}{whole}.{decimals}"


def _plain(name: str, data: Data) -> str:
    shown = ", ".join(f"{key} {value}" for key, value in data.items() if key != "at_ns" and value)
    return f"{name}: {shown}" if shown else name


def _terms(data: Data) -> str:
    limit = data["limit_micros"]
    at = f" at {price(limit)}" if limit is not None else ""
    return f"{data['quantity']} {data['ord_type']}{at}"


def _because(data: Data, key: str = "text") -> str:
    return f": {data[key]}" if data.get(key) else ""


def _submitted(data: Data) -> str:
    strategy = f", strategy {data['strategy']}" if data["strategy"] else ""
    return (
        f"{data['client']} sends {data['cl_ord_id']}: {data['side']} {data['symbol']} "
        f"{_terms(data)} {data['time_in_force']}{strategy}"
    )


def _planned(data: Data) -> str:
    return (
        f"{data['child_id']} to {data['venue']}: {_terms(data)} {data['time_in_force']} "
        f"({data['tactic']}, wave {data['wave']}, score {data['display_score']:.1f}, "
        f"expected cost {price(data['cost_micros'])} a share){_because(data, 'why')}"
    )


def _filled(data: Data) -> str:
    return (
        f"{data['venue']} fills {data['quantity']} of {data['child_id']} at "
        f"{price(data['price_micros'])}, {data['liquidity']}, fee {price(data['fee_micros'])} "
        f"(total {data['cum_quantity']}, ExecID {data['exec_id']})"
    )


def _status(data: Data) -> str:
    if not data["known"]:
        return f"{data['venue']} does not know {data['child_id']}"
    how = "live" if data["live"] else data["how"]
    cum = data.get("cum_quantity", 0)
    return f"{data['venue']} says {data['child_id']} is {how}, {cum} executed"


def _doubted(data: Data) -> str:
    children = ", ".join(data.get("child_ids", ())) or "every open child"
    return f"in doubt at {data['venue']}: {children}{_because(data, 'cause')}"


_TELLERS: Final[dict[str, Callable[[Data], str]]] = {
    "ParentSubmitted": _submitted,
    "ParentUnreadable": lambda d: f"{d['cl_ord_id']} of {d['client']} makes no order: {d['text']}",
    "ExecutionDisputed": lambda d: (
        f"{d['client']} does not know {d['exec_id']}: {d['reason']}" + _because(d)
    ),
    "CancelRequested": lambda d: f"{d['client']} asks to cancel {d['orig_cl_ord_id']}",
    "ReplaceRequested": lambda d: (
        f"{d['client']} asks for new terms as {d['cl_ord_id']}: {_terms(d)}"
    ),
    "AmendUnreadable": lambda d: f"request {d['cl_ord_id']} cannot be acted on: {d['text']}",
    "StatusRequested": lambda d: f"{d['client']} asks for the status of {d['cl_ord_id']}",
    "ParentAccepted": lambda d: (
        f"accepted; market {price(d['bid_micros'])} / {price(d['ask_micros'])}"
    ),
    "ParentRefused": lambda d: f"refused ({d['reason']}){_because(d)}",
    "ParentReplaced": lambda _: "the new terms hold",
    "ParentReplaceRefused": lambda d: f"the new terms are refused ({d['reason']}){_because(d)}",
    "ParentClosed": lambda d: f"{d['how']}{_because(d)}",
    "StageMoved": lambda d: f"on to {d['stage']}{_because(d, 'why')}",
    "VenueDropped": lambda d: (
        f"no more for {d['venue']}{' for now' if d.get('until_ns') else ''}{_because(d, 'why')}"
    ),
    "VenueReadmitted": lambda d: f"{d['venue']} is tried again",
    "WaveStarted": lambda d: f"{d['stage']} wave {d['wave']} begins",
    "ChildPlanned": _planned,
    "ChildSent": lambda d: f"{d['child_id']} leaves",
    "ChildCrossed": lambda d: (
        f"{d['quantity']} executed at {price(d['price_micros'])} at {d['market']} as"
        f" {d['child_id']} against {d['contra_id']}{_because(d, 'why')}"
    ),
    "ChildCancelPlanned": lambda d: f"cancel for {d['child_id']}{_because(d, 'why')}",
    "ChildStatusPlanned": lambda d: f"status request for {d['child_id']}{_because(d, 'why')}",
    "DayEnded": lambda _: (
        "the trading day of its children is over: all that are open are asked about"
    ),
    "ChildAssumedDead": lambda d: f"{d['child_id']} is taken for dead{_because(d, 'why')}",
    "CancelGivenUp": lambda d: f"the client's cancel is refused{_because(d)}",
    "ChildAccepted": lambda d: f"{d['venue']} acknowledges {d['child_id']}",
    "ChildFilled": _filled,
    "ChildEnded": lambda d: (
        f"{d['venue']} says {d['child_id']} is {d['how']}, {d['cum_quantity']} executed"
        f"{_because(d)}"
    ),
    "ChildCancelRefused": lambda d: f"{d['venue']} does not cancel {d['child_id']}{_because(d)}",
    "ChildStatusReported": _status,
    "FillRevised": lambda d: (
        f"{d['venue']} makes {d['ref_exec_id']} of {d['child_id']} {d['quantity']} shares"
        f"{_because(d, 'text')}"
    ),
    "ChildResolved": lambda d: (
        f"the operator ends {d['child_id']} with {d['cum_quantity']} executed"
        f"{_because(d, 'reason')}"
    ),
    "ParentExpiring": lambda _: "its trading day is over: it expires once no child can fill",
    "RequestOverdue": lambda d: f"the client's request waits for {d['waits_for']}",
    "ChildReleased": lambda d: f"{d['child_id']} can never fill{_because(d, 'why')}",
    "ChildVoided": lambda d: f"the order message of {d['child_id']} never leaves again",
    "ChildrenDoubted": _doubted,
}
