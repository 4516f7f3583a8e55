"""The soak's own parts: its configuration means what it says, its audit finds what is wrong."""

from __future__ import annotations

from pathlib import Path

from sor_gateway.config import load
from sor_gateway.demo.venue_record import VenueRecord
from tests.demo.test_venue_record import Story
from tests.soak.desk import SCENARIO, SESSIONS, SYMBOLS, prepare, with_keys
from tests.soak.run import RESTARTED, Options, Result, bad_log_lines, venue_violations
from venue_sims.config import load_market, load_venue

ROOT = Path(__file__).parents[2]


class TestConfiguration:
    def test_has_eight_symbols_and_three_sessions_of_both_versions(self, tmp_path: Path) -> None:
        config = prepare(ROOT / "config", tmp_path, 0.05, 0.2)
        loaded = load(config, {})
        assert {session.name: session.begin_string for session in loaded.ems_sessions} == SESSIONS
        assert set(loaded.securities) == {symbol.name for symbol in SYMBOLS}
        market = load_market(config / "market.toml")
        assert {each.path.symbol for each in market.symbols} == set(loaded.securities)
        assert len(SYMBOLS) == 8

    def test_every_venue_rejects_and_every_lit_one_fades(self, tmp_path: Path) -> None:
        config = prepare(ROOT / "config", tmp_path, 0.05, 0.2)
        names = sorted(load(config, {}).router.venues)
        for name in names:
            file = load_venue(config / "scenarios" / SCENARIO / f"{name}.toml")
            shipped = load_venue(ROOT / "config" / "scenarios" / "default" / f"{name}.toml")
            assert file.faults["reject_storm"].p == 0.05
            assert shipped.faults == {}
            assert file.fade.p == (shipped.fade.p if str(file.kind) == "dark" else 0.2)
        assert len(names) == 7


class TestKeys:
    def test_a_table_that_is_not_there_is_added(self) -> None:
        assert with_keys("[a]\nx = 1\n", "b", {"y": 2}) == "[a]\nx = 1\n\n[b]\ny = 2\n"

    def test_a_key_that_is_there_is_replaced_and_others_stay(self) -> None:
        text = "[b]\ny = 1   # why\nz = 3\n[c]\ny = 4\n"
        assert with_keys(text, "b", {"y": 2}) == "[b]\ny = 2\nz = 3\n[c]\ny = 4\n"


def result(story: Story, restarted_ns: int = 15) -> Result:
    found = Result(Options(1, 1, 0.05, 0.2, 1.0))
    found.restarted_ns = restarted_ns
    record: VenueRecord = story.read()
    record.rejected = 1
    found.records = {RESTARTED: record}
    return found


class TestAudit:
    def good(self) -> Story:
        story = Story()
        story.fill(20, story.order(10, 100), 100)
        return story

    def test_a_good_course_is_no_violation(self) -> None:
        assert list(venue_violations(result(self.good()))) == []

    def test_a_live_order_at_the_end_is_one(self) -> None:
        story = self.good()
        story.order(30, 100)
        [violation] = venue_violations(result(story))
        assert "still holds 1 live orders" in violation

    def test_an_exec_id_used_twice_is_one(self) -> None:
        story = self.good()
        story.facts.append(story.facts[-1])
        assert any("ExecID twice" in each for each in venue_violations(result(story)))

    def test_a_venue_that_never_trades_again_is_one(self) -> None:
        [violation] = venue_violations(result(self.good(), restarted_ns=99))
        assert "did not trade after its restart" in violation

    def test_a_fault_that_was_not_there_is_one(self) -> None:
        quiet = result(self.good())
        quiet.records[RESTARTED].rejected = 0
        assert any("no venue rejected" in each for each in venue_violations(quiet))

    def test_an_error_or_a_traceback_in_a_log_is_one(self, tmp_path: Path) -> None:
        (tmp_path / "gateway.log").write_text(
            '{"event": "fine", "level": "info"}\n{"event": "lost", "level": "error"}\nTraceback\n'
        )
        assert list(bad_log_lines(tmp_path)) == [
            'gateway.log: {"event": "lost", "level": "error"}',
            "gateway.log: Traceback",
        ]
