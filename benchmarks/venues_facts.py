"""What the ambient market of the default venues is like over a market day: one seed at a time.

Owns: the measurements behind `make venues-report`, taken on the very machines of the venues: the
path, the takers, floors with their house and their book, and the market that clients move.
May not know: bands, verdicts, pages.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from venue_sims.assembly import build_path, build_venue
from venue_sims.config import MarketSettings, SymbolSettings, load_market, load_venue
from venue_sims.flow.aggressors import Aggressors
from venue_sims.flow.clock import NANOS_PER_SECOND, MarketClock
from venue_sims.flow.flows import Enter
from venue_sims.flow.impact import ImpactPath, ImpactSettings
from venue_sims.flow.market_path import BLOCKS_A_DAY, DAY_SECONDS, MarketPath, QuoterSettings
from venue_sims.flow.streams import Stream
from venue_sims.kinds import KINDS
from venue_sims.matching.events import Rested, Traded
from venue_sims.matching.orders import Side
from venue_sims.state import VenueState

Floats = NDArray[np.float64]
CONFIG: Final = Path(__file__).parents[1] / "config"
VENUES: Final = CONFIG / "scenarios" / "default"
LAGS: Final = (10, 500)
"""Between which the decay of the signs' autocorrelation is fitted."""
LAG_BINS: Final = 9
WINDOW_S, EVERY_S = 60, 600
"""Floors are run for the first so many market seconds of every so many."""
SIZES: Final = (0.01, 0.02, 0.05, 0.10, 0.20)
"""Metaorders, as parts of the daily volume."""
WORKED_S: Final = 1_800
"""How long each is worked, evenly."""
WATCHED_S: Final = 3_600
"""How long the price is watched behind its end."""
PIECE_S: Final = 5
REFERENCE_SIZE: Final = 0.10
REFERENCE_SIGMA: Final = 0.02
"""The metaorder of venues.md 2.2: a tenth of the volume of a day that moves by 2 %."""


@dataclass(slots=True)
class Impact:
    """Metaorders in one market, in bps of the price unless said otherwise."""

    costs: list[float]
    """Average cost of each of SIZES."""
    peaks: list[float]
    """Where the price stands at the end of each."""
    course: list[float]
    """The reference metaorder minute by minute, to the end of WATCHED_S."""

    @property
    def exponent(self) -> float:
        """How the peak grows with size."""
        return float(np.polyfit(np.log(SIZES), np.log(self.peaks), 1)[0])

    @property
    def prefactor(self) -> float:
        """Peak of the reference metaorder, in units of sigma_day sqrt(Q / V)."""
        yardstick = REFERENCE_SIGMA * math.sqrt(REFERENCE_SIZE) * 10_000
        return self.peaks[SIZES.index(REFERENCE_SIZE)] / yardstick

    @property
    def kept(self) -> float:
        """What is left of the reference peak at the end of the watch."""
        return self.course[-1] / self.peaks[SIZES.index(REFERENCE_SIZE)]


@dataclass(slots=True)
class Day:
    """A market day of one seed."""

    seed: int
    middles: list[float]
    """The NBBO's midpoint at each minute, in dollars."""
    returns: list[float]
    """Of a minute each."""
    sign_acf: list[float]
    """By lag, from 0 to the last of LAGS; the average over the symbols, by their takers. As Lillo
    and Farmer did, each symbol's own series is correlated with itself, never several joined. They
    had 10^5 signs and more of each stock, a day here has 5,700 to 38,000. Over 20 seeds the
    exponent of a day is .70 with a standard deviation of .15 for the first symbol alone (up to
    1.03, for 14,000 signs) and .61 with one of .08 for the average over the four (81,000 signs);
    over all 20 days together it is .60, theirs. So the average is what a day can be judged on."""
    takers: int
    widths: list[float]
    """Part of the slots in which the NBBO is so many ticks wide, from 0."""
    at_best: list[float]
    """Part of the slots in which so many venues stand at the best bid, from 0."""
    broken: int
    """Slots in which the NBBO is locked or crossed."""
    cancels: int
    trades: int
    raw: Impact
    """With c as it is measured."""
    corrected: Impact
    """With c corrected for bias."""


def autocorrelation(values: Floats, lags: int) -> Floats:
    """By lag, from 0."""
    spectrum = np.fft.rfft(values - values.mean(), 2 * len(values))
    sums = np.fft.irfft(spectrum * spectrum.conj())[: lags + 1]
    means = sums / (len(values) - np.arange(lags + 1))
    return np.asarray(means / means[0])


def lag_bins(acf: Floats) -> tuple[Floats, Floats, Floats]:
    """Lags, averages and weights of LAG_BINS - 1 bins of even width in log lag."""
    edges = np.unique(np.round(np.geomspace(LAGS[0], LAGS[1] + 1, LAG_BINS)).astype(int))
    pairs = list(pairwise(edges))
    lags = np.array([np.exp(np.log(np.arange(a, b)).mean()) for a, b in pairs])
    means = np.array([acf[a:b].mean() for a, b in pairs])
    return lags, means, np.array([float(b - a) for a, b in pairs])


def power_law(acf: Floats) -> tuple[float, float]:
    """Exponent and factor of the power law through an autocorrelation between LAGS: least squares
    of the values, not of their logarithms, for values at far lags may be negative."""
    lags, means, weights = lag_bins(acf)
    best = (math.inf, 0.0, 0.0)
    for exponent in np.arange(0.02, 2.0, 0.01):
        shape = lags**-exponent
        factor = float((weights * shape * means).sum() / (weights * shape * shape).sum())
        error = float((weights * (means - factor * shape) ** 2).sum())
        best = min(best, (error, float(exponent), factor))
    return best[1], best[2]


def excess_kurtosis(values: Floats) -> float:
    """0 for a normal distribution."""
    centred = values - values.mean()
    return float((centred**4).mean() / (centred**2).mean() ** 2 - 3.0)


def measure(seed: int) -> Day:
    """A market day: the signs of all takers, all else of the market file's first symbol."""
    market = load_market(CONFIG / "market.toml")
    market.seed = seed
    signs = [taker_signs(market, symbol) for symbol in market.symbols]
    market.symbols = market.symbols[:1]
    path = build_path(market, market.symbols[0])
    bids, asks = _quotes(path)
    best_bid, best_ask = bids.max(axis=0), asks.min(axis=0)
    widths = np.rint((best_ask - best_bid) / path.settings.tick_micros).astype(int)
    minute = path.slots_a_day * 60 // DAY_SECONDS
    middles = ((best_bid + best_ask) / 2)[::minute]
    cancels, trades = churn(market)
    return Day(
        seed=seed,
        middles=(middles / 1e6).tolist(),
        returns=np.diff(np.log(middles)).tolist(),
        sign_acf=sign_acf(signs).tolist(),
        takers=sum(map(len, signs)),
        widths=_parts(np.maximum(widths, 0)),
        at_best=_parts((bids == best_bid).sum(axis=0)),
        broken=int((widths <= 0).sum()),
        cancels=cancels,
        trades=trades,
        raw=metaorders(market, 0.69),
        corrected=metaorders(market, 0.34),
    )


def _parts(values: NDArray[Any]) -> list[float]:
    return [float(part) for part in np.bincount(values) / len(values)]


def _quotes(path: MarketPath) -> tuple[Floats, Floats]:
    """Bids and asks of a day's slots, a row a venue. Block by block: the path keeps few of them."""
    block = path.slots_a_day // BLOCKS_A_DAY
    rows: list[list[tuple[int, int]]] = [[] for _ in path.quoters]
    for first in range(0, path.slots_a_day, block):
        for row, mic in zip(rows, path.quoters, strict=True):
            quotes = (path.quote(mic, slot) for slot in range(first, first + block))
            row += [(quote.bid, quote.ask) for quote in quotes]
    both = np.array(rows, dtype=np.float64)
    return both[:, :, 0], both[:, :, 1]


def sign_acf(signs: Sequence[Floats]) -> Floats:
    """The autocorrelation of the signs of several symbols, by lag from 0 to the last of LAGS."""
    each = [autocorrelation(of_symbol, LAGS[1]) for of_symbol in signs]
    return np.asarray(np.average(each, axis=0, weights=[len(of_symbol) for of_symbol in signs]))


def taker_signs(market: MarketSettings, symbol: SymbolSettings) -> Floats:
    """+1 for each taker who buys in a day, -1 for each who sells, in the market's order."""
    stream = Stream(market.seed, f"takers:{symbol.path.symbol}")
    takers = Aggressors(stream, symbol.takers, [QuoterSettings("ALLX", share=1.0)], "ALLX")
    takers.start(0)
    signs = []
    while (due := takers.next_ns()) is not None and due < DAY_SECONDS * NANOS_PER_SECOND:
        for action in takers.run(due):
            assert isinstance(action, Enter)
            signs.append(1.0 if action.order.side is Side.BUY else -1.0)
    return np.array(signs)


def churn(market: MarketSettings) -> tuple[int, int]:
    """Orders cancelled and trades made on the lit venues, in windows all over the day. An order
    that came to rest was cancelled when it neither traded nor rests at the end."""
    cancels = trades = 0
    for file in sorted(VENUES.glob("*.toml")):
        if file.stem == "scenario" or KINDS[load_venue(file).kind].dark:
            continue
        venue = load_venue(file)
        clock, state = MarketClock(0), VenueState(venue.mic)
        (floor,) = build_venue(venue, market, clock, state).floors.values()
        for begin in range(0, DAY_SECONDS, EVERY_S):
            floor.start(begin * NANOS_PER_SECOND)
            rested, done = len(floor.matcher.orders), 0
            until = (begin + WINDOW_S) * NANOS_PER_SECOND
            while (due := floor.next_ns()) is not None and due < until:
                for event in floor.run(due):
                    if isinstance(event, Rested):
                        rested += 1
                    elif isinstance(event, Traded):
                        trades += 1
                        done += not event.resting_leaves
            cancels += rested - done - len(floor.matcher.orders)
    return cancels, trades


def metaorders(market: MarketSettings, c: float) -> Impact:
    """Buy each of SIZES on a market of REFERENCE_SIGMA that clients move, against the same market
    left alone; what is paid is the NBBO's ask."""
    symbol = market.symbols[0]
    settings = replace(symbol.path, sigma_day=REFERENCE_SIGMA)
    base = MarketPath(market.seed, settings, market.quoters, market.slot_ms)
    costs, peaks, course = [], [], []
    for size in SIZES:
        moved = ImpactPath(base, ImpactSettings(c=c), symbol.adv)
        paid = _work(moved, round(size * symbol.adv))
        costs.append(paid)
        peaks.append(_gap(moved, WORKED_S))
        if size == REFERENCE_SIZE:
            course = [_gap(moved, second) for second in range(0, WORKED_S + WATCHED_S + 1, 60)]
    return Impact(costs, peaks, course)


def _work(moved: ImpactPath, shares: int) -> float:
    pieces = WORKED_S // PIECE_S
    costs = []
    for piece in range(pieces):
        second = piece * PIECE_S
        costs.append(_gap(moved, second))
        quantity = shares * (piece + 1) // pieces - shares * piece // pieces
        moved.traded(Side.BUY, quantity, second * NANOS_PER_SECOND)
    return float(np.mean(costs))


def _gap(moved: ImpactPath, second: int) -> float:
    """How much more the ask is than it were, in bps."""
    slot = moved.slot(second * NANOS_PER_SECOND)
    there, here = moved.path.nbbo(slot).ask, moved.nbbo(slot).ask
    return (here - there) / there * 10_000
