"""A message as an ordered list of fields."""

from __future__ import annotations

import pytest

from sor_gateway.fix.message import Message

SIDES = [(269, "0"), (270, "1.5"), (269, "1"), (270, "1.6"), (271, "9")]
BOOK = Message("W", [(35, "W"), (268, "2"), *SIDES, (58, "t")])


class TestLookUp:
    def test_gives_the_first_of_several(self) -> None:
        assert BOOK[269] == "0"
        assert BOOK.first[270] == "1.5"

    def test_of_a_missing_tag(self) -> None:
        assert BOOK.get(11) is None
        assert BOOK.get(11, "none") == "none"
        assert 11 not in BOOK
        with pytest.raises(KeyError):
            BOOK[11]

    def test_of_a_present_tag(self) -> None:
        assert BOOK.get(58) == BOOK.get(58, "other") == "t"
        assert 58 in BOOK

    def test_equality_is_type_and_fields_in_order(self) -> None:
        assert Message("0", [(1, "a"), (2, "b")]) == Message("0", [(1, "a"), (2, "b")])
        assert Message("0", [(1, "a"), (2, "b")]) != Message("0", [(2, "b"), (1, "a")])
        assert Message("0", []) != Message("1", [])
        assert Message("0", []) != "0"

    def test_reads_as_fix_with_bars(self) -> None:
        assert str(Message("0", [(35, "0"), (112, "x")])) == "35=0|112=x|"
        assert repr(Message("0", [(35, "0")])) == "Message('0', 35=0|)"


class TestGroup:
    def test_an_entry_begins_at_each_delimiter(self) -> None:
        first, second = BOOK.group(268, 269)
        assert first == {269: "0", 270: "1.5"}
        assert {tag: second[tag] for tag in (269, 270, 271)} == {269: "1", 270: "1.6", 271: "9"}

    @pytest.mark.parametrize("count", ["0", "", "x", "-1", "+2", "²", "9" * 5_000])
    def test_without_a_count_there_are_no_entries(self, count: str) -> None:
        assert Message("W", [(268, count), (269, "0")]).group(268, 269) == []
        assert Message("W", [(269, "0")]).group(268, 269) == []

    def test_no_more_entries_than_the_count_says(self) -> None:
        message = Message("W", [(268, "1"), (269, "0"), (269, "1")])
        assert message.group(268, 269) == [{269: "0"}]

    def test_fewer_entries_than_the_count_says_are_all_there_is(self) -> None:
        assert Message("W", [(268, "3"), (269, "0")]).group(268, 269) == [{269: "0"}]

    def test_another_field_first_means_no_group(self) -> None:
        assert Message("W", [(268, "1"), (270, "1"), (269, "0")]).group(268, 269) == []

    def test_a_nested_group_does_not_end_the_outer_one(self) -> None:
        parties = [(448, "A"), (802, "2"), (523, "x"), (523, "y"), (448, "B"), (447, "D")]
        first, second = Message("D", [(453, "2"), *parties]).group(453, 448)
        assert first == {448: "A", 802: "2", 523: "x"}
        assert second == {448: "B", 447: "D"}
