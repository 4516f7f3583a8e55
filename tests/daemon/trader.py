"""A trader behind one of the desk's client sessions: sends, cancels, replaces, resets, and keeps
what it was told the way an EMS does."""

from __future__ import annotations

from random import Random

from sor_gateway.fix.message import Message
from sor_gateway.fix.values import utc_timestamp
from tests.daemon.desk import Peer

Body = list[tuple[int, str]]


class Trader:
    """One client. It is `on_message` of its peer."""

    def __init__(self, prefix: str, dice: Random) -> None:
        self.prefix = prefix
        self.dice = dice
        self.count = 0
        self.asked: dict[str, tuple[str, Body]] = {}
        """ClOrdID to MsgType and body: everything that was ever sent."""
        self.reset = False
        """The session began anew: what was not answered goes out again as a possible resend."""

    def __call__(self, peer: Peer, message: Message, now: int) -> None:
        if message.msg_type == "A" and self.reset:
            self.reset = False
            for cl_ord_id in self.unanswered(peer):
                msg_type, body = self.asked[cl_ord_id]
                peer.send(msg_type, [(97, "Y"), *body], now)

    def order(self, peer: Peer, now: int) -> None:
        """A random new order."""
        dice = self.dice
        side, limits = dice.choice((("1", ("51", "50.02", "45")), ("2", ("49", "50", "55"))))
        terms = [(40, "1")] if dice.random() < 0.3 else [(40, "2"), (44, dice.choice(limits))]
        tif = [(59, "3")] if dice.random() < 0.2 else [(59, "0")]
        quantity = str(100 * dice.randint(1, 9) if dice.random() < 0.9 else dice.randint(1, 12_000))
        self._send(
            peer, "D", [(21, "1"), (55, "ACME"), (54, side), (38, quantity), *terms, *tif], now
        )

    def cancel(self, peer: Peer, cl_ord_id: str, now: int) -> None:
        body = [(41, cl_ord_id), (55, "ACME"), (54, self._side(cl_ord_id)), (38, "100")]
        self._send(peer, "F", body, now)

    def replace(self, peer: Peer, cl_ord_id: str, now: int) -> None:
        side = self._side(cl_ord_id)
        limit = "51" if side == "1" else "49"
        quantity = str(100 * self.dice.randint(1, 9))
        body = [(41, cl_ord_id), (21, "1"), (55, "ACME"), (54, side), (38, quantity)]
        self._send(peer, "G", [*body, (40, "2"), (44, limit), (59, "0")], now)

    def latest(self) -> list[str]:
        """ClOrdIDs that may be the last accepted of some order."""
        return [each for each, (msg_type, _) in self.asked.items() if msg_type in "DG"]

    def unanswered(self, peer: Peer) -> list[str]:
        told = {each.get(11) for each in peer.received}
        return [cl_ord_id for cl_ord_id in self.asked if cl_ord_id not in told]

    def _side(self, cl_ord_id: str) -> str:
        return next(value for tag, value in self.asked[cl_ord_id][1] if tag == 54)

    def _send(self, peer: Peer, msg_type: str, body: Body, now: int) -> None:
        self.count += 1
        cl_ord_id = f"{self.prefix}{self.count}"
        whole = [(11, cl_ord_id), *body, (60, utc_timestamp(now))]
        self.asked[cl_ord_id] = (msg_type, whole)
        peer.send(msg_type, whole, now)


def reports(peer: Peer) -> list[Message]:
    """The ExecutionReports that a client was sent, each time it was sent one."""
    return [message for message in peer.received if message.msg_type == "8"]


def is_fill(message: Message) -> bool:
    """FIX 4.4: 150=F; FIX 4.2: 150=1 or 2 with 20=0."""
    return message[150] == "F" or (message[150] in "12" and message.get(20) == "0")


def fills(peer: Peer) -> dict[str, Message]:
    """Executions by ExecID as the client knows them."""
    return {each[17]: each for each in reports(peer) if is_fill(each)}


def trades(peer: Peer) -> dict[str, tuple[str, int]]:
    """OrderID and shares of each execution by its ExecID, as busts and corrections left them."""
    found: dict[str, tuple[str, int]] = {}
    for each in reports(peer):
        is_bust = each[150] == "H" or each.get(20) == "1"
        if is_fill(each):
            found.setdefault(each[17], (each[37], int(each[32])))
        elif is_bust or each[150] == "G" or each.get(20) == "2":
            found[each[19]] = (each[37], 0 if is_bust else int(each[32]))
    return found
