"""Rules of the EMS's wire: only whole, true messages come through, whatever surrounds them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sor_gateway.client.wire import (
    MAX_MESSAGE_BYTES,
    Reader,
    Tag,
    encode,
    parse_timestamp,
    timestamp,
)
from tests.client.peer import NOW, fix, raw

GOOD = fix("0", 7, "112=M1|")
OTHER = fix("1", 8, "112=M2|")


def types(reader: Reader, data: bytes) -> list[str]:
    return [message.msg_type for message in reader.feed(data)]


class TestReader:
    def test_reads_a_message_whole(self) -> None:
        (message,) = Reader().feed(GOOD)
        assert message.msg_type == "0"
        assert message.raw == GOOD
        assert message.number(Tag.MSG_SEQ_NUM) == 7
        assert message.get(Tag.TEST_REQ_ID) == "M1"

    @given(st.lists(st.integers(1, len(GOOD + OTHER)), max_size=6))
    def test_any_split_gives_the_same_messages(self, cuts: list[int]) -> None:
        data, reader, got = GOOD + OTHER, Reader(), []
        edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
        for start, end in pairwise(edges):
            got += types(reader, data[start:end])
        assert got == ["0", "1"]
        assert reader.garbled == 0

    @pytest.mark.parametrize(
        "bad",
        [
            GOOD[:-4] + b"999\x01",
            GOOD.replace(b"9=", b"9=1", 1),
            b"8=FIX.4.4\x019=5\x01junk\x01" + b"x" * 40,
            b"8=FIX.4.4\x019=99999999\x0135=0\x01",
            b"GET / HTTP/1.1\r\n\r\n",
            raw("35=0|junk=1|"),
            GOOD[:30],
        ],
    )
    def test_garbage_does_not_take_the_next_message_with_it(self, bad: bytes) -> None:
        reader = Reader()
        assert types(reader, bad + 3 * OTHER) == ["1", "1", "1"]

    def test_a_data_field_may_hold_soh(self) -> None:
        text = raw("35=B|49=SOR|34=1|95=10|96=a|10=001|b|58=t|")
        (message,) = Reader().feed(text)
        assert message.get(96) == "a\x0110=001\x01b"
        assert message.get(Tag.TEXT) == "t"

    @given(st.binary(max_size=300))
    def test_no_bytes_raise(self, data: bytes) -> None:
        reader = Reader()
        reader.feed(data + b"\x01" * (MAX_MESSAGE_BYTES // 100))
        assert reader.garbled >= 0


class TestEncode:
    def test_writes_length_and_checksum(self) -> None:
        assert encode("FIX.4.4", "0", [(34, "1"), (112, "M")]) == raw("35=0|34=1|112=M|")

    @pytest.mark.parametrize("value", ["", "a\x0110=000\x01"])
    def test_refuses_values_that_would_break_the_message(self, value: str) -> None:
        with pytest.raises(ValueError, match="58="):
            encode("FIX.4.4", "5", [(58, value)])


class TestTimestamp:
    def test_is_utc_with_milliseconds(self) -> None:
        assert timestamp(NOW + 7_000_000) == "20260105-14:30:00.007"

    @given(st.integers(0, 4_000_000_000_000))
    def test_goes_there_and_back(self, millis: int) -> None:
        assert parse_timestamp(timestamp(millis * 1_000_000)) == millis * 1_000_000

    @pytest.mark.parametrize(
        "text", ["", "20260105", "20260105-14:30:00.", "x", "20260132-00:00:00"]
    )
    def test_what_is_none_gives_none(self, text: str) -> None:
        expected = NOW if text == "20260105-14:30:00." else None
        assert parse_timestamp(text) == expected
