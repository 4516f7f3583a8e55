"""A venue that does everything venues do, and the truth about it: what was really executed and what
really lives there. It shares nothing with the router but its facts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

from sor_gateway.sor import events as ev
from sor_gateway.sor.commands import AskChild, AskVenue, CancelChild, Command, SendChild
from sor_gateway.sor.settings import MassStatus
from sor_gateway.sor.types import ChildState, Liquidity, Side


def other_side(side: Side) -> Side:
    return Side.SELL if side.is_buy else Side.BUY


@dataclass
class Order:
    send: SendChild
    cum: int = 0
    value: int = 0
    how: ChildState = ChildState.LIVE

    @property
    def live(self) -> bool:
        return self.how is ChildState.LIVE

    @property
    def leaves(self) -> int:
        return self.send.quantity - self.cum if self.live else 0


@dataclass
class ModelVenue:
    name: str
    random: Random
    orders: dict[str, Order] = field(default_factory=dict)
    to_venue: list[Command] = field(default_factory=list)
    to_router: list[ev.VenueFact] = field(default_factory=list)
    history: list[ev.VenueFact] = field(default_factory=list)
    up: bool = True
    epoch: int = 1
    lost: list[ev.VenueFact] = field(default_factory=list)
    """Executions that were passed over: they may still come, as hints."""
    exec_number: int = 0
    revisions: dict[str, str] = field(default_factory=dict)
    """By the ExecID of an execution: that of its last revision."""
    now_is: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By the ExecID of an execution: quantity and price as they stand."""
    raises: bool = False
    """It corrects executions upwards, too."""
    deaf: bool = False
    """It loses status requests and cancels."""
    lists: MassStatus = MassStatus.NONE
    """What it answers when it is asked for all orders."""

    def receive(self, now: int) -> None:
        """Take the next message of ours."""
        command = self.to_venue.pop(0)
        if isinstance(command, SendChild):
            self._take(command, now)
        elif self.deaf:
            return
        elif isinstance(command, CancelChild):
            order = self.orders.get(command.child_id)
            if order is not None and order.live and self.random.random() < 0.9:
                self.end(command.child_id, ChildState.CANCELED, now)
            else:
                self.to_router.append(
                    ev.ChildCancelRefused(now, self.name, command.child_id, order is not None)
                )
        elif isinstance(command, AskChild):
            order = self.orders.get(command.child_id)
            fact = self._status(command.child_id, command.request_id, order, now)
            self.to_router.append(fact)
        elif isinstance(command, AskVenue):
            self._list(command, now)

    def _take(self, command: SendChild, now: int) -> None:
        order = self.orders[command.child_id] = Order(command)
        if self.random.random() < 0.1:
            self.end(command.child_id, ChildState.REJECTED, now)
            return
        accepted = ev.ChildAccepted(now, self.name, command.child_id, f"V{command.child_id}")
        self.to_router.append(accepted)
        if command.time_in_force.value == "ioc":
            if self.random.random() < 0.7:
                self.execute(command.child_id, now)
            if order.live:
                self.end(command.child_id, ChildState.CANCELED, now)

    def _list(self, command: AskVenue, now: int) -> None:
        """All that it has; now and then it refuses, or a part is lost."""
        if self.random.random() < 0.1:
            self.to_router.append(ev.MassStatusRefused(now, self.name, command.request_id))
            return
        chosen = [
            (child_id, order)
            for child_id, order in self.orders.items()
            if order.live or self.lists is MassStatus.ALL
        ]
        facts = [self._status(each, command.request_id, order, now) for each, order in chosen]
        facts = facts or [self._status("", command.request_id, None, now)]
        for fact in facts:
            fact.of_all, fact.total = True, len(chosen)
        facts[-1].last = True
        if self.random.random() < 0.25:
            facts.pop(self.random.randrange(len(facts)))
        self.to_router += facts

    def _status(
        self, child_id: str, request_id: str, order: Order | None, now: int
    ) -> ev.ChildStatusReported:
        fact = ev.ChildStatusReported(
            now, self.name, child_id, request_id, order is not None, False
        )
        if order is not None:
            fact.live, fact.how, fact.cum_quantity = order.live, order.how, order.cum
            fact.quantity = order.send.quantity
            fact.avg_price_micros = order.value // order.cum if order.cum else 0
        return fact

    def execute(
        self, child_id: str, now: int, *, late: bool = False, is_wrong_side: bool = False
    ) -> None:
        """Fill part or all of an order; `late`, one that is over; or call it one of the other
        side."""
        order = self.orders[child_id]
        left = order.send.quantity - order.cum
        quantity = self.random.choice([left, max(1, left // 2), min(100, left)])
        price = order.send.limit_micros or 50_000_000
        self.exec_number += 1
        order.cum += quantity
        order.value += quantity * price
        if not late and order.cum == order.send.quantity:
            order.how = ChildState.FILLED
        self.to_router.append(
            ev.ChildFilled(
                now,
                self.name,
                child_id,
                f"{self.name}-{self.exec_number}",
                quantity,
                price,
                order.cum,
                order.leaves,
                Liquidity.REMOVED,
                10,
                "MKT",
                side=order.send.side if not is_wrong_side else other_side(order.send.side),
            )
        )

    def revise(self, fill: ev.ChildFilled, now: int) -> None:
        """Take an execution back, or correct it; maybe work the order again."""
        order = self.orders[fill.child_id]
        root, ref = fill.exec_id, self.revisions.get(fill.exec_id, fill.exec_id)
        quantity, price = self.now_is.get(root, (fill.quantity, fill.price_micros))
        if not quantity:
            return
        less, new_price = self.random.choice([(0, 0), (0, 0), (quantity, price + 10_000)])
        if quantity > 1 and self.random.random() < 0.3:
            less, new_price = quantity - 1, price
        if self.raises and order.leaves and self.random.random() < 0.5:
            less, new_price = quantity + self.random.choice([1, order.leaves]), price
        self.exec_number += 1
        exec_id = f"{self.name}-{self.exec_number}"
        self.revisions[root], self.now_is[root] = exec_id, (less, new_price)
        order.cum += less - quantity
        order.value += less * new_price - quantity * price
        if order.live and order.cum == order.send.quantity:
            order.how = ChildState.FILLED
        is_filled = order.how is ChildState.FILLED
        if is_filled and order.cum < order.send.quantity and self.random.random() < 0.5:
            order.how = ChildState.LIVE
        self.to_router.append(
            ev.FillRevised(
                now,
                self.name,
                fill.child_id,
                exec_id,
                self.random.choice([ref, root]),
                less,
                new_price,
                order.cum,
                order.leaves,
            )
        )

    def restate(self, child_id: str, now: int) -> None:
        """Change a live order by ourselves: fewer shares, another price, or both."""
        order = self.orders[child_id]
        fewer = self.random.randrange(order.cum + 1, order.send.quantity + 1)
        order.send = replace(order.send, quantity=fewer)
        price = order.send.limit_micros
        if price is not None and self.random.random() < 0.5:
            price += -10_000 if order.send.side.is_buy else 10_000
        fact = ev.ChildRestated(now, self.name, child_id, order.cum, order.leaves, price)
        self.to_router.append(fact)

    def end(self, child_id: str, how: ChildState, now: int) -> None:
        order = self.orders[child_id]
        order.how = how
        self.to_router.append(ev.ChildEnded(now, self.name, child_id, how, order.cum))

    def cut(self, now: int) -> list[ev.Fact]:
        """The line is cut. What was on its way is decided when it comes back."""
        self.up = False
        return [ev.VenueClosed(now, self.name, "cut")]

    def come_back(self, now: int, *, new_epoch: bool, lose_reports: bool) -> list[ev.Fact]:
        """A new connection: our orders that did not arrive are voided (or lost with their epoch),
        cancels are sent again, questions never; reports come again or are passed over."""
        facts: list[ev.Fact] = []
        sent, self.to_venue = self.to_venue, []
        voided = {command.child_id for command in sent if isinstance(command, SendChild)}
        if new_epoch:
            self.epoch += 1
            self.to_router.clear()
            facts.append(ev.ChildrenDoubted(now, self.name, "epoch", [], epoch_ended=True))
        else:
            self.to_venue = [
                command
                for command in sent
                if isinstance(command, CancelChild) and command.child_id not in voided
            ]
            if lose_reports:
                self.lost += [fact for fact in self.to_router if isinstance(fact, ev.ChildFilled)]
                self.to_router.clear()
                facts.append(ev.ChildrenDoubted(now, self.name, "gap", [], notes_stand=True))
            facts += [
                ev.ChildVoided(now, self.name, child_id, self.epoch, True)
                for child_id in sorted(voided)
            ]
        # Answers to questions of another connection do not come again.
        self.to_router = [
            fact
            for fact in self.to_router
            if not isinstance(fact, ev.ChildStatusReported | ev.MassStatusRefused)
        ]
        facts.append(ev.VenueOpened(now, self.name, self.epoch))
        self.up = True
        return facts

    def deliver(self) -> ev.VenueFact:
        fact = self.to_router.pop(0)
        self.history.append(fact)
        return fact

    # --- the truth -------------------------------------------------------------------------

    def may_fill(self, child_id: str) -> int:
        """What a child may still really fill: at the venue, or on its way to it."""
        if child_id in self.orders:
            return self.orders[child_id].leaves
        for command in self.to_venue:
            if isinstance(command, SendChild) and command.child_id == child_id:
                return command.quantity
        return 0

    def executed(self, child_id: str) -> int:
        order = self.orders.get(child_id)
        return 0 if order is None else order.cum
