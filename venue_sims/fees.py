"""What a trade costs each side: whole micros, a positive sign is a cost.

Owns: the arithmetic of fees and rebates.
May not know: orders, sessions, where the rates come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from venue_sims.words import Liquidity

SUB_DOLLAR_MICROS: Final = 1_000_000
"""Below one dollar a share the fee is a part of the value."""
SUB_DOLLAR_PPM: Final = 3_000
"""0.30 % (venues.md 4.3)."""


@dataclass(slots=True)
class FeeSchedule:
    """Rates in micros a share. `cap`: most that taking may cost (the access-fee cap)."""

    take: int
    add: int
    mid: int
    cap: int = 3_000

    def fee(self, liquidity: Liquidity, quantity: int, price: int) -> int:
        """The fee of one execution in micros; negative: a rebate."""
        if price < SUB_DOLLAR_MICROS and liquidity is not Liquidity.ADDED:
            return half_even(quantity * price * SUB_DOLLAR_PPM, 1_000_000)
        if price < SUB_DOLLAR_MICROS:
            return 0
        if liquidity is Liquidity.MIDPOINT:
            return self.mid * quantity
        return (self.take if liquidity is Liquidity.REMOVED else self.add) * quantity


def half_even(dividend: int, divisor: int) -> int:
    """The quotient rounded to a whole number, halves to even."""
    quotient, rest = divmod(dividend, divisor)
    return quotient + (2 * rest > divisor or (2 * rest == divisor and quotient % 2 == 1))
