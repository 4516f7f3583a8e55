from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sor_gateway.config.securities import COLUMNS, SecuritiesError, read_securities

GOOD = "ACME,XLIT,0.01,100,50.00,3000000,2,none,yes,2026-11-20"


def write(folder: Path, *lines: str, header: str = ",".join(COLUMNS)) -> Path:
    path = folder / "securities.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def problems(path: Path) -> list[str]:
    with pytest.raises(SecuritiesError) as caught:
        read_securities(path, "securities.csv")
    return caught.value.problems


class TestReading:
    def test_dollars_become_micros(self, tmp_path: Path) -> None:
        line = "ABCD,XNYS,0.005,10,1.234567,0,1,restricted,no,2026-11-19"
        security = read_securities(write(tmp_path, line), "securities.csv")["ABCD"]
        assert security.settings.tick_micros == 5_000
        assert security.settings.previous_close_micros == 1_234_567
        assert security.settings.round_lot == 10
        assert security.settings.average_daily_volume == 0
        assert security.settings.listing_mic == "XNYS"
        assert security.luld_tier == 1
        assert security.short_sale_restricted
        assert not security.easy_to_borrow
        assert security.as_of == date(2026, 11, 19)

    def test_columns_may_stand_in_any_order(self, tmp_path: Path) -> None:
        header = ",".join(reversed(COLUMNS))
        line = ",".join(reversed(GOOD.split(",")))
        securities = read_securities(write(tmp_path, line, header=header), "securities.csv")
        assert securities["ACME"].settings.previous_close_micros == 50_000_000


class TestMistakes:
    @pytest.mark.parametrize(
        ("column", "value", "expected"),
        [
            ("symbol", "", "1 to 16 characters"),
            ("symbol", "A B", "without spaces"),
            ("listing_mic", "xlit", "four capital letters"),
            ("tick", "0", "dollars above 0"),
            ("tick", "abc", "dollars above 0"),
            ("previous_close", "50.0000001", "at most six decimals"),
            ("previous_close", "NaN", "dollars above 0"),
            ("previous_close", "Infinity", "dollars above 0"),
            ("previous_close", "-1", "dollars above 0"),
            ("round_lot", "0", "at least 1"),
            ("round_lot", "1.5", "whole number"),
            ("average_daily_volume", "-1", "whole number"),
            ("luld_tier", "3", "1 or 2"),
            ("short_sale_state", "maybe", "none or restricted"),
            ("easy_to_borrow", "true", "yes or no"),
            ("as_of", "20.11.2026", "a date such as"),
        ],
    )
    def test_are_named_with_file_line_column_and_value(
        self, tmp_path: Path, column: str, value: str, expected: str
    ) -> None:
        cells = dict(zip(COLUMNS, GOOD.split(","), strict=True))
        cells |= {"symbol": "BAD", column: value}
        (problem,) = problems(write(tmp_path, GOOD, ",".join(cells.values())))
        assert problem.startswith(f"securities.csv:3: {column} = {value!r}: expected ")
        assert expected in problem

    def test_are_all_found(self, tmp_path: Path) -> None:
        bad = GOOD.replace("0.01", "x")
        assert [text.split(": ")[0] for text in problems(write(tmp_path, bad, GOOD, bad))] == [
            "securities.csv:2",
            "securities.csv:4",
        ]

    def test_a_symbol_stands_once(self, tmp_path: Path) -> None:
        (problem,) = problems(write(tmp_path, GOOD, GOOD))
        assert problem.startswith("securities.csv:3: symbol ACME stands here twice")

    @pytest.mark.parametrize("line", [GOOD + ",extra", "ACME,XLIT"])
    def test_each_column_has_a_value(self, tmp_path: Path, line: str) -> None:
        (problem,) = problems(write(tmp_path, line))
        assert problem.startswith("securities.csv:2: expected 10 values")

    def test_columns_are_those_that_are_known(self, tmp_path: Path) -> None:
        header = ",".join(COLUMNS).replace("tick", "tik")
        assert [text.split(";")[0] for text in problems(write(tmp_path, GOOD, header=header))] == [
            "securities.csv:1: missing column tick",
            "securities.csv:1: unknown column tik",
        ]

    def test_an_empty_file_is_none(self, tmp_path: Path) -> None:
        assert "no securities" in problems(write(tmp_path))[0]
        empty = tmp_path / "empty.csv"
        empty.write_text("")
        assert "missing column" in problems(empty)[0]
