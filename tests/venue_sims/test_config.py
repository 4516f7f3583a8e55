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
    midnight_ns,
    parse_address,
    parse_scale,
)


class TestDefaultSet:
    @pytest.mark.parametrize(
        ("name", "mic", "comp_id", "port", "control", "fees"),
        [
            ("dark-a", "DRKA", "DARKA", 9901, 9951, (1_500, 1_500, 1_500)),
            ("exchange", "XLIT", "EXCH", 9906, 9956, (2_800, -1_800, 1_000)),
        ],
    )
    def test_is_what_decisions_say(
        self,
        name: str,
        mic: str,
        comp_id: str,
        port: int,
        control: int,
        fees: tuple[int, int, int],
    ) -> None:
        file = load_venue(DEFAULT / f"{name}.toml")
        assert (file.name, file.mic, file.comp_id, file.port) == (name, mic, comp_id, port)
        assert file.control == ("127.0.0.1", control)
        assert (file.fees.take, file.fees.add, file.fees.mid) == fees

    @pytest.mark.parametrize("name", ["dark-a", "exchange"])
    def test_agrees_with_what_the_gateway_believes(self, name: str) -> None:
        believed = tomllib.loads((CONFIG / "venues" / f"{name}.toml").read_text())
        file = load_venue(DEFAULT / f"{name}.toml")
        assert (believed["kind"], believed["mic"]) == (str(file.kind), file.mic)
        assert (believed["comp_id"], believed["port"]) == (file.comp_id, file.port)
        for key, rate in (("take", file.fees.take), ("add", file.fees.add), ("mid", file.fees.mid)):
            assert round(believed[f"{key}_fee"] * 1_000_000) == rate
        median_us = file.latency.in_us + file.latency.match_us + file.latency.out_us
        assert believed["latency_prior_us"] == median_us

    def test_both_sides_find_a_latent_parent(self) -> None:
        latent = load_venue(DEFAULT / "dark-a.toml").latent
        assert {str(each.side) for each in latent if each.symbol == "ACME"} == {"buy", "sell"}


def changed(tmp_path: Path, source: Path, old: str, new: str) -> Path:
    text = source.read_text()
    assert old in text
    path = tmp_path / source.name
    path.write_text(text.replace(old, new, 1))
    return path


class TestErrors:
    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("rate = 0.05", "rat = 0.05", "ambient.rat: unknown key"),
            ('kind = "dark"', 'kind = "darkish"', "venue.kind: "),
            ("take = 0.0015", "take = 0.0031", "above the access-fee cap"),
            ("take = 0.0015", "take = 0.00150001", "more than six decimals"),
            ('name = "seller"', 'name = "buyer"', "two latent parents"),
            ("port = 9901", "port = 99010", "fix.port: "),
            ('"127.0.0.1:9951"', '"9951"', "expected HOST:PORT"),
            ("[fees]", "[fees", "dark-a.toml: "),
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
            ("vov = 0.6", "vovo = 0.6", "symbol.0.vovo: unknown key"),
            ("lag = 1", "lag = 99", "lit.1.lag: "),
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
