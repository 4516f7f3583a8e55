"""The files: what is in the default set, and errors that name file and key."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.venue_sims.helpers import CONFIG, DEFAULT, SECOND, make_venue, market, venue_file
from venue_sims.__main__ import main
from venue_sims.config import (
    ConfigError,
    load_market,
    load_venue,
    parse_address,
)
from venue_sims.flow.clock import midnight_ns, parse_scale
from venue_sims.matching.signal import SignalSettings

NAMES = ("dark-a", "dark-b", "dark-c", "ecn", "inverted", "exchange", "exchange-iex")


class TestDefaultSet:
    def test_both_folders_hold_the_same_seven(self) -> None:
        for folder in (DEFAULT, CONFIG / "venues"):
            found = {path.stem for path in folder.glob("*.toml")} - {"scenario", "market"}
            assert found == set(NAMES)

    @pytest.mark.parametrize(
        ("name", "kind", "mic", "comp_id", "number", "fees", "median_us"),
        [
            ("dark-a", "dark", "DRKA", "DARKA", 1, (1_500, 1_500, 1_500), 550),
            ("dark-b", "dark", "DRKB", "DARKB", 2, (1_000, 1_000, 1_000), 700),
            ("dark-c", "dark", "DRKC", "DARKC", 3, (1_000, 1_000, 1_000), 600),
            ("ecn", "ecn", "XECN", "ECNX", 4, (3_000, -2_000, 1_000), 150),
            ("inverted", "inverted", "XINV", "INVX", 5, (-1_600, 2_000, 0), 200),
            ("exchange", "exchange", "XLIT", "EXCH", 6, (2_800, -1_800, 1_000), 250),
            ("exchange-iex", "exchange", "XIEX", "IEXP", 7, (600, 0, 900), 250 + 2 * 350),
        ],
    )
    def test_is_what_decisions_say(
        self,
        name: str,
        kind: str,
        mic: str,
        comp_id: str,
        number: int,
        fees: tuple[int, int, int],
        median_us: int,
    ) -> None:
        file = load_venue(DEFAULT / f"{name}.toml")
        assert (file.name, file.kind, file.mic, file.comp_id) == (name, kind, mic, comp_id)
        assert file.profile == ("iex" if name == "exchange-iex" else "")
        assert (file.port, file.control) == (9900 + number, ("127.0.0.1", 9950 + number))
        assert (file.fees.take, file.fees.add, file.fees.mid) == fees
        latency = file.latency
        assert latency.in_us + latency.match_us + latency.out_us == median_us
        assert file.sessions == ["SOR"]
        assert file.data_sessions == ([] if kind == "dark" else ["SORMD"])

    @pytest.mark.parametrize("name", NAMES)
    def test_agrees_with_what_the_gateway_believes(self, name: str) -> None:
        believed = tomllib.loads((CONFIG / "venues" / f"{name}.toml").read_text())
        file = load_venue(DEFAULT / f"{name}.toml")
        assert (believed["kind"], believed["mic"]) == (str(file.kind), file.mic)
        assert (believed["comp_id"], believed["port"]) == (file.comp_id, file.port)
        assert believed["dialect"] in file.versions
        assert believed.get("market_data", False) == bool(file.data_sessions)
        for key, rate in (("take", file.fees.take), ("add", file.fees.add), ("mid", file.fees.mid)):
            assert round(believed[f"{key}_fee"] * 1_000_000) == rate
        median_us = file.latency.in_us + file.latency.match_us + file.latency.out_us
        assert believed["latency_prior_us"] == median_us

    @pytest.mark.parametrize("name", NAMES)
    def test_the_gateway_stays_below_the_throttle(self, name: str) -> None:
        """Its bucket and what refills meanwhile, less what is kept for cancels."""
        believed = tomllib.loads((CONFIG / "venues" / f"{name}.toml").read_text())
        throttle = load_venue(DEFAULT / f"{name}.toml").throttle
        rate = believed["orders_per_second"]
        window = rate + rate * throttle.per_ms / 1_000 - believed["cancel_reserve"]
        assert window < throttle.msgs

    def test_every_lit_venue_of_the_market_is_there(self) -> None:
        lit = {load_venue(DEFAULT / f"{name}.toml").mic for name in NAMES if "dark" not in name}
        assert {quoter.mic for quoter in market().quoters} == lit

    def test_both_sides_find_a_latent_parent(self) -> None:
        latent = load_venue(DEFAULT / "dark-a.toml").latent
        assert {str(each.side) for each in latent if each.symbol == "ACME"} == {"buy", "sell"}


def changed(tmp_path: Path, source: Path, old: str, new: str) -> Path:
    text = source.read_text()
    assert old in text
    path = tmp_path / source.name
    path.write_text(text.replace(old, new, 1))
    return path


class TestMatching:
    def test_of_the_default_set_is_what_decisions_say(self) -> None:
        """The NBBO is a function of time here: it does not know what was taken, so nobody is held
        to it."""
        for name in NAMES:
            match = venue_file(name).match
            assert (match.protect, match.slide, match.self_match) == (False, False, "newest")
            assert match.invitations.window_ns == SECOND
        assert venue_file("exchange-iex").match.signal == SignalSettings()
        assert venue_file("exchange-iex").match.leaders == ["XECN", "XLIT"]

    def test_everything_can_be_chosen(self, tmp_path: Path) -> None:
        chosen = """[match]
stp = "decrement"
post_only = "slide"
oprule = "enforce"
price_improve = "split"
by_size = true
tiers = { SOR = 2 }
apart = [[1, 2]]

[control]"""
        match = load_venue(changed(tmp_path, DEFAULT / "dark-a.toml", "[control]", chosen)).match
        assert (match.self_match, match.slide, match.protect) == ("decrement", True, True)
        assert (match.improvement, match.by_size) == ("split", True)
        assert match.tiers == {"SOR-FIX.4.4": 2, "SOR-FIX.4.2": 2}
        assert match.apart == {(1, 2)}


class TestErrors:
    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("rate = 0.05", "rat = 0.05", "ambient.rat: unknown key"),
            ('kind = "dark"', 'kind = "darkish"', "venue.kind: "),
            ('mic = "DRKA"', 'mic = "DRKA"\nprofile = "iex"', "profile iex is for an exchange"),
            ("take = 0.0015", "take = 0.0031", "above the access-fee cap"),
            ("take = 0.0015", "take = 0.00150001", "more than six decimals"),
            ('name = "seller"', 'name = "buyer"', "two latent parents"),
            ("port = 9901", "port = 99010", "fix.port: "),
            ('"127.0.0.1:9951"', '"9951"', "expected HOST:PORT"),
            ("[fees]", "[fees", "dark-a.toml: "),
            ("[control]", "[signal]\n[control]", "signal: only a venue of profile iex has one"),
            ("[control]", "[match]\ntiers = {YOU = 1}\n[control]", "YOU is not among fix.sess"),
            ("[control]", '[match]\nstp = "none"\n[control]', "match.stp: "),
            ("window_ms = 1_000", "suspend_below = 1.5", "conditional.suspend_below: "),
        ],
    )
    def test_in_a_venue_file_name_file_and_key(
        self, tmp_path: Path, old: str, new: str, said: str
    ) -> None:
        path = changed(tmp_path, DEFAULT / "dark-a.toml", old, new)
        with pytest.raises(ConfigError) as raised:
            load_venue(path)
        assert str(raised.value).startswith(str(path))
        assert said in str(raised.value)

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("slot_ms = 100", "slot_ms = 77", "does not divide"),
            ("t0 = 2026-01-05T00:00:00Z", "t0 = 2026-01-05T00:00:00", "needs a zone"),
            ("vov = 0.7", "vovo = 0.7", "symbol.0.vovo: unknown key"),
            ("lag = 1", "lag = 99", "lit.1.lag: "),
            ("tick = 0.01", "tick = 0.000002", "a quarter of it has to be exact"),
        ],
    )
    def test_in_the_market_file(self, tmp_path: Path, old: str, new: str, said: str) -> None:
        path = changed(tmp_path, CONFIG / "market.toml", old, new)
        with pytest.raises(ConfigError, match=said):
            load_market(path)

    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="No such file"):
            load_venue(tmp_path / "none.toml")

    def test_a_symbol_that_the_market_does_not_have(self) -> None:
        file = venue_file("dark-a")
        file.symbols = ["NONE"]
        with pytest.raises(ConfigError, match="NONE is not in the market"):
            make_venue(file, market())

    def test_a_leader_that_the_market_does_not_have(self) -> None:
        file = venue_file("exchange-iex")
        file.match.leaders = ["NONE"]
        with pytest.raises(ConfigError, match="leaders: NONE is not among"):
            make_venue(file, market())

    def test_a_lit_venue_without_a_quote(self) -> None:
        file = venue_file("exchange")
        file.mic = "XXXX"
        with pytest.raises(ConfigError, match="XXXX is not among"):
            make_venue(file, market())


class TestParsing:
    def test_addresses(self) -> None:
        assert parse_address("127.0.0.1:80") == ("127.0.0.1", 80)
        assert parse_address(":80") == ("127.0.0.1", 80)
        for bad in ("80", "host:", "host:99999", "host:x"):
            with pytest.raises(ValueError):
                parse_address(bad)

    def test_scales(self) -> None:
        assert parse_scale("60") == 60_000
        assert parse_scale("1.5") == 1_500
        for bad in ("0", "-1", "1.0001"):
            with pytest.raises(ValueError):
                parse_scale(bad)

    def test_midnight(self) -> None:
        """2026-01-05T00:00:00Z is 1,767,571,200 s."""
        midnight = 1_767_571_200 * SECOND
        assert midnight_ns(midnight) == midnight
        assert midnight_ns(midnight + 86_399 * SECOND + 5) == midnight


class TestCommandLine:
    def arguments(self, kind: str, venue: str) -> list[str]:
        files = ["--venue", str(DEFAULT / f"{venue}.toml"), "--market", str(CONFIG / "market.toml")]
        return ["--kind", kind, *files, "--check"]

    def test_check_says_nothing_about_good_files(self) -> None:
        with pytest.raises(SystemExit) as ended:
            main(self.arguments("dark", "dark-a"))
        assert ended.value.code == 0

    def test_a_kind_that_the_file_contradicts(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            main(self.arguments("exchange", "dark-a"))
        assert ended.value.code == 2
        assert "venue.kind" in capsys.readouterr().err

    def test_ctl_without_a_venue(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            main(["ctl", "--control", "127.0.0.1:1", "status"])
        assert ended.value.code == 1
        assert "127.0.0.1:1" in capsys.readouterr().err


class TestHours:
    def load(self, tmp_path: Path, hours: str) -> object:
        path = tmp_path / "venue.toml"
        path.write_text((DEFAULT / "exchange.toml").read_text() + f"\n[hours]\n{hours}\n")
        return load_venue(path).hours

    def test_without_them_a_venue_is_always_open(self) -> None:
        assert venue_file("exchange").hours.schedule is None

    @pytest.mark.parametrize(
        ("hours", "mistake"),
        [
            ("opens = 09:30:00", "hours.closes"),
            ("opens = 09:30:00\ncloses = 16:00:00\nzone = 'Mars/Olympus'", "hours.zone"),
            ("opens = 09:30:00\ncloses = 16:00:00\ndays = ['monday']", "hours.days"),
            ("opens = 09:30:00\ncloses = 16:00:00\nlunch = true", "hours.lunch: unknown key"),
            ("opens = 09:30:00\ncloses = 16:00:00\npre_open_s = -1", "hours.pre_open_s"),
        ],
    )
    def test_a_mistake_names_file_and_key(self, tmp_path: Path, hours: str, mistake: str) -> None:
        with pytest.raises(ConfigError, match=r"venue\.toml: ") as caught:
            self.load(tmp_path, hours)
        assert mistake in str(caught.value)
