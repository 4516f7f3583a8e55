"""Faults of reports: twice, out of order, wrong.

Owns: F3, F4, F22, F23.
May not know: FIX versions, sockets, the clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from sor_gateway.fix import tags
from sor_gateway.fix.values import utc_timestamp
from venue_sims.faults.facts import OrderRenamed, ReportHeld
from venue_sims.faults.fault import Leaving, ReportFault, S
from venue_sims.faults.when import When, at_least, ms
from venue_sims.reports import Report
from venue_sims.words import Capacity, ReportKind, State

COPIES_MOST: Final = 1_000

Kinds = Literal["any", "fill", "ack", "cancel"]
_MEANT: dict[Kinds, frozenset[ReportKind]] = {
    "any": frozenset(
        {
            *(ReportKind.NEW, ReportKind.TRADE, ReportKind.CANCELED, ReportKind.REPLACED),
            *(ReportKind.EXPIRED, ReportKind.RESTATED, ReportKind.REJECTED),
        }
    ),
    "fill": frozenset({ReportKind.TRADE}),
    "ack": frozenset({ReportKind.NEW}),
    "cancel": frozenset({ReportKind.CANCELED}),
}

_RENAMED_BY: Final = {"replace": ReportKind.REPLACED, "fill": ReportKind.TRADE}


def strikes_report(
    fault: ReportFault[S], kinds: Kinds, report: Report, session: str, now: int
) -> bool:
    """Whether a fault that is about reports of these kinds happens to this one."""
    return report.kind in _MEANT[kinds] and fault.strikes(
        about_report(report, session),
        now,
        report.exec_id,
        session=session,
        symbol=report.terms.symbol,
    )


def about_report(report: Report, session: str) -> str:
    """What a draw about a report goes by."""
    kind, cl_ord_id = report.kind, report.terms.cl_ord_id
    return f"{session}|{kind}|{cl_ord_id}|{report.cum_quantity}|{report.at_ns}"


@dataclass(slots=True, kw_only=True)
class DupErSettings(When):
    """`n` more of the same under new numbers; `possdup`: with 43=Y; `same_exec_id`: or each under
    an ExecID of its own, as if it were another."""

    n: int = 1
    kind: Kinds = "fill"
    possdup: bool = False
    same_exec_id: bool = True

    def __post_init__(self) -> None:
        When.__post_init__(self)
        at_least(1, COPIES_MOST, n=self.n)


class DupEr(ReportFault[DupErSettings]):
    """A report comes more than once."""

    name, number, Settings = "dup_er", "F3", DupErSettings

    def shape(self, leaving: list[Leaving], session: str, now: int) -> list[Leaving]:
        """The copies follow at once."""
        report, settings = leaving[0].report, self.settings
        if not strikes_report(self, settings.kind, report, session, now):
            return leaving
        header = []
        if settings.possdup:
            header = [(tags.PossDupFlag, "Y"), (tags.OrigSendingTime, utc_timestamp(now))]
        copies = []
        for copy in range(1, settings.n + 1):
            exec_id = report.exec_id if settings.same_exec_id else f"{report.exec_id}-{copy}"
            copies.append(Leaving(replace(report, exec_id=exec_id), own=False, header=header))
        return [*leaving, *copies]


@dataclass(slots=True, kw_only=True)
class ReorderSettings(When):
    """The report waits until `window` others of its session have left, `ms` at most."""

    kind: Kinds = "ack"
    window: int = 1
    ms: int = 500

    def __post_init__(self) -> None:
        When.__post_init__(self)
        at_least(1, window=self.window, ms=self.ms)


class Reorder(ReportFault[ReorderSettings]):
    """A report comes behind those that should follow it."""

    name, number, Settings = "reorder", "F4", ReorderSettings

    def shape(self, leaving: list[Leaving], session: str, now: int) -> list[Leaving]:
        """Hold it back."""
        report, settings = leaving[0].report, self.settings
        if report.held or not strikes_report(self, settings.kind, report, session, now):
            return leaving
        until = now + ms(settings.ms)
        self._trading.fact(ReportHeld(now, session, report.number, settings.window, until))
        return []


class Corruption(ReportFault[S]):
    """A fill is told wrongly; what is booked, and what later reports say, is right."""

    def shape(self, leaving: list[Leaving], session: str, now: int) -> list[Leaving]:
        """Tell it wrongly."""
        report = leaving[0].report
        if not strikes_report(self, "fill", report, session, now):
            return leaving
        wrong = self.corrupted(replace(report, terms=replace(report.terms)))
        return [replace(leaving[0], report=wrong), *leaving[1:]]

    def corrupted(self, report: Report) -> Report:
        """The fill as it is told; the report is a copy."""
        raise NotImplementedError


@dataclass(slots=True, kw_only=True)
class PriceBadSettings(When):
    """`ticks` beyond the order's limit (or its true price, if it has none)."""

    ticks: int = 10

    def __post_init__(self) -> None:
        When.__post_init__(self)
        at_least(1, 1_000_000, ticks=self.ticks)


class PriceBad(Corruption[PriceBadSettings]):
    """A fill at a price that the order does not allow."""

    name, number, Settings = "price_bad", "F22", PriceBadSettings

    def corrupted(self, report: Report) -> Report:
        """The price, and the average with it."""
        terms = report.terms
        tick = self._trading.floors[terms.symbol].path.settings.tick_micros
        worse = 1 if terms.capacity is Capacity.BUY else -1
        base = report.last_price if terms.price is None else terms.price
        price = max(base + worse * self.settings.ticks * tick, tick)
        report.cum_value_micros += (price - report.last_price) * report.last_quantity
        report.last_price = price
        return report


@dataclass(slots=True, kw_only=True)
class OverfillSettings(When):
    """`quantity`: shares beyond what was left."""

    quantity: int = 100

    def __post_init__(self) -> None:
        When.__post_init__(self)
        at_least(1, quantity=self.quantity)


class Overfill(Corruption[OverfillSettings]):
    """A fill of more than was left."""

    name, number, Settings = "overfill", "F22", OverfillSettings

    def corrupted(self, report: Report) -> Report:
        """The whole order, and more."""
        more = report.leaves + self.settings.quantity
        report.last_quantity += more
        report.cum_quantity += more
        report.cum_value_micros += more * report.last_price
        report.leaves, report.state = 0, State.FILLED
        return report


class WrongSide(Corruption[When]):
    """A fill on the other side."""

    name, number = "wrong_side", "F22"

    def corrupted(self, report: Report) -> Report:
        """The side."""
        buy = report.terms.capacity is Capacity.BUY
        report.terms = replace(report.terms, capacity=Capacity.SELL if buy else Capacity.BUY)
        return report


class IdReuse(ReportFault[When]):
    """A fill has the ExecID of the fill before it."""

    name, number = "id_reuse", "F23"
    _last = ""

    def shape(self, leaving: list[Leaving], session: str, now: int) -> list[Leaving]:
        """The id of the last fill that this venue told."""
        report = leaving[0].report
        if report.kind is not ReportKind.TRADE:
            return leaving
        last, self._last = self._last, report.exec_id
        if not last or not strikes_report(self, "fill", report, session, now):
            return leaving
        self._last = last
        return [replace(leaving[0], report=replace(report, exec_id=last)), *leaving[1:]]


@dataclass(slots=True, kw_only=True)
class OrderidChangeSettings(When):
    """`behind` what it happens: a replace, or a fill, for clients that replace nothing."""

    behind: Literal["replace", "fill"] = "replace"


class OrderidChange(ReportFault[OrderidChangeSettings]):
    """After a replace, or a fill, an order goes by another OrderID."""

    name, number, Settings = "orderid_change", "F23", OrderidChangeSettings

    def shape(self, leaving: list[Leaving], session: str, now: int) -> list[Leaving]:
        """From the report of it on."""
        report = leaving[0].report
        if report.kind is _RENAMED_BY[self.settings.behind] and self.strikes(
            about_report(report, session),
            now,
            report.order_id,
            session=session,
            symbol=report.terms.symbol,
        ):
            shown = f"{report.order_id}R{report.number}"
            self._trading.fact(OrderRenamed(now, report.order_id, shown))
        return leaving
