"""Validated models to plain settings.

Owns: units (dollars to micros, milliseconds to nanoseconds), and the checks that need more than
one key or file.
May not know: where values came from, what the settings are used for.
"""

from __future__ import annotations

import difflib
import ssl
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

from sor_gateway.config.calendar import SATURDAY, Calendar
from sor_gateway.config.models import (
    CalendarModel,
    EmsModel,
    StrategyModel,
    TlsModel,
    VenueModel,
)
from sor_gateway.config.reader import Reader
from sor_gateway.config.sessions import Identity, SessionTables
from sor_gateway.config.settings import (
    ClientSettings,
    Configuration,
    GatewaySettings,
    VenueConnection,
)
from sor_gateway.fix.dialect import dialect_of
from sor_gateway.fix.settings import Role, SessionSettings
from sor_gateway.net.limits import ConnectionLimits, ListenerLimits
from sor_gateway.net.tls import TlsError, TlsSettings, client_context, server_context
from sor_gateway.sor.settings import (
    LitTactic,
    MassStatus,
    RiskSettings,
    RouterSettings,
    SprayPrice,
    StrategySettings,
    VenueSettings,
)
from sor_gateway.sor.types import NANOS_PER_MILLISECOND, NANOS_PER_SECOND, OrdType


class Builder:
    """Validated models to plain settings, with the checks that need more than one of them."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._problems = reader.problems
        self._file = reader.shown("gateway.toml")
        self._model = reader.gateway.gateway
        self._sessions = SessionTables(reader.folder, reader.environ, reader.problems)

    def build(self) -> Configuration:
        """The settings; mistakes are added to the reader's."""
        ems_sessions = [
            self._ems_session(name, model) for name, model in self._reader.gateway.ems.items()
        ]
        venues = [self._connection(name, venue) for name, venue in self._reader.venues.items()]
        self._check_sessions(ems_sessions, venues)
        self._check_endpoints(venues)
        self._check_venues()
        self._check_strategies()
        return Configuration(
            gateway=self._gateway(),
            router=self._router(),
            ems_sessions=ems_sessions,
            venues=venues,
            calendar=self._calendar(),
            securities=self._reader.securities,
            clients={name: self._client(name, m) for name, m in self._reader.gateway.ems.items()},
            dictionaries=self._sessions.dictionaries,
        )

    def _gateway(self) -> GatewaySettings:
        model, limits = self._model, self._reader.gateway.limits
        return GatewaySettings(
            host=model.listen[0],
            port=model.listen[1],
            admin_host=model.admin[0],
            admin_port=model.admin[1],
            comp_id=model.comp_id,
            mic=model.mic,
            journal=Path(model.journal),
            durability=model.durability,
            database=Path(model.database),
            log_level=model.log_level,
            log_file=Path(model.log_file) if model.log_file else None,
            seed=model.seed,
            tls=self._tls(model.tls, f"{self._file} [gateway.tls]", server=True),
            reference_data_max_age_days=model.reference_data_max_age_days,
            journal_days=model.journal_days,
            listener_limits=ListenerLimits(
                limits.connections,
                limits.connections_without_logon,
                limits.connections_per_address,
                limits.logon_timeout_s,
            ),
            connection_limits=ConnectionLimits(
                limits.slow_consumer_bytes, limits.slow_consumer_s, limits.half_open_s
            ),
            keep_out_s=limits.keep_out_s,
            concurrent_replays=limits.concurrent_replays,
        )

    def _router(self) -> RouterSettings:
        router, risk = self._reader.gateway.router, self._reader.gateway.risk
        default = self._model.default_strategy
        if default not in self._reader.strategies:
            self._unknown_name("default_strategy", default, self._reader.strategies)
        return RouterSettings(
            venues={name: _venue(name, venue) for name, venue in self._reader.venues.items()},
            strategies={name: _strategy(name, m) for name, m in self._reader.strategies.items()},
            securities={s: security.settings for s, security in self._reader.securities.items()},
            default_strategy=default,
            mic=self._model.mic,
            crossing_clients=tuple(
                name for name, ems in self._reader.gateway.ems.items() if ems.own_crossing
            ),
            risk=RiskSettings(
                max_quantity=risk.max_quantity,
                max_notional_micros=risk.max_notional,
                collar_bps=risk.collar_bps,
                stale_order_age_ns=risk.stale_order_age_s * NANOS_PER_SECOND,
            ),
            seed=self._model.seed,
            quote_max_age_ns=router.quote_max_age_ms * NANOS_PER_MILLISECOND,
            answer_timeout_ns=router.answer_timeout_ms * NANOS_PER_MILLISECOND,
            day_ns=router.trading_day_s * NANOS_PER_SECOND,
            day_end_reconcile_ns=router.day_end_reconcile_s * NANOS_PER_SECOND,
            cancel_gives_up_ns=router.cancel_gives_up_s * NANOS_PER_SECOND,
            decide_budget=router.decide_budget,
            keep_days=router.keep_days,
        )

    def _ems_session(self, name: str, model: EmsModel) -> SessionSettings:
        who = Identity(name, model.begin_string, self._model.comp_id, model.comp_id or name)
        settings = self._sessions.settings(who, model, f"{self._file} [ems.{name}]")
        settings.role = Role.ACCEPTOR
        settings.logon_timeout_ns = self._reader.gateway.limits.logon_timeout_s * NANOS_PER_SECOND
        return settings

    def _client(self, name: str, model: EmsModel) -> ClientSettings:
        if 0 < model.cut_messages_per_second <= model.messages_per_second:
            self._problems.append(
                f"{self._file} [ems.{name}]: cut_messages_per_second ="
                f" {model.cut_messages_per_second}: expected more than messages_per_second ="
                f" {model.messages_per_second}; raise it"
            )
        return ClientSettings(
            model.allow,
            model.messages_per_second,
            model.cut_refusals_per_second,
            model.cut_messages_per_second,
            model.busy_per_cent,
            model.backlog_s,
            model.on_disconnect,
            model.resume_window_s,
            model.after_outage,
        )

    def _tls(self, model: TlsModel | None, where: str, *, server: bool) -> TlsSettings | None:
        """The settings, tried out: a certificate that is missing is found at start."""
        if model is None:
            return None
        settings = self._tls_settings(model)
        for key, given in (("server_name", server), ("mutual", not server)):
            if given and getattr(model, key):
                side = "listener" if server else "dialer"
                self._problems.append(f"{where}: {key} means nothing for a {side}; remove it")
        try:
            server_context(settings) if server else client_context(settings)
        except TlsError as error:
            self._problems.append(f"{where}: {error}")
        return settings

    def _tls_settings(self, model: TlsModel) -> TlsSettings:
        """Relative paths begin at the configuration's folder."""
        path = self._reader.shown
        version = ssl.TLSVersion.TLSv1_3 if model.minimum_version == "1.3" else None
        return TlsSettings(
            certificate=Path(path(model.certificate)) if model.certificate else None,
            key=Path(path(model.key)) if model.key else None,
            authority=Path(path(model.authority)) if model.authority else None,
            mutual=model.mutual,
            server_name=model.server_name or None,
            minimum_version=version or ssl.TLSVersion.TLSv1_2,
        )

    def _connection(self, name: str, venue: VenueModel) -> VenueConnection:
        table = f"{self._venue_file(name)} [session]"
        who = Identity(name, venue.dialect, self._model.comp_id, venue.comp_id)
        orders = self._sessions.settings(who, venue.session, table)
        quotes = None
        if venue.market_data:
            quotes = replace(
                orders,
                name=f"{name}-md",
                sender_comp_id=self._model.market_data_comp_id,
                # Old quotes are worth nothing: each logon starts anew (recovery.md 2.6).
                reset_on_logon=True,
                markers=False,
            )
            if name in self._sessions.dictionaries:
                self._sessions.dictionaries[quotes.name] = self._sessions.dictionaries[name]
        known = self._reader.securities
        for symbol in venue.symbols or ():
            if symbol not in known:
                self._problems.append(
                    f"{self._venue_file(name)}: symbols names {symbol!r}, which is not in"
                    f" {self._reader.shown('securities.csv')}; add it there or remove it here"
                )
        return VenueConnection(
            name=name,
            host=venue.host,
            port=venue.port,
            orders=orders,
            quotes=quotes,
            symbols=list(venue.symbols) if venue.symbols is not None else list(known),
            dialect=venue.dialect,
            trading_status=venue.trading_status,
            tls=self._tls(venue.tls, f"{self._venue_file(name)} [tls]", server=False),
            backups=list(venue.backups),
        )

    def _calendar(self) -> Calendar:
        for name, model in self._reader.calendars.items():
            self._check_calendar(name, model)
        wanted = self._model.calendar
        chosen = self._reader.calendars.get(wanted)
        if chosen is None:
            self._unknown_name("calendar", wanted, self._reader.calendars)
            return Calendar(wanted)
        return Calendar(
            name=wanted,
            zone=ZoneInfo(chosen.zone),
            always_open=chosen.always_open,
            opens=chosen.opens,
            closes=chosen.closes,
            day_end=chosen.day_end,
            first=chosen.first,
            last=chosen.last,
            holidays=frozenset(chosen.holidays),
            early_closes=dict(chosen.early_closes),
        )

    # --- checks over more than one key ----------------------------------------------------

    def _check_sessions(
        self, ems_sessions: list[SessionSettings], venues: list[VenueConnection]
    ) -> None:
        if not ems_sessions:
            self._problems.append(f"{self._file}: no EMS session; add a section [ems.EMS]")
        sessions = {f"{self._file} [ems.{s.name}]": s for s in ems_sessions}
        for venue in venues:
            sessions[self._venue_file(venue.name)] = venue.orders
            if venue.quotes is not None:
                sessions[f"{self._venue_file(venue.name)} (market data)"] = venue.quotes
        identities: dict[tuple[str, str, str], str] = {}
        names: dict[str, str] = {}
        for where, one in sessions.items():
            identity = (one.begin_string, one.sender_comp_id, one.target_comp_id)
            other = identities.setdefault(identity, where)
            if other != where:
                self._problems.append(
                    f"{where}: the session {' '.join(identity)} is also that of {other};"
                    " give one of them another comp_id"
                )
            other = names.setdefault(one.name, where)
            if other != where:
                self._problems.append(
                    f"{where}: the session name {one.name!r} is also that of {other};"
                    " rename one of them"
                )

    def _check_endpoints(self, venues: list[VenueConnection]) -> None:
        endpoints = {
            f"{self._file} [gateway] listen": self._model.listen,
            f"{self._file} [gateway] admin": self._model.admin,
        }
        for venue in venues:
            endpoints[f"{self._venue_file(venue.name)}: port"] = (venue.host, venue.port)
            for number, backup in enumerate(venue.backups, start=1):
                endpoints[f"{self._venue_file(venue.name)}: backup {number}"] = backup
        seen: dict[tuple[str, int], str] = {}
        for where, endpoint in endpoints.items():
            other = seen.setdefault(endpoint, where)
            if other != where and endpoint[1]:  # port 0: the system finds a free one
                self._problems.append(
                    f"{where} = {endpoint[0]}:{endpoint[1]}, which is also {other};"
                    " give one of them another port"
                )

    def _check_venues(self) -> None:
        if not self._reader.venues:
            self._problems.append(
                f"{self._reader.shown('venues')}: no venue; add a file NAME.toml for each"
            )
        mics: dict[str, str] = {self._model.mic: f"{self._file} [gateway]"}
        cap = self._model.access_fee_cap
        for name, venue in self._reader.venues.items():
            where = self._venue_file(name)
            other = mics.setdefault(venue.mic, where)
            if other != where:
                self._problems.append(
                    f"{where}: mic = {venue.mic!r} is also that of {other}; each has its own"
                )
            if venue.take_fee > cap:
                self._problems.append(
                    f"{where}: take_fee is above access_fee_cap of {self._file} [gateway];"
                    " lower the fee or raise the cap"
                )
            if venue.cancel_reserve >= venue.orders_per_second:
                self._problems.append(
                    f"{where}: cancel_reserve = {venue.cancel_reserve}: expected less than"
                    f" orders_per_second = {venue.orders_per_second}; lower it"
                )

            self._check_mass_status(where, venue)
            if venue.trading_status == "quotes" and not venue.market_data:
                self._problems.append(
                    f"{where}: trading_status = 'quotes' without market_data = true: there is no"
                    " such session to ask; set it to 'orders' or 'unasked'"
                )

    def _check_mass_status(self, where: str, venue: VenueModel) -> None:
        """What such a request leaves open is asked about by H."""
        if venue.mass_status is MassStatus.NONE:
            return
        needs = "has_status = true" if not venue.has_status else ""
        if not dialect_of(venue.dialect).mass_status:
            needs = 'dialect = "FIX.4.4"'
        if needs:
            self._problems.append(
                f"{where}: mass_status = '{venue.mass_status}': expected {needs} with it; set that,"
                " or 'none'"
            )

    def _check_strategies(self) -> None:
        for name, strategy in self._reader.strategies.items():
            where = f"{self._reader.shown('strategies.toml')} [{name}]"
            if not strategy.use_dark and not strategy.use_lit:
                self._problems.append(
                    f"{where}: use_dark and use_lit are both false: nothing could be sent; set one"
                    " of them to true"
                )
            if strategy.lit_tactic is LitTactic.SWEEP:
                continue
            if strategy.spray_max_shown < strategy.spray_clip:
                self._problems.append(
                    f"{where}: spray_max_shown = {strategy.spray_max_shown} is less than spray_clip"
                    f" = {strategy.spray_clip}; raise the one or lower the other"
                )
            if strategy.spray_post_only and strategy.spray_price is SprayPrice.TOUCH_FAR:
                self._problems.append(
                    f"{where}: spray_post_only with spray_price = 'touch_far': a venue refuses what"
                    " takes; turn one of them off"
                )

    def _check_calendar(self, name: str, model: CalendarModel) -> None:
        where = f"{self._reader.shown('calendar.toml')} [{name}]"
        if not model.opens < model.closes <= model.day_end:
            self._problems.append(
                f"{where}: expected opens before closes, and day_end not before closes;"
                f" they are {model.opens}, {model.closes} and {model.day_end}"
            )
        if model.first > model.last:
            self._problems.append(f"{where}: first is after last; swap them")
        for day in model.holidays:
            if day.weekday() >= SATURDAY:
                self._problems.append(
                    f"{where}: holiday {day} is on a weekend; name the weekday it is observed on"
                )
        for day, close in model.early_closes.items():
            if day.weekday() >= SATURDAY or day in model.holidays:
                self._problems.append(f"{where}: early close {day} is not a trading day; remove it")
            elif not model.opens < close < model.closes:
                self._problems.append(
                    f"{where}: early close {day} = {close}: expected a time between opens and"
                    " closes; change it"
                )

    def _unknown_name(self, key: str, name: str, known: Iterable[str]) -> None:
        close = difflib.get_close_matches(name, list(known), 1)
        hint = f"did you mean {close[0]!r}?" if close else "choose one of them"
        self._problems.append(
            f"{self._file} [gateway]: {key} = {name!r}: expected one of"
            f" {', '.join(sorted(known))}; {hint}"
        )

    def _venue_file(self, name: str) -> str:
        return self._reader.shown("venues", f"{name}.toml")


def _venue(name: str, model: VenueModel) -> VenueSettings:
    return VenueSettings(
        name=name,
        kind=model.kind,
        mic=model.mic,
        take_fee_micros=model.take_fee,
        add_fee_micros=model.add_fee,
        mid_fee_micros=model.mid_fee,
        latency_prior_ns=model.latency_prior_us * 1_000,
        fill_rate_prior=model.fill_rate_prior,
        impact_bps=model.impact_bps,
        enabled=model.enabled,
        has_status=model.has_status,
        unknown_is_final=model.unknown_is_final,
        mass_status=model.mass_status,
        orders_per_second=model.orders_per_second,
        cancel_reserve=model.cancel_reserve,
        max_child_quantity=model.max_child_quantity,
    )


def _strategy(name: str, model: StrategyModel) -> StrategySettings:
    return StrategySettings(
        name=name,
        use_dark=model.use_dark,
        use_lit=model.use_lit,
        sizing=model.sizing,
        dark_quantity=model.dark_quantity,
        dark_first_box_ns=model.dark_first_box_ms * NANOS_PER_MILLISECOND,
        dark_box_ns=model.dark_box_ms * NANOS_PER_MILLISECOND,
        dark_dry_share=model.dark_dry_share,
        dark_min_quantity=model.dark_min_quantity,
        dark_guard_quantity=model.dark_guard_quantity,
        dark_size_spread=model.dark_size_spread,
        dark_delay_ns=model.dark_delay_ms * NANOS_PER_MILLISECOND,
        lit_tactic=model.lit_tactic,
        lit_wave_ns=model.lit_wave_ms * NANOS_PER_MILLISECOND,
        sweep_levels=model.sweep_levels,
        sweep_iso=model.sweep_iso,
        sweep_align_ns=model.sweep_align_us * 1_000,
        sweep_fade=model.sweep_fade,
        spray_clip=model.spray_clip,
        spray_max_shown=model.spray_max_shown,
        spray_price=model.spray_price,
        spray_post_only=model.spray_post_only,
        spray_size_spread=model.spray_size_spread,
        spray_delay_ns=model.spray_delay_ms * NANOS_PER_MILLISECOND,
        spray_queues=model.spray_queues,
        crumble_share=model.crumble_share,
        crumble_hold_ns=model.crumble_hold_ms * NANOS_PER_MILLISECOND,
        patience_ns=model.patience_ms * NANOS_PER_MILLISECOND,
        take_ahead=model.take_ahead,
        max_quantity=model.max_quantity,
        max_notional_micros=model.max_notional,
        max_adv_share=model.max_adv_share,
        ord_types=tuple(OrdType(each) for each in model.order_types),
        weight_fee=model.weight_fee,
        weight_impact=model.weight_impact,
        weight_latency=model.weight_latency,
        weight_fill=model.weight_fill,
    )
