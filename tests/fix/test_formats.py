"""Data types: what each admits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sor_gateway.fix.formats import FORMATS
from sor_gateway.fix.values import text_to_price

GOOD = {
    "AMT": ["-1.5"],
    "BOOLEAN": ["Y", "N"],
    "CHAR": ["a", " ", "\xe9"],
    "COUNTRY": ["US"],
    "CURRENCY": ["USD", "GBp"],
    "DATA": ["a\x01b"],
    "DAYOFMONTH": ["1", "09", "31"],
    "EXCHANGE": ["XNAS", "N"],
    "FLOAT": ["0", "-.5", "23.", "00023.23"],
    "INT": ["-7", "007"],
    "LENGTH": ["0", "12"],
    "LOCALMKTDATE": ["20240229"],
    "MONTHYEAR": ["202401", "20240131", "202401w5"],
    "MULTIPLEVALUESTRING": ["a", "a b", "M f 6"],
    "NUMINGROUP": ["0", "10"],
    "PERCENTAGE": [".05"],
    "PRICE": ["50.01"],
    "PRICEOFFSET": ["-0.01"],
    "QTY": ["100", "100.0"],
    "SEQNUM": ["1", "999999"],
    "STRING": ["x", "a b=c"],
    "UTCDATE": ["20240102"],
    "UTCDATEONLY": ["20240102"],
    "UTCTIMEONLY": ["14:30:00", "23:59:60.123456"],
    "UTCTIMESTAMP": ["20240102-14:30:00", "20240102-14:30:00.123456789"],
}
BAD = {
    "AMT": ["+1"],
    "BOOLEAN": ["y", "YN", "1"],
    "CHAR": ["ab"],
    "COUNTRY": ["us", "USA"],
    "CURRENCY": ["US", "U5D", "DOLLAR"],
    "DAYOFMONTH": ["0", "32", "001"],
    "FLOAT": [".", "-", "1e3", "1.2.3", "NaN", "²"],
    "INT": ["1.0", "+1", "--1", "٣", "9" * 19],
    "LENGTH": ["-1"],
    "LOCALMKTDATE": ["20230229", "2024-01-02", "240102"],
    "MONTHYEAR": ["202413", "202401w6", "2024"],
    "MULTIPLEVALUESTRING": [" a", "a  b", "a "],
    "NUMINGROUP": ["-1", "x"],
    "PERCENTAGE": ["5%"],
    "PRICE": ["1,5"],
    "PRICEOFFSET": ["+0.01"],
    "QTY": ["+200.00", "1e3"],
    "SEQNUM": ["-1"],
    "UTCDATE": ["20241301"],
    "UTCDATEONLY": ["20240100"],
    "UTCTIMEONLY": ["24:00:00", "14:30", "14:30:00."],
    "UTCTIMESTAMP": ["20240102", "20240230-00:00:00", "2024-01-02T14:30:00"],
}


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind in GOOD for text in GOOD[kind]])
def test_a_type_admits_its_values(kind: str, text: str) -> None:
    assert FORMATS[kind].fits(text)


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind in BAD for text in BAD[kind]])
def test_a_type_refuses_the_rest(kind: str, text: str) -> None:
    assert not FORMATS[kind].fits(text)


@pytest.mark.parametrize("kind", sorted(FORMATS))
def test_no_type_admits_an_empty_text_and_each_says_what_it_expects(kind: str) -> None:
    assert not FORMATS[kind].fits("")
    assert FORMATS[kind].expected


def test_every_type_is_tested() -> None:
    assert set(GOOD) == set(FORMATS)


@given(st.text(alphabet="-+.0123456789e ", max_size=9))
def test_a_price_that_fits_is_one_that_can_be_read(text: str) -> None:
    try:
        text_to_price(text)
    except ValueError as error:
        readable = "at most" in str(error)  # its syntax is right, its size is not
    else:
        readable = True
    assert bool(FORMATS["PRICE"].fits(text)) == readable
