"""The keys of the configuration files.

Owns: names, defaults, bounds, and for each key the words that say what is expected.
May not know: where a value came from, what it is used for.

Each field's description completes the sentence "expected ...": reader.py puts it into errors.
"""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal, InvalidOperation
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Literal, TypeAlias, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from sor_gateway.sor.settings import LitTactic, MassStatus, Sizing, SprayPrice
from sor_gateway.sor.types import MICROS_PER_UNIT, VenueKind

BeginString: TypeAlias = Literal["FIX.4.2", "FIX.4.4"]


def _micros(value: object) -> int:
    """Dollars to micros, exactly."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise ValueError("not an amount")
    try:
        micros = Decimal(value) * MICROS_PER_UNIT
    except InvalidOperation:
        raise ValueError("not an amount") from None
    if not micros.is_finite() or micros != int(micros):
        raise ValueError("finer than a micro")
    return int(micros)


def _endpoint(value: object) -> tuple[str, int]:
    """`host:port`, or `[address]:port` for IPv6, to its two parts."""
    if not isinstance(value, str):
        raise ValueError("not a text")
    host, _, port = value.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise ValueError("not host:port")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _network(value: object) -> IPv4Network | IPv6Network:
    """An address, or a network as CIDR writes it; bits behind the prefix are a slip of the pen."""
    if not isinstance(value, str):
        raise ValueError("not a text")
    return ip_network(value)


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("no such zone") from None
    return value


def _local(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError("the calendar has its own zone")
    return value


Money: TypeAlias = Annotated[int, BeforeValidator(_micros)]
Endpoint: TypeAlias = Annotated[tuple[str, int], BeforeValidator(_endpoint)]
Network: TypeAlias = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
Zone: TypeAlias = Annotated[str, AfterValidator(_zone)]
LocalTime: TypeAlias = Annotated[time, AfterValidator(_local)]
CompId: TypeAlias = Annotated[str, Field(pattern=r"^[!-~]{1,64}$")]
Mic: TypeAlias = Annotated[str, Field(pattern=r"^[A-Z0-9]{4}$")]

A_COMP_ID = "a CompID: 1 to 64 printable characters without spaces"
A_MIC = "a MIC: four capital letters or digits (ISO 10383)"
A_SWITCH = "true or false"
A_FEE = "US dollars a share with at most six decimals, negative for a rebate"
A_WEIGHT = "a weight of 0 or more; 1 takes the term for what it is"
A_PATH = "the path of a PEM file"
A_WEEKDAY = 'a weekday such as "sunday", of a session that lasts for days'
A_LOCAL_TIME = "a time such as 08:00:00, local to the zone"

Weekday: TypeAlias = Literal[
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"
]
WEEKDAYS: tuple[str, ...] = get_args(Weekday)


class Model(BaseModel):
    """A table of a file; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid")


class TlsModel(Model):
    """[gateway.tls], or [tls] of a venue."""

    certificate: str = Field("", description=A_PATH)
    key: str = Field("", description=A_PATH)
    authority: str = Field("", description=A_PATH)
    mutual: bool = Field(False, description=A_SWITCH)
    server_name: str = Field("", description="a host name as the venue's certificate has it")
    minimum_version: Literal["1.2", "1.3"] = Field("1.2", description='"1.2" or "1.3"')


class ScheduleModel(Model):
    """[ems.NAME.schedule], or [session.schedule] of a venue: session hours."""

    zone: Zone = Field(description='a time zone such as "America/New_York"')
    start: LocalTime = Field(description=A_LOCAL_TIME)
    end: LocalTime = Field(description=A_LOCAL_TIME)
    days: list[Weekday] = Field(
        ["monday", "tuesday", "wednesday", "thursday", "friday"],
        min_length=1,
        description='a list of weekdays on which hours begin, such as ["sunday", "monday"]',
    )
    start_day: Weekday | None = Field(None, description=A_WEEKDAY)
    end_day: Weekday | None = Field(None, description=A_WEEKDAY)
    reset_at_start: bool = Field(False, description=A_SWITCH)


class SessionModel(Model):
    """How one session behaves: [session] of a venue, and part of [ems.NAME]."""

    heart_bt_int_s: int = Field(30, ge=1, le=3_600, description="seconds, 1 to 3600")
    markers: bool = Field(True, description=A_SWITCH)
    on_low_number: Literal["operator", "reset"] = Field(
        "operator", description='"operator" or "reset"'
    )
    accept_reset: bool = Field(True, description=A_SWITCH)
    user_defined: Literal["none", "listed", "any"] = Field(
        "listed", description='"none", "listed" or "any"'
    )
    validation: Literal["strict", "lenient", "off"] = Field(
        "strict", description='"strict", "lenient" or "off"'
    )
    dictionary: str = Field("", description="the path of a data dictionary in QuickFIX's format")
    send_next_expected: bool = Field(False, description=A_SWITCH)
    last_processed: bool = Field(False, description=A_SWITCH)
    max_message_bytes: int = Field(
        8_192, ge=1_024, le=1_048_576, description="bytes, 1024 to 1048576"
    )
    queue_limit: int = Field(2_000, ge=1, le=100_000, description="messages, 1 to 100000")
    resend_chunk: int = Field(
        0, ge=0, le=100_000, description="messages, 0 (all at once) to 100000"
    )
    username: str = Field("", description="a user name")
    password_env: str = Field("", description="the name of an environment variable")
    password_file: str = Field("", description="the path of a file")
    schedule: ScheduleModel | None = Field(None, description="a table [schedule]")


class VenueSessionModel(SessionModel):
    """[session] of a venue. Its messages are not held against our dictionary: a report that we
    reject is an execution that we lose. What translation cannot read raises an alarm."""

    validation: Literal["strict", "lenient", "off"] = Field(
        "off", description='"strict", "lenient" or "off"'
    )


class EmsModel(SessionModel):
    """[ems.NAME] of gateway.toml."""

    begin_string: BeginString = Field(description='"FIX.4.2" or "FIX.4.4"')
    comp_id: CompId | None = Field(None, description=A_COMP_ID)
    allow: list[Network] = Field(
        default_factory=list,
        description='addresses and networks such as ["192.0.2.7", "10.1.0.0/16"], [] for any',
    )
    messages_per_second: int = Field(
        300, ge=0, le=1_000_000, description="orders and requests, 0 (no throttle) to 1000000"
    )
    cut_refusals_per_second: int = Field(
        300, ge=0, le=1_000_000, description="refused requests, 0 (never cut) to 1000000"
    )
    cut_messages_per_second: int = Field(
        5_000, ge=0, le=1_000_000, description="messages, 0 (never cut) to 1000000"
    )
    busy_per_cent: int = Field(
        25, ge=0, le=100, description="per cent of our time, 0 (as much as it likes) to 100"
    )
    backlog_s: int = Field(10, ge=1, le=3_600, description="seconds, 1 to 3600")
    own_crossing: bool = Field(False, description=A_SWITCH)
    on_disconnect: Literal["keep", "cancel"] = Field("keep", description='"keep" or "cancel"')
    resume_window_s: int = Field(
        60, ge=0, le=604_800, description="seconds, 0 (an outage of any length) to 604800"
    )
    after_outage: Literal["resume", "suspend"] = Field(
        "resume", description='"resume" or "suspend"'
    )


class LimitsModel(Model):
    """[limits] of gateway.toml: what peers may cost, whoever they are."""

    connections: int = Field(1_024, ge=1, le=100_000, description="connections, 1 to 100000")
    connections_without_logon: int = Field(
        64, ge=1, le=100_000, description="connections, 1 to 100000"
    )
    connections_per_address: int = Field(
        128, ge=1, le=100_000, description="connections, 1 to 100000"
    )
    logon_timeout_s: int = Field(10, ge=1, le=600, description="seconds, 1 to 600")
    slow_consumer_bytes: int = Field(
        4 * 1_048_576, ge=65_536, le=1 << 30, description="bytes, 65536 to 1073741824"
    )
    slow_consumer_s: int = Field(10, ge=1, le=3_600, description="seconds, 1 to 3600")
    half_open_s: int = Field(60, ge=8, le=3_600, description="seconds, 8 to 3600")
    concurrent_replays: int = Field(5, ge=1, le=1_000, description="sessions, 1 to 1000")
    keep_out_s: int = Field(60, ge=0, le=86_400, description="seconds, 0 (not at all) to 86400")


class GatewayModel(Model):
    """[gateway] of gateway.toml."""

    listen: Endpoint = Field(("127.0.0.1", 9880), description='host:port such as "127.0.0.1:9880"')
    admin: Endpoint = Field(("127.0.0.1", 9890), description='host:port such as "127.0.0.1:9890"')
    comp_id: CompId = Field("SOR", description=A_COMP_ID)
    market_data_comp_id: CompId = Field("SORMD", description=A_COMP_ID)
    mic: Mic = Field("SORX", description=A_MIC)
    journal: str = Field("data/journal", min_length=1, description="the path of a folder")
    journal_days: int = Field(0, ge=0, le=36_500, description="days, 0 (for ever) to 36500")
    durability: Literal["process", "power"] = Field("process", description='"process" or "power"')
    database: str = Field("data/gateway.db", min_length=1, description="the path of a file")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description='"debug", "info", "warning" or "error"'
    )
    log_file: str = Field("", description="the path of a file, or empty for standard error")
    seed: int = Field(1, ge=0, lt=2**63, description="a whole number of 0 or more")
    default_strategy: str = Field("balanced", description="a name of strategies.toml")
    calendar: str = Field("always-open", description="a name of calendar.toml")
    access_fee_cap: Money = Field(3_000, ge=0, description="US dollars a share, 0 or more")
    reference_data_max_age_days: int = Field(
        0, ge=0, le=3_650, description="days, 0 (any age will do) to 3650"
    )
    tls: TlsModel | None = Field(None, description="a table [gateway.tls]")


class RouterModel(Model):
    """[router] of gateway.toml."""

    quote_max_age_ms: int = Field(
        5_000, ge=1, le=3_600_000, description="milliseconds, 1 to 3600000"
    )
    answer_timeout_ms: int = Field(
        2_000, ge=1, le=3_600_000, description="milliseconds, 1 to 3600000"
    )
    trading_day_s: int = Field(23_400, ge=60, le=86_400, description="seconds, 60 to 86400")
    keep_days: int = Field(2, ge=1, le=60, description="trading days, 1 to 60")
    day_end_reconcile_s: int = Field(300, ge=1, le=86_400, description="seconds, 1 to 86400")
    cancel_gives_up_s: int = Field(
        0, ge=0, le=86_400, description="seconds, 0 (never refused) to 86400"
    )
    decide_budget: int = Field(256, ge=1, le=100_000, description="parents, 1 to 100000")


class RiskModel(Model):
    """[risk] of gateway.toml."""

    max_quantity: int = Field(1_000_000, ge=1, description="shares, 1 or more")
    max_notional: Money = Field(
        100_000_000 * MICROS_PER_UNIT, ge=1, description="US dollars above 0"
    )
    collar_bps: int = Field(1_000, ge=0, le=10_000, description="basis points, 0 to 10000")
    stale_order_age_s: int = Field(
        30, ge=0, le=86_400, description="seconds, 0 (never refused) to 86400"
    )


class GatewayFile(Model):
    """gateway.toml."""

    gateway: GatewayModel = Field(description="a table [gateway]")
    router: RouterModel = Field(default_factory=RouterModel, description="a table [router]")
    risk: RiskModel = Field(default_factory=RiskModel, description="a table [risk]")
    limits: LimitsModel = Field(default_factory=LimitsModel, description="a table [limits]")
    ems: dict[str, EmsModel] = Field(
        default_factory=dict, description="a table [ems.NAME] for each session"
    )


class VenueModel(Model):
    """venues/NAME.toml."""

    kind: VenueKind = Field(description='"dark", "ecn", "inverted" or "exchange"')
    mic: Mic = Field(description=A_MIC)
    comp_id: CompId = Field(description=A_COMP_ID)
    host: str = Field("127.0.0.1", min_length=1, description="a host name or address")
    port: int = Field(ge=1, le=65_535, description="a TCP port, 1 to 65535")
    backups: list[Endpoint] = Field(
        default_factory=list, description='a list of host:port such as ["10.0.0.2:9906"]'
    )
    dialect: BeginString = Field("FIX.4.4", description='"FIX.4.2" or "FIX.4.4"')
    market_data: bool = Field(False, description=A_SWITCH)
    symbols: list[str] | None = Field(
        None, description='a list of symbols such as ["ACME"], or no such key for all'
    )
    enabled: bool = Field(True, description=A_SWITCH)
    take_fee: Money = Field(description=A_FEE)
    add_fee: Money = Field(description=A_FEE)
    mid_fee: Money = Field(description=A_FEE)
    latency_prior_us: int = Field(ge=1, le=60_000_000, description="microseconds, 1 to 60000000")
    fill_rate_prior: float = Field(ge=0, le=1, description="a share from 0 to 1")
    impact_bps: float = Field(0.0, ge=0, le=1_000, description="basis points, 0 to 1000")
    has_status: bool = Field(True, description=A_SWITCH)
    unknown_is_final: bool = Field(True, description=A_SWITCH)
    mass_status: MassStatus = Field(MassStatus.NONE, description='"none", "open" or "all"')
    trading_status: Literal["unasked", "orders", "quotes"] = Field(
        "unasked", description='"unasked", "orders" or "quotes"'
    )
    orders_per_second: int = Field(200, ge=1, le=1_000_000, description="1 to 1000000")
    cancel_reserve: int = Field(50, ge=0, le=1_000_000, description="0 to 1000000")
    max_child_quantity: int = Field(1_000_000, ge=1, description="shares, 1 or more")
    session: VenueSessionModel = Field(
        default_factory=VenueSessionModel, description="a table [session]"
    )
    tls: TlsModel | None = Field(None, description="a table [tls]")


class StrategyModel(Model):
    """[NAME] of strategies.toml. Names and meanings are those of StrategySettings."""

    use_dark: bool = Field(True, description=A_SWITCH)
    use_lit: bool = Field(True, description=A_SWITCH)
    sizing: Sizing = Field(Sizing.POSTERIOR, description='"playbook" or "posterior"')
    dark_quantity: int = Field(5_000, ge=1, description="shares, 1 or more")
    dark_first_box_ms: int = Field(
        0, ge=0, le=3_600_000, description="milliseconds, 0 (as dark_box_ms) to 3600000"
    )
    dark_box_ms: int = Field(2_000, ge=1, le=3_600_000, description="milliseconds, 1 to 3600000")
    dark_dry_share: float = Field(0.4, ge=0, le=1, description="a share from 0 to 1")
    dark_min_quantity: int = Field(0, ge=0, description="shares, 0 for any number")
    dark_guard_quantity: int = Field(300, ge=0, description="shares, 0 to let small fills")
    dark_size_spread: float = Field(0.0, ge=0, le=1, description="a share from 0 to 1")
    dark_delay_ms: int = Field(0, ge=0, le=3_600_000, description="milliseconds, 0 to 3600000")
    lit_tactic: LitTactic = Field(
        LitTactic.SWEEP, description='"sweep", "spray" or "spray-then-sweep"'
    )
    lit_wave_ms: int = Field(250, ge=1, le=3_600_000, description="milliseconds, 1 to 3600000")
    sweep_levels: int = Field(0, ge=0, le=50, description="price levels, 0 (all) to 50")
    sweep_iso: bool = Field(False, description=A_SWITCH)
    sweep_align_us: int = Field(
        0, ge=0, le=1_000_000, description="microseconds, 0 (off) to 1000000"
    )
    sweep_fade: float = Field(0.1, ge=0, le=1, description="a share from 0 to 1 (off)")
    spray_clip: int = Field(500, ge=1, description="shares, 1 or more")
    spray_max_shown: int = Field(2_000, ge=1, description="shares, 1 or more")
    spray_price: SprayPrice = Field(
        SprayPrice.TOUCH_NEAR, description='"touch_near" or "touch_far"'
    )
    spray_post_only: bool = Field(False, description=A_SWITCH)
    spray_size_spread: float = Field(0.0, ge=0, le=1, description="a share from 0 to 1")
    spray_delay_ms: int = Field(0, ge=0, le=3_600_000, description="milliseconds, 0 to 3600000")
    spray_queues: bool = Field(True, description=A_SWITCH)
    crumble_share: float = Field(0.0, ge=0, le=1, description="a share from 0 (off) to 1")
    crumble_hold_ms: int = Field(500, ge=1, le=3_600_000, description="milliseconds, 1 to 3600000")
    patience_ms: int = Field(60_000, ge=0, le=86_400_000, description="milliseconds, 0 to 86400000")
    take_ahead: bool = Field(False, description=A_SWITCH)
    max_quantity: int = Field(0, ge=0, description="shares, 0 for no limit of its own")
    max_notional: Money = Field(0, ge=0, description="US dollars, 0 for no limit of its own")
    max_adv_share: float = Field(0.0, ge=0, le=1, description="a share from 0 (no such limit) to 1")
    order_types: list[Literal["market", "limit"]] = Field(
        ["market", "limit"], min_length=1, description='a list of "market", "limit" or both'
    )
    weight_fee: float = Field(1.0, ge=0, le=1_000, description=A_WEIGHT)
    weight_impact: float = Field(1.0, ge=0, le=1_000, description=A_WEIGHT)
    weight_latency: float = Field(1.0, ge=0, le=1_000, description=A_WEIGHT)
    weight_fill: float = Field(1.0, ge=0, le=1_000, description=A_WEIGHT)


class CalendarModel(Model):
    """[NAME] of calendar.toml."""

    always_open: bool = Field(False, description=A_SWITCH)
    zone: Zone = Field("UTC", description='a time zone such as "America/New_York"')
    opens: LocalTime = Field(time(9, 30), description="a time such as 09:30:00")
    closes: LocalTime = Field(time(16, 0), description="a time such as 16:00:00")
    day_end: LocalTime = Field(time(17, 0), description="a time such as 17:00:00")
    first: date = Field(date.min, description="a date such as 2026-01-01")
    last: date = Field(date.max, description="a date such as 2027-12-31")
    holidays: list[date] = Field(
        default_factory=list, description="a list of dates such as [2026-12-25]"
    )
    early_closes: dict[date, LocalTime] = Field(
        default_factory=dict, description="a table of dates and times such as 2026-11-27 = 13:00:00"
    )
