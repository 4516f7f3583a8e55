from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sor_gateway.config import load
from sor_gateway.fix.settings import Role
from sor_gateway.sor.settings import LitTactic, Sizing, SprayPrice
from sor_gateway.sor.types import OrdType, VenueKind
from tests.config.spoiling import SHIPPED, Replace, problems

NANOS_PER_DAY = 86_400 * 10**9


class TestShipped:
    def test_the_gateway(self) -> None:
        gateway = load(SHIPPED, {}).gateway
        assert (gateway.host, gateway.port) == ("127.0.0.1", 9880)
        assert (gateway.admin_host, gateway.admin_port) == ("127.0.0.1", 9890)
        assert (gateway.comp_id, gateway.mic) == ("SOR", "SORX")
        assert gateway.durability == "process"
        assert gateway.log_file is None
        assert gateway.tls is None

    def test_the_ems_sessions(self) -> None:
        sessions = load(SHIPPED, {}).ems_sessions
        assert [
            (s.name, s.begin_string, s.sender_comp_id, s.target_comp_id, s.role) for s in sessions
        ] == [
            ("EMS", "FIX.4.4", "SOR", "EMS", Role.ACCEPTOR),
            ("EMS42", "FIX.4.2", "SOR", "EMS42", Role.ACCEPTOR),
        ]
        assert all(s.user_defined == "listed" for s in sessions)

    def test_a_dark_venue_has_one_session(self) -> None:
        configuration = load(SHIPPED, {})
        dark = next(venue for venue in configuration.venues if venue.name == "dark-a")
        assert (dark.host, dark.port, dark.dialect) == ("127.0.0.1", 9901, "FIX.4.4")
        assert (dark.orders.name, dark.orders.sender_comp_id) == ("dark-a", "SOR")
        assert (dark.orders.target_comp_id, dark.orders.role) == ("DARKA", Role.INITIATOR)
        assert not dark.orders.reset_on_logon
        assert dark.quotes is None
        settings = configuration.router.venues["dark-a"]
        assert (settings.kind, settings.mic) == (VenueKind.DARK, "DRKA")
        assert settings.take_fee_micros == 1_500
        assert settings.latency_prior_ns == 550_000

    def test_a_lit_venue_has_two(self) -> None:
        configuration = load(SHIPPED, {})
        lit = next(venue for venue in configuration.venues if venue.name == "exchange")
        assert lit.quotes is not None
        assert (lit.quotes.sender_comp_id, lit.quotes.target_comp_id) == ("SORMD", "EXCH")
        assert lit.quotes.reset_on_logon
        assert lit.quotes.name != lit.orders.name
        assert lit.symbols == ["ACME", "BOLT", "CRUX", "DYNE"]
        settings = configuration.router.venues["exchange"]
        assert (settings.take_fee_micros, settings.add_fee_micros, settings.mid_fee_micros) == (
            2_800,
            -1_800,
            1_000,
        )

    def test_the_router(self) -> None:
        router = load(SHIPPED, {}).router
        assert router.default_strategy == "balanced"
        assert set(router.strategies) == {
            "balanced",
            "urgent",
            "minimal-impact",
            "dark-only",
            "lit-sweep",
        }
        assert not router.strategies["dark-only"].use_lit
        assert not router.strategies["lit-sweep"].use_dark
        assert router.strategies["urgent"].dark_box_ns == 200_000_000
        tactics = {name: each.lit_tactic.value for name, each in router.strategies.items()}
        assert tactics == {
            "balanced": "spray-then-sweep",
            "urgent": "sweep",
            "minimal-impact": "spray",
            "dark-only": "sweep",
            "lit-sweep": "sweep",
        }
        assert router.risk.max_notional_micros == 100_000_000 * 10**6
        assert router.risk.stale_order_age_ns == 30 * 10**9
        assert {s: d.previous_close_micros for s, d in router.securities.items()} == {
            "ACME": 50_000_000,
            "BOLT": 120_000_000,
            "CRUX": 18_000_000,
            "DYNE": 250_000_000,
        }

    def test_what_a_preset_says_arrives_in_its_units(self) -> None:
        environ = {
            f"SOR__STRATEGIES__URGENT__{key}": value
            for key, value in {
                "SIZING": "playbook",
                "DARK_FIRST_BOX_MS": "1917",
                "LIT_TACTIC": "spray",
                "SPRAY_CLIP": "300",
                "SPRAY_MAX_SHOWN": "900",
                "SPRAY_PRICE": "touch_far",
                "SPRAY_SIZE_SPREAD": "0.5",
                "SPRAY_DELAY_MS": "20",
                "PATIENCE_MS": "4000",
                "DARK_SIZE_SPREAD": "0.25",
                "DARK_DELAY_MS": "30",
                "SWEEP_FADE": "0.3",
                "SWEEP_ISO": "true",
                "SWEEP_ALIGN_US": "700",
                "SPRAY_QUEUES": "false",
                "CRUMBLE_SHARE": "0.6",
                "CRUMBLE_HOLD_MS": "70",
                "MAX_QUANTITY": "10000",
                "MAX_NOTIONAL": "250000.50",
                "ORDER_TYPES": '["limit"]',
            }.items()
        }
        urgent = load(SHIPPED, environ).router.strategies["urgent"]
        assert (urgent.sizing, urgent.lit_tactic) == (Sizing.PLAYBOOK, LitTactic.SPRAY)
        assert (urgent.dark_first_box_ns, urgent.spray_delay_ns) == (1_917_000_000, 20_000_000)
        assert (urgent.spray_clip, urgent.spray_max_shown) == (300, 900)
        assert (urgent.spray_price, urgent.spray_size_spread) == (SprayPrice.TOUCH_FAR, 0.5)
        assert urgent.patience_ns == 4_000_000_000
        assert (urgent.dark_size_spread, urgent.dark_delay_ns) == (0.25, 30_000_000)
        assert (urgent.sweep_fade, urgent.sweep_iso, urgent.sweep_align_ns) == (0.3, True, 700_000)
        assert not urgent.spray_queues
        assert (urgent.crumble_share, urgent.crumble_hold_ns) == (0.6, 70_000_000)
        assert (urgent.max_quantity, urgent.max_notional_micros) == (10_000, 250_000_500_000)
        assert urgent.max_adv_share == 0.05
        assert urgent.ord_types == (OrdType.LIMIT,)

    def test_every_default_strategy_exists(self) -> None:
        for name in load(SHIPPED, {}).router.strategies:
            chosen = load(SHIPPED, {"SOR__GATEWAY__DEFAULT_STRATEGY": name})
            assert chosen.router.default_strategy == name


class TestEnvironment:
    def test_overrides_any_key_of_any_file(self) -> None:
        configuration = load(
            SHIPPED,
            {
                "SOR__GATEWAY__LISTEN": "0.0.0.0:9880",
                "SOR__RISK__MAX_NOTIONAL": "0.5",
                "SOR__EMS__EMS42__HEART_BT_INT_S": "60",
                "SOR__EMS__EMS__USERNAME": "trader",
                "SOR__EMS__EMS__PASSWORD_ENV": "EMS_PASSWORD",
                "EMS_PASSWORD": "secret",
                "SOR__VENUES__DARK_A__PORT": "19901",
                "SOR__VENUES__EXCHANGE__HOST": "exchange.example",
                "SOR__VENUES__EXCHANGE__TAKE_FEE": "-0.000001",
                "SOR__VENUES__EXCHANGE__SYMBOLS": '["BOLT"]',
                "SOR__VENUES__EXCHANGE__SESSION__ON_LOW_NUMBER": "reset",
                "SOR__STRATEGIES__MINIMAL_IMPACT__USE_LIT": "false",
                "SOR__CALENDARS__ALWAYS_OPEN__ALWAYS_OPEN": "false",
                "PATH": "/bin",
            },
        )
        assert configuration.gateway.host == "0.0.0.0"
        assert configuration.router.risk.max_notional_micros == 500_000
        assert configuration.ems_sessions[1].heart_bt_int_s == 60
        assert configuration.ems_sessions[0].password == "secret"
        venues = {venue.name: venue for venue in configuration.venues}
        dark, lit = venues["dark-a"], venues["exchange"]
        assert dark.port == 19901
        assert (lit.host, lit.symbols) == ("exchange.example", ["BOLT"])
        assert lit.orders.on_low_number == "reset"
        assert configuration.router.venues["exchange"].take_fee_micros == -1
        assert not configuration.router.strategies["minimal-impact"].use_lit
        assert not configuration.calendar.always_open

    @pytest.mark.parametrize(
        ("variable", "value", "problem"),
        [
            (
                "SOR__GATEWAY__LISEN",
                "x",
                "unknown key `lisen` in environment SOR__GATEWAY__LISEN; did you mean `listen`?",
            ),
            (
                "SOR__GATWAY__LISTEN",
                "x",
                "unknown key `gatway` in environment SOR__GATWAY__LISTEN; did you mean `gateway`?",
            ),
            (
                "SOR__VENUES__DARK_X__PORT",
                "1",
                (
                    "environment SOR__VENUES__DARK_X__PORT: no venue 'dark-x';"
                    " there are dark-a, dark-b, dark-c, ecn, exchange, exchange-iex, inverted"
                ),
            ),
            (
                "SOR__VENUES__DARK_A__PORT",
                "99999",
                (
                    "environment SOR__VENUES__DARK_A__PORT: port = '99999': expected a TCP port,"
                    " 1 to 65535; change it there"
                ),
            ),
            (
                "SOR__VENUES__EXCHANGE__SYMBOLS",
                "BOLT",
                (
                    "environment SOR__VENUES__EXCHANGE__SYMBOLS: symbols = 'BOLT': expected a list"
                    ' of symbols such as ["ACME"], or no such key for all; change it there'
                ),
            ),
            (
                "SOR__GATEWAY__LISTEN__PORT",
                "1",
                (
                    "environment SOR__GATEWAY__LISTEN__PORT: `listen` is a value and has no keys;"
                    " use SOR__GATEWAY__LISTEN"
                ),
            ),
        ],
    )
    def test_mistakes_name_the_variable(self, variable: str, value: str, problem: str) -> None:
        assert problems(SHIPPED, {variable: value}) == [problem]


class TestMistakes:
    def test_an_unknown_key_and_the_nearest(self, folder: Path, replace: Replace) -> None:
        replace("gateway.toml", "listen =", "lisen =")
        assert problems(folder) == [
            "unknown key `lisen` in config/gateway.toml [gateway]; did you mean `listen`?"
        ]

    def test_an_unknown_key_in_each_kind_of_file(self, folder: Path, replace: Replace) -> None:
        replace("venues/dark-a.toml", "mic =", "colour = 1\nmic =")
        replace("strategies.toml", "[urgent]", "[urgent]\ncolour = 1\n#")
        replace("calendar.toml", "[us-equities]", "[us-equities]\ncolour = 1")
        replace("gateway.toml", "[ems.EMS42]", "[ems.EMS42]\ncolour = 1")
        assert problems(folder) == [
            "unknown key `colour` in config/venues/dark-a.toml; remove it",
            "unknown key `colour` in config/strategies.toml [urgent]; remove it",
            "unknown key `colour` in config/calendar.toml [us-equities]; remove it",
            "unknown key `colour` in config/gateway.toml [ems.EMS42]; remove it",
        ]

    @pytest.mark.parametrize(
        ("file", "old", "new", "problem"),
        [
            pytest.param(
                "gateway.toml",
                '"127.0.0.1:9880"',
                "9880",
                "config/gateway.toml [gateway]: listen = 9880: expected host:port such as"
                ' "127.0.0.1:9880"; change it there or set SOR__GATEWAY__LISTEN',
                id="a port alone",
            ),
            pytest.param(
                "gateway.toml",
                '"process"  ',
                '"none"  ',
                "config/gateway.toml [gateway]: durability = 'none': expected \"process\" or"
                ' "power"; change it there or set SOR__GATEWAY__DURABILITY',
                id="durability",
            ),
            pytest.param(
                "venues/dark-a.toml",
                'mic = "DRKA"\n',
                "",
                "missing key `mic` in config/venues/dark-a.toml: expected a MIC: four capital"
                " letters or digits (ISO 10383); add it or set SOR__VENUES__DARK_A__MIC",
                id="a missing key",
            ),
            pytest.param(
                "venues/dark-a.toml",
                "take_fee = 0.0015",
                "take_fee = 0.00150001",
                "config/venues/dark-a.toml: take_fee = 0.00150001: expected US dollars a share"
                " with at most six decimals, negative for a rebate; change it there or set"
                " SOR__VENUES__DARK_A__TAKE_FEE",
                id="finer than a micro",
            ),
            pytest.param(
                "venues/dark-a.toml",
                "take_fee = 0.0015",
                "take_fee = true",
                "config/venues/dark-a.toml: take_fee = True: expected US dollars a share with at"
                " most six decimals, negative for a rebate; change it there or set"
                " SOR__VENUES__DARK_A__TAKE_FEE",
                id="a fee that is a switch",
            ),
            pytest.param(
                "calendar.toml",
                '"America/New_York"',
                '"America/New_Yrok"',
                "config/calendar.toml [us-equities]: zone = 'America/New_Yrok': expected a time"
                ' zone such as "America/New_York"; change it there or set'
                " SOR__CALENDARS__US_EQUITIES__ZONE",
                id="a zone",
            ),
            pytest.param(
                "gateway.toml",
                '"balanced"',
                '"balancd"',
                "config/gateway.toml [gateway]: default_strategy = 'balancd': expected one of"
                " balanced, dark-only, lit-sweep, minimal-impact, urgent; did you mean"
                " 'balanced'?",
                id="an unknown default strategy",
            ),
            pytest.param(
                "gateway.toml",
                '"always-open"',
                '"mars"',
                "config/gateway.toml [gateway]: calendar = 'mars': expected one of always-open,"
                " us-equities; choose one of them",
                id="an unknown calendar",
            ),
            pytest.param(
                "venues/exchange.toml",
                "port = 9906",
                "port = 9901",
                "config/venues/exchange.toml: port = 127.0.0.1:9901, which is also"
                " config/venues/dark-a.toml: port; give one of them another port",
                id="two venues on one port",
            ),
            pytest.param(
                "gateway.toml",
                "9890",
                "9880",
                "config/gateway.toml [gateway] admin = 127.0.0.1:9880, which is also"
                " config/gateway.toml [gateway] listen; give one of them another port",
                id="two of our own on one port",
            ),
            pytest.param(
                "venues/exchange.toml",
                '"EXCH"',
                '"DARKA"',
                "config/venues/exchange.toml: the session FIX.4.4 SOR DARKA is also that of"
                " config/venues/dark-a.toml; give one of them another comp_id",
                id="two sessions with one identity",
            ),
            pytest.param(
                "gateway.toml",
                '"SORMD"',
                '"SOR"',
                "config/venues/exchange.toml (market data): the session FIX.4.4 SOR EXCH is also"
                " that of config/venues/exchange.toml; give one of them another comp_id",
                id="orders and market data are two sessions",
            ),
            pytest.param(
                "gateway.toml",
                "[ems.EMS42]",
                "[ems.exchange]",
                "config/venues/exchange.toml: the session name 'exchange' is also that of"
                " config/gateway.toml [ems.exchange]; rename one of them",
                id="two sessions with one name",
            ),
            pytest.param(
                "venues/exchange.toml",
                '"XLIT"',
                '"DRKA"',
                "config/venues/exchange.toml: mic = 'DRKA' is also that of"
                " config/venues/dark-a.toml; each has its own",
                id="two venues with one MIC",
            ),
            pytest.param(
                "venues/exchange.toml",
                "take_fee = 0.0028",
                "take_fee = 0.0031",
                "config/venues/exchange.toml: take_fee is above access_fee_cap of"
                " config/gateway.toml [gateway]; lower the fee or raise the cap",
                id="above the access fee cap",
            ),
            pytest.param(
                "venues/dark-a.toml",
                "cancel_reserve = 50",
                "cancel_reserve = 120",
                "config/venues/dark-a.toml: cancel_reserve = 120: expected less than"
                " orders_per_second = 120; lower it",
                id="a reserve that leaves nothing",
            ),
            pytest.param(
                "venues/exchange.toml",
                "market_data = true",
                'market_data = true\nsymbols = ["ACNE"]',
                "config/venues/exchange.toml: symbols names 'ACNE', which is not in"
                " config/securities.csv; add it there or remove it here",
                id="a symbol without reference data",
            ),
            pytest.param(
                "strategies.toml",
                "use_lit = false",
                "use_lit = false\nuse_dark = false",
                "config/strategies.toml [dark-only]: use_dark and use_lit are both false: nothing"
                " could be sent; set one of them to true",
                id="a strategy that can send nothing",
            ),
            pytest.param(
                "strategies.toml",
                "spray_max_shown = 2000",
                "spray_max_shown = 400",
                "config/strategies.toml [balanced]: spray_max_shown = 400 is less than spray_clip"
                " = 500; raise the one or lower the other",
                id="a clip that may not be shown",
            ),
            pytest.param(
                "strategies.toml",
                "spray_delay_ms = 300",
                'spray_delay_ms = 300\nspray_price = "touch_far"\nspray_post_only = true',
                "config/strategies.toml [minimal-impact]: spray_post_only with spray_price ="
                " 'touch_far': a venue refuses what takes; turn one of them off",
                id="taking without taking",
            ),
            pytest.param(
                "strategies.toml",
                'sizing = "posterior"',
                'sizing = "guess"',
                "config/strategies.toml [balanced]: sizing = 'guess': expected \"playbook\" or"
                ' "posterior"; change it there or set SOR__STRATEGIES__BALANCED__SIZING',
                id="an unknown sizing",
            ),
            pytest.param(
                "calendar.toml",
                "2026-12-25",
                "2026-12-26",
                "config/calendar.toml [us-equities]: holiday 2026-12-26 is on a weekend; name the"
                " weekday it is observed on",
                id="a holiday on a Saturday",
            ),
            pytest.param(
                "calendar.toml",
                "2026-11-27 =",
                "2026-11-26 =",
                "config/calendar.toml [us-equities]: early close 2026-11-26 is not a trading day;"
                " remove it",
                id="an early close on a holiday",
            ),
            pytest.param(
                "calendar.toml",
                "2026-11-27 = 13",
                "2026-11-27 = 16",
                "config/calendar.toml [us-equities]: early close 2026-11-27 = 16:00:00: expected a"
                " time between opens and closes; change it",
                id="an early close that is not early",
            ),
            pytest.param(
                "calendar.toml",
                "opens = 09:30:00",
                "opens = 16:30:00",
                "config/calendar.toml [us-equities]: expected opens before closes, and day_end not"
                " before closes; they are 16:30:00, 16:00:00 and 17:00:00",
                id="hours the wrong way round",
            ),
            pytest.param(
                "calendar.toml",
                "first = 2026",
                "first = 2028",
                "config/calendar.toml [us-equities]: first is after last; swap them",
                id="a range the wrong way round",
            ),
            pytest.param(
                "securities.csv",
                "0.01",
                "free",
                "config/securities.csv:2: tick = 'free': expected dollars above 0 with at most six"
                ' decimals, such as "50.01"',
                id="a bad line of reference data",
            ),
        ],
    )
    def test_name_file_key_value_what_was_expected_and_a_remedy(
        self, folder: Path, replace: Replace, file: str, old: str, new: str, problem: str
    ) -> None:
        replace(file, old, new)
        assert problem in problems(folder)

    def test_are_all_found_in_one_go(self, folder: Path, replace: Replace) -> None:
        replace("gateway.toml", "127.0.0.1:9880", "x")
        replace("venues/dark-a.toml", "9901", "0")
        replace("securities.csv", "ACME", "")
        assert len(problems(folder)) == 3

    def test_a_file_that_is_not_toml_is_named_with_its_line(
        self, folder: Path, replace: Replace
    ) -> None:
        replace("venues/dark-a.toml", '"dark"', "dark")
        (problem,) = problems(folder)
        assert problem.startswith("config/venues/dark-a.toml: not TOML: ")
        assert "line 4" in problem

    @pytest.mark.parametrize(
        "file", ["gateway.toml", "strategies.toml", "calendar.toml", "securities.csv"]
    )
    def test_a_missing_file_is_named(self, folder: Path, file: str) -> None:
        (folder / file).unlink()
        assert any(
            problem.startswith(f"config/{file}: cannot be read") for problem in problems(folder)
        )

    def test_without_venues_or_clients_there_is_nothing_to_do(
        self, folder: Path, replace: Replace
    ) -> None:
        shutil.rmtree(folder / "venues")
        replace("gateway.toml", '[ems.EMS]\nbegin_string = "FIX.4.4"', "")
        replace("gateway.toml", '[ems.EMS42]\nbegin_string = "FIX.4.2"', "")
        assert problems(folder) == [
            "config/gateway.toml: no EMS session; add a section [ems.EMS]",
            "config/venues: no venue; add a file NAME.toml for each",
        ]


class TestReferenceDataAge:
    def test_is_watched_when_asked_for(self) -> None:
        as_of = 20_777 * NANOS_PER_DAY  # 2026-11-20
        watched = load(SHIPPED, {"SOR__GATEWAY__REFERENCE_DATA_MAX_AGE_DAYS": "3"})
        assert not watched.reference_data_stale(as_of + 4 * NANOS_PER_DAY - 1)
        assert watched.reference_data_stale(as_of + 4 * NANOS_PER_DAY)

    def test_is_not_by_default(self) -> None:
        assert not load(SHIPPED, {}).reference_data_stale(40_000 * NANOS_PER_DAY)
