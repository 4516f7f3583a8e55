"""What the router is told before the day begins, as plain values.

Owns: venue, strategy, security and risk settings in the router's own units.
May not know: files, environment variables, pydantic (config.py turns those into this).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from sor_gateway.sor.estimators.volatility import DAY_NS
from sor_gateway.sor.types import (
    NANOS_PER_MILLISECOND,
    Micros,
    Nanos,
    OrdType,
    Shares,
    VenueKind,
)


class Sizing(StrEnum):
    """How much a dark venue is sent after it showed what it has."""

    PLAYBOOK = "playbook"
    """What filled grows once, to ceil-to-2,500 of q(1 + fill rate), and holds that size."""
    POSTERIOR = "posterior"
    """From what the venue is believed to hold, learnt over all orders (estimators/sizing.py)."""


class MassStatus(StrEnum):
    """What a venue answers to a mass status request (FIX AF)."""

    NONE = "none"
    """It takes none."""
    OPEN = "open"
    """Our open orders: about one that is not among them it has to be asked alone."""
    ALL = "all"
    """All our orders of the trading day: one that is not among them is unknown to it."""


class LitTactic(StrEnum):
    """How displayed venues are worked. An IOC order is always swept."""

    SWEEP = "sweep"
    """Take what is displayed, wave after wave."""
    SPRAY = "spray"
    """Show small orders on several venues, replenished as they fill."""
    SPRAY_THEN_SWEEP = "spray-then-sweep"
    """Spray while patience lasts, then take what is displayed."""


class SprayPrice(StrEnum):
    """Where a spray shows its orders."""

    TOUCH_NEAR = "touch_near"
    """On our own side of the market, joining it: a sell at the best offer. Passive."""
    TOUCH_FAR = "touch_far"
    """On the other side: a sell at the best bid. It takes."""


@dataclass(slots=True)
class VenueSettings:
    """What the gateway believes of one venue until reports teach it better."""

    name: str
    kind: VenueKind
    mic: str
    take_fee_micros: Micros
    """Per share; a rebate is negative."""
    add_fee_micros: Micros
    mid_fee_micros: Micros
    latency_prior_ns: Nanos
    """Time from a new order to its acknowledgement, before any was measured."""
    fill_rate_prior: float
    """Share of a child's quantity expected to fill, before any was measured; 0 to 1."""
    impact_bps: float = 0.0
    """Expected adverse move of the quote caused by a child of one round lot."""
    enabled: bool = True
    has_status: bool = True
    """Answers order status requests (FIX H)."""
    unknown_is_final: bool = True
    """Answers H behind every D that came before it, so `unknown order` proves absence
    (recovery.md 3.5)."""
    mass_status: MassStatus = MassStatus.NONE
    """What it answers when it is asked for all orders at once (FIX AF)."""
    orders_per_second: int = 200
    """Outbound throttle, spent in `decide`; cancels and status requests have a reserve of it."""
    cancel_reserve: int = 50
    max_child_quantity: Shares = 1_000_000

    @property
    def is_dark(self) -> bool:
        """Whether it shows no quotes."""
        return self.kind is VenueKind.DARK


@dataclass(slots=True)
class StrategySettings:
    """A named preset: how a trader's wish turns into multipliers and time boxes."""

    name: str
    use_dark: bool = True
    use_lit: bool = True
    sizing: Sizing = Sizing.POSTERIOR
    dark_quantity: Shares = 5_000
    """Size of the first child to each dark venue."""
    dark_first_box_ns: Nanos = 0
    """How long the children of the first dark wave rest; 0: as long as those of the others."""
    dark_box_ns: Nanos = 2_000 * NANOS_PER_MILLISECOND
    """How long a dark child rests before it is pulled."""
    dark_dry_share: float = 0.4
    """Lit opens when a whole dark wave filled less than this share of what it sent."""
    dark_min_quantity: Shares = 0
    """Fewest shares at a time that a dark child takes; 0 for any number. What is left of a child,
    or a smaller child, is taken whole."""
    dark_guard_quantity: Shares = 300
    """The same for a venue where small fills look like probing; 0 to let them."""
    dark_size_spread: float = 0.0
    """Sizes of dark children are drawn from what is meant down to this share less; 0 to 1."""
    dark_delay_ns: Nanos = 0
    """A dark child rests up to this much longer than its box, at random."""
    lit_tactic: LitTactic = LitTactic.SWEEP
    lit_wave_ns: Nanos = 250 * NANOS_PER_MILLISECOND
    """Least time between two lit waves of one parent, and before a displayed order follows the
    market: what bounds its messages."""
    sweep_levels: int = 0
    """How many price levels of the consolidated book one lit wave takes; 0 for all."""
    sweep_iso: bool = False
    """Children of a sweep are intermarket sweep orders (FIX 18=f): a sweep goes for the whole of
    each better price in the same turn, so no venue has to protect it."""
    sweep_align_ns: Nanos = 0
    """Orders of a sweep for near venues wait for those on a longer way, at most this long, so that
    all arrive together; 0: all leave at once."""
    sweep_fade: float = 0.1
    """A venue that fades by more than this is sent at first only what is expected to be there,
    while others show the same price; 1: what is displayed is there."""
    spray_clip: Shares = 500
    """Most of one parent that is displayed on one venue."""
    spray_max_shown: Shares = 2_000
    """Most of one parent that is displayed on all venues together."""
    spray_price: SprayPrice = SprayPrice.TOUCH_NEAR
    spray_post_only: bool = False
    """Passive orders are refused by the venue rather than take."""
    spray_size_spread: float = 0.0
    """Sizes are drawn from the clip down to this share less; 0 to 1, 0 for always the clip."""
    spray_delay_ns: Nanos = 0
    """A wave waits up to this much longer than `lit_wave_ns`, at random."""
    spray_queues: bool = True
    """Venues are ranked by what stands before an order there and how fast it leaves, with the fee;
    else by fee and by how much of other orders the venue filled."""
    crumble_share: float = 0.0
    """A passive order is pulled, and none is shown, once this share of the venues that showed its
    price left it within `crumble_hold_ns`; 0 to let it stand."""
    crumble_hold_ns: Nanos = 500 * NANOS_PER_MILLISECOND
    """How long a venue's leaving counts."""
    patience_ns: Nanos = 60_000 * NANOS_PER_MILLISECOND
    """How long SPRAY_THEN_SWEEP sprays, from the opening of lit."""
    take_ahead: bool = False
    """What the books sell for less than working it is expected to cost is taken at once, ahead of
    everything else. Needs the average daily volume, and an hour of quotes."""
    max_quantity: Shares = 0
    """Most shares of a parent with this preset; 0: the general limit alone."""
    max_notional_micros: Micros = 0
    """Most value of a parent with this preset; 0: the general limit alone."""
    max_adv_share: float = 0.0
    """Most of the average daily volume that a parent may be; 0 for no such limit."""
    ord_types: tuple[OrdType, ...] = (OrdType.MARKET, OrdType.LIMIT)
    """Order types that a parent with this preset may have."""
    weight_fee: float = 1.0
    weight_impact: float = 1.0
    weight_latency: float = 1.0
    weight_fill: float = 1.0


@dataclass(slots=True)
class SecuritySettings:
    """Reference data of one symbol."""

    symbol: str
    listing_mic: str
    tick_micros: Micros = 10_000
    round_lot: Shares = 100
    previous_close_micros: Micros = 0
    average_daily_volume: Shares = 0


@dataclass(slots=True)
class RiskSettings:
    """Pre-trade limits for every parent."""

    max_quantity: Shares = 1_000_000
    max_notional_micros: Micros = 100_000_000 * 1_000_000
    collar_bps: int = 1_000
    """A limit further than this through the far side of the NBBO is refused."""
    stale_order_age_ns: Nanos = 30_000 * NANOS_PER_MILLISECOND
    """A new order sent longer ago than this is refused; 0 turns the check off."""


@dataclass(slots=True)
class RouterSettings:
    """Everything the router is told."""

    venues: dict[str, VenueSettings]
    strategies: dict[str, StrategySettings]
    securities: dict[str, SecuritySettings]
    default_strategy: str
    mic: str = "SORX"
    crossing_clients: tuple[str, ...] = ()
    """Clients that consent to be executed against each other here (decisions.md)."""
    risk: RiskSettings = field(default_factory=RiskSettings)
    seed: int = 1
    quote_max_age_ns: Nanos = 5_000 * NANOS_PER_MILLISECOND
    """A venue's book not confirmed for this long does not count."""
    answer_timeout_ns: Nanos = 2_000 * NANOS_PER_MILLISECOND
    """A child or cancel unanswered for this long is asked about (FIX H)."""
    day_end_reconcile_ns: Nanos = 300_000 * NANOS_PER_MILLISECOND
    """How long behind the end of its trading day a child that nobody says the end of is waited for;
    then it is taken for dead (recovery.md 3.5)."""
    cancel_gives_up_ns: Nanos = 0
    """A client's cancel that waits this long for a child in doubt is refused (recovery.md 3.9); 0:
    it waits for as long as it takes."""
    day_ns: Nanos = DAY_NS
    """How long a trading day is on our clock: the time in which the average daily volume trades. A
    simulated market that runs faster has a shorter one."""
    decide_budget: int = 256
    """Most parents visited in one turn; none after so many decisions. The rest are due in the
    next."""
    keep_days: int = 2
    """For how many trading days after its own an order that is over stays known (bygone.py)."""
