"""How much to take and how much to post where: Cont and Kukanov's optimal order placement.

Owns: the split of a quantity into a market order and limit orders on several venues, from samples
of what flows out of their queues. May not know: venues' names, books, sessions. Pure functions.

Of a limit order L behind a queue Q fills what the outflow x (cancels and trades ahead of it)
reaches: min(L, (x - Q)+). With A = M + all fills, the cost to be minimised is the mean over samples
of

    (h + f) M - sum (h + r) fill + theta (M + sum L + (S - A)+) + under (S - A)+ + over (A - S)+

(R. Cont and A. Kukanov, Optimal order placement in limit order markets, Quantitative Finance
2017, equations 3 to 6). They follow its gradient one sample at a time. We take all samples at once:
for given limit orders the best M is a quantile of the fills (their proposition 4: P(A < S) is known
in advance), which leaves the limit orders, found by sign-based steps whose length adapts for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Samples = npt.NDArray[np.float32]
"""Venues x samples, in half the memory: a share in ten million is no matter here."""

STEPS: Final = 24
"""On the way down."""
LEAD_STEPS: Final = 12
"""Under the cap, where there is none: only the beginning of the way."""
FINE: Final = 1e-3
"""A step shorter than this part of a typical order ends the search."""
PARTS: Final = 20
"""Of the quantity, where a start is sought."""
GROW, SHRINK = 1.3, 0.5
"""A step gets longer while its slope keeps its sign, and shorter when that turns."""


@dataclass(slots=True, frozen=True)
class Terms:
    """The order and what each of its outcomes costs; units as in `place`."""

    quantity: float
    earned: Floats
    """Of a share filled by a limit order: half the spread and the rebate, by venue."""
    taken: float
    """For a share taken: half the spread, the fee and the impact."""
    theta: float
    under: float
    over: float
    capped: bool

    @property
    def short_probability(self) -> float:
        """P(fills < quantity) at the best market order (proposition 4)."""
        return (self.taken + self.over) / (self.under + self.theta + self.over)


@dataclass(slots=True, frozen=True)
class Trial:
    """Limit orders with the best market order beside them."""

    cost: float
    market: float
    limits: Floats
    slope: Floats
    """Change of the cost for each limit order, with the market order following."""


def place(
    quantity: float,
    half_spread: float,
    take_fee: float,
    rebates: Sequence[float],
    queues: Sequence[float],
    outflows: npt.ArrayLike,
    theta: float,
    lambda_under: float,
    lambda_over: float,
    *,
    capped: bool = False,
) -> tuple[float, list[float]]:
    """The market order and the limit order for each venue.

    Quantity, queues ahead and outflows (samples x venues) are in shares, the rest in money a share:
    a rebate includes what is expected of adverse selection, `theta` is the impact of a share sent,
    `lambda_under` and `lambda_over` the penalties for falling short and for filling too much.

    The sum of the orders may exceed the quantity, as published; `capped` keeps it to the quantity,
    so that no fill can be one too many.

    Raises ValueError for a negative quantity, for shapes that do not match, and without a sample.
    """
    reach = reach_of(quantity, rebates, queues, outflows)
    earned = half_spread + np.asarray(rebates, dtype=np.float64)
    order = np.lexsort((reach.mean(axis=1), earned))  # the same answer in whatever order they come
    terms = Terms(
        quantity,
        earned[order],
        half_spread + take_fee + theta,
        theta,
        lambda_under,
        lambda_over,
        capped,
    )
    best = cheapest(terms, reach[order])
    limits = np.empty(len(order))
    limits[order] = best.limits
    return best.market, [float(limit) for limit in limits]


def cheapest(terms: Terms, reach: Samples) -> Trial:
    """Under the cap first, which finds its way along the ridge where the orders sum to the
    quantity; from there on without it, if none is asked for."""
    if not len(reach):
        return try_out(terms, reach, np.zeros(0))
    within, candidates = replace(terms, capped=True), starts(terms, reach)
    steps = STEPS if terms.capped else LEAD_STEPS
    best = descend(within, reach, cheapest_of(within, reach, candidates), steps)
    if terms.capped:
        return best
    other = cheapest_of(terms, reach, candidates)
    return descend(terms, reach, min(best, other, key=by_cost))


def cheapest_of(terms: Terms, reach: Samples, candidates: list[Floats]) -> Trial:
    """The best of these limit orders."""
    return min([try_out(terms, reach, limits) for limits in candidates], key=by_cost)


def by_cost(trial: Trial) -> float:
    """For choosing the cheapest."""
    return trial.cost


def reach_of(
    quantity: float, rebates: Sequence[float], queues: Sequence[float], outflows: npt.ArrayLike
) -> Samples:
    """How far the outflow reaches behind the queue, venues x samples, after checks."""
    flows = np.asarray(outflows, dtype=np.float64)
    if quantity < 0:
        raise ValueError(f"quantity: {quantity}: must not be negative")
    if flows.ndim != 2 or not len(flows):
        raise ValueError(f"outflows: shape {flows.shape}: samples x venues are needed")
    if not len(rebates) == len(queues) == flows.shape[1]:
        raise ValueError(
            f"rebates, queues, outflows: {len(rebates)}, {len(queues)}, {flows.shape[1]} venues"
        )
    behind = flows - np.asarray(queues, dtype=np.float64)
    return np.ascontiguousarray(np.maximum(behind, 0.0).T, dtype=np.float32)


def starts(terms: Terms, reach: Samples) -> list[Floats]:
    """No limit orders; what mostly fills; the likeliest fills first; equal ones. The cost has more
    than one valley: the penalty for too much is felt only where everything fills."""
    venues = len(reach)
    likely = np.asarray(np.quantile(reach, 0.9, axis=1), dtype=np.float64)
    equal = np.full(venues, terms.quantity / venues)
    return [np.zeros(venues), likely, equal, likeliest(terms, reach)]


def likeliest(terms: Terms, reach: Samples) -> Floats:
    """Greedy: each part of the quantity goes where it is worth most, by its chance to fill."""
    depths = terms.quantity * (np.arange(PARTS) + 0.5) / PARTS
    chance = (reach[:, None, :] > depths[:, None]).mean(axis=2)
    saved = terms.earned + min(terms.under + terms.theta, terms.taken)
    worth = (saved[:, None] * chance - terms.theta).ravel()
    chosen = np.argsort(-worth, kind="stable")[:PARTS]
    chosen = chosen[worth[chosen] > 0]
    parts = np.bincount(chosen // PARTS, minlength=len(reach)).astype(np.float64)
    return parts * (terms.quantity / PARTS)


def descend(terms: Terms, reach: Samples, trial: Trial, most: int = STEPS) -> Trial:
    """The best of the trials on the way down."""
    best = trial
    typical = terms.quantity / len(reach)
    steps = np.maximum(0.25 * reach.std(axis=1), 0.02 * typical)
    before = np.zeros(len(reach))
    for _ in range(most):
        if float(steps.max()) < FINE * typical:
            break
        turned = np.sign(trial.slope) * before
        steps = steps * np.where(turned > 0, GROW, np.where(turned < 0, SHRINK, 1.0))
        before = np.sign(trial.slope)
        trial = try_out(terms, reach, trial.limits - steps * before)
        if trial.cost < best.cost:
            best = trial
    return best


def try_out(terms: Terms, reach: Samples, limits: Floats) -> Trial:
    """Cost and slope of limit orders, made feasible first."""
    limits = np.clip(limits, 0.0, terms.quantity)
    if terms.capped:
        limits = project(limits, terms.quantity)
    room = max(0.0, terms.quantity - float(limits.sum())) if terms.capped else terms.quantity
    capped_at = limits.astype(np.float32)[:, None]
    fills = np.minimum(reach, capped_at)
    filled = fills.sum(axis=0)
    market = min(market_order(terms, filled), room)
    gap = np.float32(terms.quantity - market) - filled
    samples = len(gap)
    short = float(np.maximum(gap, 0).sum()) / samples
    excess = short - float(gap.sum()) / samples
    cost = terms.taken * market - float(terms.earned @ fills.sum(axis=1)) / samples
    cost += terms.theta * float(limits.sum())
    cost += (terms.under + terms.theta) * short + terms.over * excess
    fills_more = (reach > capped_at).astype(np.float32)
    return Trial(cost, market, limits, slope_of(terms, fills_more, limits, gap, market >= room))


def market_order(terms: Terms, filled: Samples) -> float:
    """The market order beside limit orders that fill so: what is missing at a quantile of them."""
    probability = terms.short_probability
    if probability >= 1:
        return 0.0  # to fall short is cheaper than to take
    samples = len(filled)
    rank = min(max(int(np.ceil(probability * samples)) - 1, 0), samples - 1)
    quantile = float(np.partition(filled, rank)[rank])
    return min(max(terms.quantity - quantile, 0.0), terms.quantity)


def slope_of(
    terms: Terms, fills_more: Samples, limits: Floats, gap: Samples, is_full: bool
) -> Floats:
    """Change of the mean cost for one more share of each limit order. `fills_more` is 1 where a
    share more would fill."""
    worth = np.empty((gap.size, 2), dtype=np.float32)
    worth[:, 0] = terms.over * (gap < 0) - (terms.under + terms.theta) * (gap > 0)
    worth[:, 1] = 1.0
    means = (fills_more @ worth).astype(np.float64) / gap.size
    slope: Floats = terms.theta + means[:, 0] - terms.earned * means[:, 1]
    if not (terms.capped and is_full):
        return slope
    return slope - price_of_room(terms, slope, limits, float(worth[:, 0].mean()))


def price_of_room(terms: Terms, slope: Floats, limits: Floats, more_filled: float) -> float:
    """What one more share under the cap would change the cost by, at most 0: a share here is one
    less in the market order or, where there is none, in the other limit orders."""
    by_market = terms.taken + more_filled
    if float(limits.sum()) < terms.quantity:
        return min(0.0, by_market)
    moving = (limits > 0) | (slope < 0)
    by_limits = float(slope[moving].mean()) if moving.any() else 0.0
    return min(0.0, by_market, by_limits)


def project(limits: Floats, quantity: float) -> Floats:
    """The nearest limit orders whose sum is at most the quantity."""
    if float(limits.sum()) <= quantity:
        return limits
    falling = np.sort(limits)[::-1]
    excess = (np.cumsum(falling) - quantity) / np.arange(1, len(falling) + 1)
    last = int(np.nonzero(falling >= excess)[0][-1])
    return np.asarray(np.maximum(limits - excess[last], 0.0))
