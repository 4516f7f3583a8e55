"""The same tests over our codec and over simplefix, where it can follow.

Both our sides use one codec: a mistake in it could agree with itself. simplefix was written by
other people; what both give is what FIX means.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import simplefix
from hypothesis import given
from hypothesis import strategies as st

from sor_gateway.fix.codec import DATA_FIELDS, Framer, decode, encode

Fields = list[tuple[int, str]]


@dataclass(slots=True)
class Codec:
    write: Callable[[str, str, Fields], bytes]
    read: Callable[[bytes], list[Fields]]


def our_read(stream: bytes) -> list[Fields]:
    return [decode(found).fields for found in Framer(100_000).feed(stream)]


def our_write(begin_string: str, msg_type: str, fields: Fields) -> bytes:
    return encode(begin_string, msg_type, fields[:2], fields[2:])


def their_read(stream: bytes) -> list[Fields]:
    parser = simplefix.FixParser()
    parser.append_buffer(stream)
    messages = iter(parser.get_message, None)
    return [[(int(tag), value.decode("latin-1")) for tag, value in found] for found in messages]


def their_write(begin_string: str, msg_type: str, fields: Fields) -> bytes:
    message = simplefix.FixMessage()
    message.append_pair(8, begin_string)
    message.append_pair(35, msg_type)
    for tag, value in fields:
        message.append_pair(tag, value.encode("latin-1"))
    encoded: bytes = message.encode()
    return encoded


OURS = Codec(our_write, our_read)
THEIRS = Codec(their_write, their_read)

ORDER: Fields = [
    (49, "EMS"),
    (56, "SOR"),
    (34, "2"),
    (52, "20240102-14:30:00.123"),
    (11, "A1"),
    (55, "AAPL"),
    (54, "1"),
    (38, "100"),
    (40, "2"),
    (44, "150.25"),
    (58, "a=b, caf\xe9"),
]
# Length and checksum come from `wc -c` and `od | awk`, not from either codec.
ORDER_BYTES = (
    (
        "8=FIX.4.4|9=103|35=D|49=EMS|56=SOR|34=2|52=20240102-14:30:00.123|11=A1|55=AAPL|54=1|38=100"
        "|40=2|44=150.25|58=a=b, caf\xe9|10=112|"
    )
    .replace("|", "\x01")
    .encode("latin-1")
)

# simplefix measures some data fields of later versions too: FIX 4.4 ends at 956.
TAGS = st.integers(min_value=1, max_value=956).filter(
    lambda tag: tag not in {8, 9, 10, 35} and tag not in {*DATA_FIELDS, *DATA_FIELDS.values()}
)
VALUES = st.text(
    alphabet=st.characters(max_codepoint=255, exclude_characters="\x01"), min_size=1, max_size=20
)
FIELDS = st.lists(st.tuples(TAGS, VALUES), max_size=20)


@pytest.fixture(params=[pytest.param(OURS, id="ours"), pytest.param(THEIRS, id="simplefix")])
def codec(request: pytest.FixtureRequest) -> Codec:
    chosen: Codec = request.param
    return chosen


class TestBothCodecs:
    def test_write_an_order(self, codec: Codec) -> None:
        assert codec.write("FIX.4.4", "D", ORDER) == ORDER_BYTES

    def test_read_an_order(self, codec: Codec) -> None:
        [fields] = codec.read(ORDER_BYTES)
        assert fields == [(8, "FIX.4.4"), (9, "103"), (35, "D"), *ORDER, (10, "112")]

    def test_read_several_messages_from_one_buffer(self, codec: Codec) -> None:
        stream = b"".join([codec.write("FIX.4.2", "0", [(112, text)]) for text in ("a", "b")])
        assert [dict(fields)[112] for fields in codec.read(stream)] == ["a", "b"]

    def test_keep_repeated_tags_in_their_order(self, codec: Codec) -> None:
        group = [(268, "2"), (269, "0"), (270, "1.5"), (269, "1"), (270, "1.6")]
        [fields] = codec.read(codec.write("FIX.4.4", "W", group))
        assert fields[3:-1] == group

    @pytest.mark.parametrize(
        ("length_tag", "data_tag"), [(95, 96), (354, 355), (348, 349), (350, 351)]
    )
    def test_read_data_fields_by_their_length(
        self, codec: Codec, length_tag: int, data_tag: int
    ) -> None:
        data = [(length_tag, "9"), (data_tag, "a\x0110=000\x01"), (58, "t")]
        [fields] = codec.read(codec.write("FIX.4.4", "B", data))
        assert fields[3:-1] == data

    def test_leave_an_incomplete_message_in_the_buffer(self, codec: Codec) -> None:
        assert codec.read(codec.write("FIX.4.4", "0", [(112, "a")])[:-1]) == []


class TestTheTwoAgree:
    @given(st.sampled_from(["FIX.4.2", "FIX.4.4"]), st.sampled_from(["0", "D", "AF"]), FIELDS)
    def test_on_every_message(self, begin_string: str, msg_type: str, fields: Fields) -> None:
        written = our_write(begin_string, msg_type, fields)
        assert written == their_write(begin_string, msg_type, fields)
        assert our_read(written) == their_read(written)
