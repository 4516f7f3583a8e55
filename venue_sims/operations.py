"""Operations: what can be changed at a running venue through its control socket.

Owns: the commands that change something, and their arguments. Each is carried out in the next turn,
on record; what is set holds until the venue is started again.
May not know: FIX, sockets of clients, how a question is answered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, Final, Protocol

from sor_gateway.fix.values import text_to_price, text_to_quantity
from venue_sims.config import ConfigError
from venue_sims.fault_config import FaultMistake, check_meant, fault_settings
from venue_sims.faults.table import FAULTS
from venue_sims.faults.trades import bust, correct
from venue_sims.faults.when import When
from venue_sims.matching.orders import Side
from venue_sims.matching.rules import on_tick
from venue_sims.set_config import with_values
from venue_sims.venue import Venue
from venue_sims.words import Phase

Answer = dict[str, Any]

DISCONNECT_MODES: Final = ("logout", "fin", "rst")
"""How a session can be ended: with a Logout, without a word, or with a reset of its connection."""


class CommandError(Exception):
    """A command that cannot be carried out, and why."""


class Operable(Protocol):
    """What a venue is operated through."""

    @property
    def venue(self) -> Venue:
        """The venue."""

    def operate(self, line: str, operation: Callable[[int], object]) -> None:
        """Change something in the next turn, on record; `line` says what."""

    def session_names(self) -> list[str]:
        """All sessions."""

    def disconnect(self, name: str, mode: str, now: int) -> None:
        """End a session's connection in one of DISCONNECT_MODES; the client may come again."""


class Operations:
    """The commands by name; each takes its words and says what will be done."""

    def __init__(self, server: Operable) -> None:
        self._server = server
        self._venue = server.venue
        trading = server.venue.trading
        self._tables: dict[str, list[Any]] = {
            "latency": [trading.latency.settings],
            "throttle": [server.venue.throttle.settings],
            "fee": [trading.fees],
            "fade": [floor.fade.settings for floor in trading.floors.values() if floor.fade],
        }
        self.commands: dict[str, Callable[[list[str]], Answer]] = {
            "cancel": self._cancel,
            "halt": self._halt,
            "resume": self._resume,
            "limit": self._limit,
            "session": self._session,
            "disconnect": self._disconnect,
            "set": self._set,
            "fault": self._fault,
            "inject": self._inject,
            "bust": self._bust,
            "correct": self._correct,
        }
        self.usage = [
            "cancel ORDERID [REASON]",
            "halt SYMBOL [REASON]",
            "resume SYMBOL",
            "limit SYMBOL LOW HIGH",
            f"session {'|'.join(Phase)}",
            f"disconnect SESSION {'|'.join(DISCONNECT_MODES)}",
            "set latency|throttle|fee|fade KEY=VALUE ...",
            "fault [NAME [KEY=VALUE ...|off]]",
            "inject NAME [KEY=VALUE ...]",
            "inject order SYMBOL buy|sell QUANTITY [PRICE]",
            "bust EXECID",
            "correct EXECID QUANTITY PRICE",
        ]

    def _cancel(self, words: list[str]) -> Answer:
        if not words:
            raise CommandError("expected: cancel ORDERID [REASON]")
        order_id, reason = words[0], " ".join(words[1:]) or "U: cancelled by the venue"
        order = self._venue.state.orders.get(order_id)
        if order is None or not order.live:
            raise CommandError(f"{order_id} is not a live order")

        def take_out(now: int) -> None:
            self._venue.cancel(order_id, reason, now)

        self._server.operate(f"cancel {order_id} {reason}", take_out)
        return {"cancelling": order_id}

    def _halt(self, words: list[str]) -> Answer:
        symbol, reason = self._symbol(words), " ".join(words[1:]) or "halted by the venue"
        if symbol in self._venue.state.halted:
            raise CommandError(f"{symbol} is halted: {self._venue.state.halted[symbol]}")
        self._server.operate(
            f"halt {symbol} {reason}", lambda now: self._venue.halt(symbol, reason, now)
        )
        return {"halting": symbol, "reason": reason}

    def _resume(self, words: list[str]) -> Answer:
        symbol = self._symbol(words)
        state = self._venue.state
        if symbol not in state.halted and symbol not in state.bands:
            raise CommandError(f"{symbol} is not halted")
        self._server.operate(f"resume {symbol}", lambda now: self._venue.resume(symbol, now))
        return {"resuming": symbol}

    def _limit(self, words: list[str]) -> Answer:
        """Limit state: prices in dollars between which the symbol trades until it is paused."""
        if len(words) != 3:
            raise CommandError("expected: limit SYMBOL LOW HIGH")
        symbol = self._symbol(words)
        try:
            low, high = text_to_price(words[1]), text_to_price(words[2])
        except ValueError as error:
            raise CommandError(str(error)) from error
        if not 0 < low < high:
            raise CommandError(f"{words[1]} to {words[2]} is no price band")
        if symbol in self._venue.state.halted:
            raise CommandError(f"{symbol} is halted: {self._venue.state.halted[symbol]}")
        self._server.operate(
            f"limit {symbol} {words[1]} {words[2]}",
            lambda now: self._venue.limit(symbol, low, high, now),
        )
        return {"limiting": symbol, "low_micros": low, "high_micros": high}

    def _session(self, words: list[str]) -> Answer:
        if len(words) != 1 or words[0] not in tuple(Phase):
            raise CommandError(f"expected: session {'|'.join(Phase)}")
        phase = Phase(words[0])
        self._server.operate(f"session {phase}", lambda now: self._venue.enter_phase(phase, now))
        return {"entering": str(phase)}

    def _disconnect(self, words: list[str]) -> Answer:
        known = self._server.session_names()
        if len(words) != 2 or words[0] not in known or words[1] not in DISCONNECT_MODES:
            raise CommandError(
                f"expected: disconnect SESSION {'|'.join(DISCONNECT_MODES)}; sessions are"
                f" {', '.join(known)}"
            )
        name, mode = words
        self._server.operate(
            f"disconnect {name} {mode}", lambda now: self._server.disconnect(name, mode, now)
        )
        return {"disconnecting": name, "mode": mode}

    def _set(self, words: list[str]) -> Answer:
        if len(words) < 2 or words[0] not in self._tables:
            raise CommandError(f"expected: set {'|'.join(self._tables)} KEY=VALUE ...")
        table, live = words[0], self._tables[words[0]]
        if not live:
            raise CommandError(f"this venue has no {table}")
        values = dict(word.partition("=")[::2] for word in words[1:])
        try:
            wanted = with_values(table, live[0], values)
        except ConfigError as error:
            raise CommandError(str(error)) from error

        def change(now: int) -> None:  # noqa: ARG001 - the shape of all operations
            for settings in live:
                for each in fields(settings):
                    setattr(settings, each.name, getattr(wanted, each.name))

        self._server.operate(f"set {' '.join(words)}", change)
        return {
            "setting": table,
            **{each.name: getattr(wanted, each.name) for each in fields(wanted)},
        }

    def _fault(self, words: list[str]) -> Answer:
        """All faults, one of them, or one that is set or taken away."""
        if not words:
            return {"faults": [self._told(name) for name in FAULTS]}
        name = self._fault_name(words)
        if words[1:] == []:
            return self._told(name)
        if words[1:] == ["off"]:
            return self._set_fault(name, None, " ".join(words))
        return self._set_fault(name, _settings(name, words[1:]), " ".join(words))

    def _inject(self, words: list[str]) -> Answer:
        """A fault once, at the next opportunity, or an order of a third party."""
        if words[:1] == ["order"]:
            return self._inject_order(words[1:])
        name = self._fault_name(words)
        settings = _settings(name, words[1:])
        settings.count = 1
        return self._set_fault(name, settings, f"{' '.join(words)} count=1")

    def _inject_order(self, words: list[str]) -> Answer:
        if len(words) not in (3, 4) or words[1] not in tuple(Side):
            raise CommandError("expected: inject order SYMBOL buy|sell QUANTITY [PRICE]")
        symbol, side = self._symbol(words), Side(words[1])
        path, most = self._venue.floors[symbol].path.settings, self._venue.settings.max_quantity
        try:
            quantity = text_to_quantity(words[2])
            price = text_to_price(words[3]) if len(words) == 4 else None
        except ValueError as error:
            raise CommandError(str(error)) from error
        if not 0 < quantity <= most or (price is not None and price <= 0):
            raise CommandError(f"expected 1 to {most} shares and a price above 0")
        if price is not None and not on_tick(price, path.tick_micros):
            raise CommandError(f"{words[3]}: expected whole ticks of {path.tick_micros} micros")
        if not self._venue.state.trades(symbol):
            raise CommandError(f"{symbol} does not trade now")
        self._server.operate(
            f"inject order {' '.join(words)}",
            lambda now: self._venue.trading.guest(symbol, side, quantity, price, now),
        )
        return {"symbol": symbol, "side": str(side), "quantity": quantity, "price_micros": price}

    def _set_fault(self, name: str, settings: When | None, line: str) -> Answer:
        faults = self._venue.faults
        if settings is not None:
            try:
                symbols, sessions = self._venue.floors, self._server.session_names()
                check_meant(name, settings, symbols, sessions)
            except FaultMistake as mistake:
                raise CommandError(str(mistake)) from mistake
        self._server.operate(f"fault {line}", lambda now: faults.set(name, settings, line, now))
        return {"fault": name, "set": settings is not None, "settings": _shown(settings)}

    def _told(self, name: str) -> Answer:
        faults = self._venue.faults
        return {
            "fault": name,
            "number": FAULTS[name].number,
            "set": name in faults.settings,
            "settings": _shown(faults.settings.get(name)),
            "keys": {key.name: str(key.type) for key in fields(FAULTS[name].Settings)},
            "struck": self._venue.state.faults.struck.get(name, 0),
        }

    def _fault_name(self, words: list[str]) -> str:
        if not words or words[0] not in FAULTS:
            raise CommandError(f"expected a fault: {', '.join(FAULTS)}")
        return words[0]

    def _bust(self, words: list[str]) -> Answer:
        exec_id = self._trade(words)
        self._server.operate(f"bust {exec_id}", lambda now: bust(self._venue, exec_id, now))
        return {"busting": exec_id}

    def _correct(self, words: list[str]) -> Answer:
        exec_id = self._trade(words)
        if len(words) != 3:
            raise CommandError("expected: correct EXECID QUANTITY PRICE")
        most = self._venue.state.faults.trades[exec_id].quantity
        try:
            quantity, price = text_to_quantity(words[1]), text_to_price(words[2])
        except ValueError as error:
            raise CommandError(str(error)) from error
        if not 0 < quantity <= most or price <= 0:
            raise CommandError(f"expected 1 to {most} shares and a price above 0")
        self._server.operate(
            f"correct {exec_id} {quantity} {words[2]}",
            lambda now: correct(self._venue, exec_id, quantity, price, now),
        )
        return {"correcting": exec_id, "quantity": quantity, "price_micros": price}

    def _trade(self, words: list[str]) -> str:
        if not words or words[0] not in self._venue.state.faults.trades:
            raise CommandError("expected the ExecID of a trade that stands")
        return words[0]

    def _symbol(self, words: list[str]) -> str:
        if not words or words[0] not in self._venue.floors:
            raise CommandError(f"expected a symbol: {', '.join(self._venue.floors)}")
        return words[0]


def _settings(name: str, words: list[str]) -> When:
    try:
        return fault_settings(name, dict(word.partition("=")[::2] for word in words))
    except FaultMistake as mistake:
        raise CommandError(str(mistake)) from mistake


def _shown(settings: When | None) -> Answer:
    """What is set, as far as it is not what it would be anyway."""
    if settings is None:
        return {}
    plain = type(settings)()
    return {
        each.name: value
        for each in fields(settings)
        if (value := getattr(settings, each.name)) != getattr(plain, each.name)
    }
