"""Taking at once what the books sell for less than working it over time would cost.

Owns: the expected cost of working a quantity, the part of the books that is cheaper than that.
May not know: sessions, orders' states, clocks, where offers come from. Pure functions.

What the books ask is known: the walk through them, level by level, with fees. What it would cost to
work the same shares is not, but the market's answer to an order grows with the square root of what
was done of it, in units of a day's volatility (Toth et al. 2011; Bouchaud, Bonart, Donier and Gould
2018): the price stands

    peak(x) = Y sigma sqrt(x / adv)

away when x shares are done, so shares d to d + q cost, beyond the midpoint as it stands now,

    integral over x from d to d + q of peak(x) - peak(d),   less what working them saves.

The next share of the walk grows dearer about evenly, the next share worked with the square root: so
a small part of a large order is rarely worth taking ahead, and when the market is wild all of it
may be. The part is chosen with the largest difference, if there is any. What was done already is
behind us, whatever it cost: the more was done, the less it costs to go on working.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sor_gateway.sor.types import Shares

PEAK: Final = 1.0
"""Y: of order one, the published fits from a half up. The upper end, for who works an order bears
the risk of the walk besides."""

Asked = tuple[float, Shares]
"""What a share costs against the midpoint, fee and all, in micros; and how many there are."""


def worked_micros(
    sigma_micros: float, adv: Shares, done: Shares, quantity: Shares, saved_micros: float
) -> float:
    """What it is expected to cost, against the midpoint now and in all, to work `quantity` behind
    `done`. `sigma_micros`: standard deviation of a day's move; `saved_micros`: what a share that is
    worked saves against the midpoint."""
    behind, through = float(done), float(done + quantity)
    moved = (through**1.5 - behind**1.5) / 1.5 - quantity * behind**0.5
    return float(PEAK * sigma_micros * moved / adv**0.5 - quantity * saved_micros)


def cheap_now(
    asked: Sequence[Asked],
    sigma_micros: float,
    adv: Shares,
    done: Shares,
    quantity: Shares,
    saved_micros: float,
) -> tuple[Shares, float]:
    """How many of `quantity` shares to take of what is asked, best first, and by how much that is
    expected to be cheaper in all; 0 for none."""
    best, gain, walked, taken = 0, 0.0, 0.0, 0
    for cost, shares in asked:
        if taken >= quantity:
            break
        shares = min(shares, quantity - taken)
        taken += shares
        walked += cost * shares
        gained = worked_micros(sigma_micros, adv, done, taken, saved_micros) - walked
        if gained > gain:
            best, gain = taken, gained
    return best, gain
