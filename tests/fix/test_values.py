"""Field values: text to integers and back, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sor_gateway.fix import values

MICROS = st.integers(min_value=-(10**18) + 1, max_value=10**18 - 1)
NANOS = st.integers(min_value=0, max_value=4_102_444_799_999_999_999)  # to the end of 2099
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TestPrice:
    @pytest.mark.parametrize(
        ("micros", "text"),
        [
            (50_010_000, "50.01"),
            (50_000_000, "50"),
            (0, "0"),
            (1, "0.000001"),
            (-2_000, "-0.002"),
            (10_002_500, "10.0025"),
        ],
    )
    def test_is_written_in_its_shortest_form(self, micros: int, text: str) -> None:
        assert values.price_to_text(micros) == text

    @pytest.mark.parametrize(
        ("text", "micros"),
        [
            ("23.23", 23_230_000),
            ("00023.23", 23_230_000),
            ("23.0000", 23_000_000),
            ("23.", 23_000_000),
            (".05", 50_000),
            ("-0.0015", -1_500),
            ("1.0000010000", 1_000_001),
            ("-0", 0),
        ],
    )
    def test_takes_every_form_of_a_fix_float(self, text: str, micros: int) -> None:
        assert values.text_to_price(text) == micros

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "-",
            ".",
            "-.",
            "+1",
            "1e3",
            "1,5",
            " 1",
            "1 ",
            "1.2.3",
            "--1",
            "0x1",
            "²",
            "NaN",
            "1\n",
        ],
    )
    def test_refuses_what_is_no_fix_float(self, text: str) -> None:
        with pytest.raises(ValueError, match="expected a number"):
            values.text_to_price(text)

    @pytest.mark.parametrize("text", ["1.0000001", "1234567890123", "9" * 5_000])
    def test_refuses_what_micros_cannot_hold(self, text: str) -> None:
        with pytest.raises(ValueError, match="at most 12 digits and 6 decimals"):
            values.text_to_price(text)

    @given(MICROS)
    def test_comes_back_as_it_was(self, micros: int) -> None:
        text = values.price_to_text(micros)
        assert Decimal(text) * 10**6 == micros
        assert values.text_to_price(text) == micros

    @given(st.text(max_size=12))
    def test_hostile_text_gives_a_number_or_a_value_error(self, text: str) -> None:
        try:
            micros = values.text_to_price(text)
        except ValueError:
            return
        assert Decimal(text) * 10**6 == micros


class TestQuantity:
    @pytest.mark.parametrize(
        ("text", "shares"),
        [("100", 100), ("100.0", 100), ("002000.00", 2_000), ("0", 0), ("7.", 7)],
    )
    def test_takes_whole_shares_in_any_form_of_fix_qty(self, text: str, shares: int) -> None:
        assert values.text_to_quantity(text) == shares

    @pytest.mark.parametrize("text", ["1.5", ".5", "100.01"])
    def test_refuses_fractions(self, text: str) -> None:
        with pytest.raises(ValueError, match="expected whole shares"):
            values.text_to_quantity(text)

    @pytest.mark.parametrize("text", ["", "+5", "1e3", "-5", "a", "٣", "1 000", "."])
    def test_refuses_what_is_no_quantity(self, text: str) -> None:
        with pytest.raises(ValueError, match="expected a number of whole shares"):
            values.text_to_quantity(text)

    def test_refuses_more_than_fifteen_digits(self) -> None:
        assert values.text_to_quantity("9" * 15) == 10**15 - 1
        with pytest.raises(ValueError, match="at most 15 digits"):
            values.text_to_quantity("9" * 16)

    @given(st.integers(min_value=0, max_value=10**15 - 1))
    def test_comes_back_as_it_was(self, shares: int) -> None:
        assert values.text_to_quantity(values.quantity_to_text(shares)) == shares


class TestInt:
    @pytest.mark.parametrize(("text", "number"), [("0", 0), ("-7", -7), ("00023", 23), ("30", 30)])
    def test_takes_a_sign_and_leading_zeros(self, text: str, number: int) -> None:
        assert values.text_to_int(text) == number

    @pytest.mark.parametrize("text", ["", "-", "+1", "1.0", "1_0", "٣", "9" * 19, "9" * 5_000])
    def test_refuses_the_rest(self, text: str) -> None:
        with pytest.raises(ValueError, match="expected a whole number"):
            values.text_to_int(text)


class TestBoolean:
    def test_is_y_or_n(self) -> None:
        assert [values.boolean_to_text(value) for value in (True, False)] == ["Y", "N"]
        assert [values.text_to_boolean(text) for text in ("Y", "N")] == [True, False]

    @pytest.mark.parametrize("text", ["", "y", "1", "YES"])
    def test_refuses_the_rest(self, text: str) -> None:
        with pytest.raises(ValueError, match="expected Y or N"):
            values.text_to_boolean(text)


class TestUtcTimestamp:
    NS = 1_704_205_800_123_456_789  # 2024-01-02 14:30:00.123456789

    def test_has_milliseconds_and_is_cut_off_not_rounded(self) -> None:
        assert values.utc_timestamp(self.NS) == "20240102-14:30:00.123"
        assert values.utc_timestamp(self.NS + 543_210_999) == "20240102-14:30:00.666"

    def test_has_microseconds_on_demand(self) -> None:
        assert values.utc_timestamp(self.NS, micros=True) == "20240102-14:30:00.123456"

    @pytest.mark.parametrize(
        ("fraction", "nanos"),
        [
            ("", 0),
            (".123", 123_000_000),
            (".123456", 123_456_000),
            (".123456789", 123_456_789),
            (".123456789999", 123_456_789),
        ],
    )
    def test_is_read_at_every_resolution(self, fraction: str, nanos: int) -> None:
        second = self.NS // 10**9 * 10**9
        assert values.parse_utc_timestamp("20240102-14:30:00" + fraction) == second + nanos

    def test_a_leap_second_is_the_next_second(self) -> None:
        leap = values.parse_utc_timestamp("20161231-23:59:60")
        assert leap == values.parse_utc_timestamp("20170101-00:00:00")

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "20240102",
            "20240230-00:00:00",
            "20241301-00:00:00",
            "20240102-24:00:00",
            "20240102-14:60:00",
            "20240102-14:30:61",
            "20240102-14:30:00.",
            "20240102-14:30:00,123",
            "20240102-14:30:00.1234567890123",
            "20240102 14:30:00",
            "2024-01-02T14:30:00Z",
            "00000000-00:00:00",
        ],
    )
    def test_refuses_what_is_no_time(self, text: str) -> None:
        with pytest.raises(ValueError, match="expected a UTC time"):
            values.parse_utc_timestamp(text)

    @given(NANOS)
    def test_agrees_with_the_calendar_and_comes_back(self, ns: int) -> None:
        text = values.utc_timestamp(ns, micros=True)
        moment = EPOCH + timedelta(microseconds=ns // 1_000)
        assert text == moment.strftime("%Y%m%d-%H:%M:%S.%f")
        assert values.parse_utc_timestamp(text) == ns // 1_000 * 1_000


class TestAveragePrice:
    def test_is_the_quotient_rounded_once(self) -> None:
        # 100 at 10.00 and 200 at 10.01: 3002 / 300 = 10.00666...
        assert values.average_price(100 * 10_000_000 + 200 * 10_010_000, 300) == "10.006667"

    @pytest.mark.parametrize(("value", "text"), [(5, "0.000002"), (7, "0.000004"), (6, "0.000003")])
    def test_halves_go_to_the_even_micro(self, value: int, text: str) -> None:
        assert values.average_price(value, 2) == text

    def test_is_zero_when_nothing_was_filled(self) -> None:
        assert values.average_price(0, 0) == "0"

    @given(
        st.integers(min_value=-(10**18), max_value=10**18),
        st.integers(min_value=1, max_value=10**6),
    )
    def test_agrees_with_decimal_arithmetic(self, value: int, shares: int) -> None:
        # Decimal's 28 digits suffice: a quotient hits a tie or misses it by 5e-7 at the least.
        exact = (Decimal(value) / shares).quantize(Decimal(1), ROUND_HALF_EVEN)
        assert values.average_price_micros(value, shares) == exact
