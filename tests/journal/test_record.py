"""Frames and facts: what is written is what is read, and nothing else is."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sor_gateway.journal.errors import FactMismatch
from sor_gateway.journal.record import (
    FRAME_HEADER_BYTES,
    Entry,
    FactCodec,
    Poisoned,
    Record,
    decode_keys,
    decode_record,
    encode_frame,
    encode_record,
    find_frame,
    frame_end,
    scan,
)

from .helpers import Colour, Painted, record, sent

NUMBERS = st.integers(0, 2**53)
ENTRIES = st.builds(
    Entry,
    session=st.text(max_size=12),
    epoch=NUMBERS,
    outbound=st.booleans(),
    number=NUMBERS,
    msg_type=st.text(max_size=2),
    key=st.text(max_size=12),
    raw=st.binary(max_size=300),
)
FACTS = st.tuples(
    st.text(min_size=1, max_size=12),
    st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=9), max_size=4)
    .filter(lambda body: all(abs(v) < 2**63 for v in body.values() if isinstance(v, int)))
    .map(lambda body: msgspec.Raw(msgspec.msgpack.encode(body))),
)
RECORDS = st.builds(
    Record,
    turn=NUMBERS,
    at_ns=NUMBERS,
    entries=st.lists(ENTRIES, max_size=5),
    facts=st.lists(FACTS, max_size=5),
)


def frame_of(one: Record) -> bytes:
    buffer = bytearray()
    encode_record(one, buffer)
    return bytes(buffer)


class TestFrames:
    @given(RECORDS)
    def test_a_record_comes_back_as_it_was(self, one: Record) -> None:
        data = frame_of(one)
        assert list(scan(data)) == [(0, len(data))]
        assert decode_record(data[FRAME_HEADER_BYTES:]) == one

    @given(RECORDS, RECORDS)
    def test_the_buffer_keeps_nothing_of_an_earlier_record(self, one: Record, two: Record) -> None:
        buffer = bytearray()
        encode_record(one, buffer)
        encode_record(two, buffer)
        assert bytes(buffer) == frame_of(two)

    @given(RECORDS)
    def test_the_keys_alone_are_the_keys_of_the_record(self, one: Record) -> None:
        keys = decode_keys(frame_of(one)[FRAME_HEADER_BYTES:])
        assert [(k.session, k.epoch, k.outbound, k.number) for k in keys.entries] == [
            (e.session, e.epoch, e.outbound, e.number) for e in one.entries
        ]

    def test_both_ways_to_make_a_frame_agree(self) -> None:
        one = record(7, sent(3))
        assert encode_frame(msgspec.msgpack.encode(one)) == frame_of(one)

    def test_any_changed_byte_makes_a_frame_bad(self) -> None:
        data = bytearray(frame_of(record(1, sent(1))))
        for at in range(len(data)):
            data[at] ^= 0x10
            assert frame_end(bytes(data), 0) is None, f"byte {at}"
            data[at] ^= 0x10
        assert frame_end(bytes(data), 0) == len(data)

    def test_zero_bytes_are_no_frame(self) -> None:
        assert frame_end(bytes(64), 0) is None

    def test_a_payload_too_short_to_be_a_record_is_refused(self) -> None:
        with pytest.raises(ValueError, match="does not fit"):
            encode_frame(b"")

    @given(st.binary(max_size=40), RECORDS)
    def test_a_good_frame_is_found_behind_any_garbage(self, garbage: bytes, one: Record) -> None:
        data = garbage + frame_of(one)
        found = find_frame(data)
        assert found is not None
        assert frame_end(data, found) is not None

    def test_no_frame_is_found_in_half_a_frame(self) -> None:
        data = frame_of(record(1, sent(1)))
        for cut in range(len(data)):
            assert find_frame(data[:cut]) is None


class TestFacts:
    CODEC = FactCodec([Painted, Poisoned])

    @given(
        st.builds(
            Painted,
            at_ns=st.integers(0, 2**62),
            what=st.text(max_size=9),
            colour=st.sampled_from(Colour),
            price=st.none() | st.integers(-(2**62), 2**62),
            tags=st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=3),
            ids=st.lists(st.text(max_size=4), max_size=3),
        )
    )
    def test_a_fact_comes_back_with_its_types(self, fact: Painted) -> None:
        back = self.CODEC.decode(self.CODEC.encode(fact))
        assert back == fact
        assert type(back) is Painted
        assert type(back.colour) is Colour

    def test_bytes_survive(self) -> None:
        poison = Poisoned("EMS", 2, 17, bytes(range(256)), "trace")
        assert self.CODEC.decode(self.CODEC.encode(poison)) == poison

    def test_a_missing_field_takes_its_default(self) -> None:
        body = msgspec.msgpack.encode({"at_ns": 1, "what": "door", "colour": "red"})
        assert self.CODEC.decode(("Painted", msgspec.Raw(body))) == Painted(1, "door", Colour.RED)

    def test_a_missing_field_without_default_is_named(self) -> None:
        body = msgspec.msgpack.encode({"at_ns": 1, "colour": "red"})
        with pytest.raises(FactMismatch, match=r"Painted.*what"):
            self.CODEC.decode(("Painted", msgspec.Raw(body)))

    def test_an_unknown_field_is_refused_and_named(self) -> None:
        body = msgspec.msgpack.encode({"at_ns": 1, "what": "x", "colour": "red", "gloss": 3})
        with pytest.raises(FactMismatch, match="Painted has unknown field gloss"):
            self.CODEC.decode(("Painted", msgspec.Raw(body)))

    @pytest.mark.parametrize(
        ("field", "value"), [("colour", "green"), ("at_ns", "soon"), ("price", 1.5), ("ids", "a")]
    )
    def test_a_value_of_another_type_is_refused_and_named(self, field: str, value: object) -> None:
        body = {"at_ns": 1, "what": "x", "colour": "red", field: value}
        with pytest.raises(FactMismatch, match=f"Painted.*{field}"):
            self.CODEC.decode(("Painted", msgspec.Raw(msgspec.msgpack.encode(body))))

    def test_an_unknown_fact_is_named(self) -> None:
        with pytest.raises(FactMismatch, match="unknown fact Sanded"):
            self.CODEC.decode(("Sanded", msgspec.Raw(b"\x80")))

    def test_a_type_that_was_not_given_cannot_be_written(self) -> None:
        with pytest.raises(FactMismatch, match="Record"):
            self.CODEC.encode(record(1))

    def test_two_types_of_one_name_are_refused(self) -> None:
        @dataclass(slots=True)
        class Painted:
            at_ns: int

        with pytest.raises(ValueError, match="Painted"):
            FactCodec([Painted, type(self).CODEC.decode(self._any()).__class__])

    def _any(self) -> tuple[str, msgspec.Raw]:
        return self.CODEC.encode(Painted(1, "x", Colour.RED))
