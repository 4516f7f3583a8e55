"""The file of a scenario: what it says, and what is said of its mistakes."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from sor_gateway.config import ConfigError, load
from sor_gateway.config.scenario import as_environment, load_scenario, market_file, scenario_names

CONFIG = Path(__file__).parents[2] / "config"
GOOD = """
about = "A test."
[market]
scale = 120.5
[order]
side = "sell"
symbol = "ACME"
quantity = 300
limit = 48.50
strategy = "minimal-impact"
[expect]
waves = [{ dark-a = 5, dark-b = 5 }, { dark-a = 10 }]
shown_max = 500
[gateway.strategies.minimal-impact]
dark_box_ms = 575
use_dark = true
[gateway.router]
quote_max_age_ms = 7
"""


def write(tmp_path: Path, text: str) -> Path:
    folder = tmp_path / "scenarios" / "test"
    folder.mkdir(parents=True)
    (folder / "scenario.toml").write_text(text)
    return tmp_path


def test_says_what_is_traded_and_what_has_to_hold(tmp_path: Path) -> None:
    scenario = load_scenario(write(tmp_path, GOOD), "test")
    assert (scenario.market_scale, scenario.quantity) == (120.5, 300)
    assert scenario.limit == Decimal("48.5")
    assert scenario.expect.waves == [{"dark-a": 5, "dark-b": 5}, {"dark-a": 10}]
    assert (scenario.expect.shown_max, scenario.expect.dark_total) == (500, None)


def test_tells_the_gateway_by_its_environment(tmp_path: Path) -> None:
    scenario = load_scenario(write(tmp_path, GOOD), "test")
    assert scenario.environment == {
        "SOR__STRATEGIES__MINIMAL_IMPACT__DARK_BOX_MS": "575",
        "SOR__STRATEGIES__MINIMAL_IMPACT__USE_DARK": "true",
        "SOR__ROUTER__QUOTE_MAX_AGE_MS": "7",
    }
    changed = load(CONFIG, scenario.environment).router
    assert changed.strategies["minimal-impact"].dark_box_ns == 575_000_000
    assert changed.quote_max_age_ns == 7_000_000


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("scale = 120.5", "sacle = 120", "unknown key `market.sacle`"),
        ("quantity = 300", "", "missing key `order.quantity`"),
        ("quantity = 300", "quantity = 0", "order.quantity = 0"),
        ('side = "sell"', 'side = "short"', "order.side = 'short'"),
        ("about", "about = = 1", "cannot be read"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_key(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    config = write(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(ConfigError) as caught:
        load_scenario(config, "test")
    assert words in str(caught.value)
    assert "scenario.toml" in str(caught.value)


def test_an_unknown_scenario_names_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"there are: .*default"):
        load_scenario(CONFIG, "nonsense")


def test_a_market_of_its_own_goes_before_the_common_one(tmp_path: Path) -> None:
    config = write(tmp_path, GOOD)
    assert market_file(config, "test") == tmp_path / "market.toml"
    own = tmp_path / "scenarios" / "test" / "market.toml"
    own.touch()
    assert market_file(config, "test") == own


@pytest.mark.parametrize("name", scenario_names(CONFIG))
def test_each_shipped_scenario_is_good_and_so_is_what_it_tells_the_gateway(name: str) -> None:
    scenario = load_scenario(CONFIG, name)
    configuration = load(CONFIG, scenario.environment)
    assert scenario.strategy in configuration.router.strategies
    assert scenario.symbol in configuration.securities
    assert scenario.name == name
    named = {venue for wave in scenario.expect.waves for venue in wave}
    assert named <= set(configuration.router.venues)


def test_switches_and_lists_are_written_as_the_configuration_reads_them() -> None:
    assert as_environment({"a-b": {"c": False, "d": 1.5, "e": ["X", "Y"]}}) == {
        "SOR__A_B__C": "false",
        "SOR__A_B__D": "1.5",
        "SOR__A_B__E": '["X", "Y"]',
    }
