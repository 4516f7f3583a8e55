"""Framing, decoding and encoding, against texts written out and against slow, obvious versions."""

from __future__ import annotations

import re
import tracemalloc

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sor_gateway.fix.codec import DATA_FIELDS, Framer, Garbled, checksum, decode, encode
from sor_gateway.fix.message import Message

SIZE_MAX = 512


def frame(rest: str, begin: str = "8=FIX.4.4") -> bytes:
    """A right message from what stands between BodyLength and CheckSum, with | for SOH."""
    body = rest.replace("|", "\x01").encode("latin-1")
    start = begin.encode() + b"\x019=" + str(len(body)).encode() + b"\x01" + body
    return start + b"10=%03d\x01" % (sum(start) % 256)


def raw(text: str) -> bytes:
    return text.replace("|", "\x01").encode("latin-1")


def heartbeat(number: int) -> bytes:
    return frame(f"35=0|34={number}|49=A|56=B|52=20240102-14:30:00.123|")


def slow_frames(stream: bytes, size_max: int) -> list[bytes]:
    """The obvious version: at every byte, is there a whole right message from here?"""
    found: list[bytes] = []
    at = 0
    while at < len(stream):
        match = re.match(rb"8=FIX[^\x01=]{0,11}\x019=([0-9]{1,7})\x0135=", stream[at:])
        at += 1
        if match is None:
            continue
        start = at - 1
        end = start + match.end() - 3 + int(match[1]) + 7
        if end - start > size_max or int(match[1]) < 5:
            continue
        if end > len(stream):
            break
        whole = stream[start:end]
        if whole[-8:] == b"\x0110=%03d\x01" % (sum(whole[:-7]) % 256):
            found.append(whole)
            at = end
        else:
            at = end - 7
    return found


GOOD = st.builds(
    lambda number, text: frame(f"35=0|34={number}|" + (f"58={text}|" if text else "")),
    st.integers(min_value=1, max_value=99_999),
    st.text(alphabet=st.characters(max_codepoint=255, exclude_characters="\x01"), max_size=12),
)
BROKEN = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([b"8=FIX", b"8=FI", b"8=FIX.4.4\x01", b"8=FIX.4.4\x019=20\x01", b"10=000\x01"]),
    # cut short, one byte turned, a wrong length
    st.builds(lambda good, keep: good[: keep % len(good)], GOOD, st.integers(min_value=0)),
    st.builds(
        lambda good, at, bit: (
            good[: at % len(good)]
            + bytes([good[at % len(good)] ^ (1 << bit)])
            + good[at % len(good) + 1 :]
        ),
        GOOD,
        st.integers(min_value=0),
        st.integers(min_value=0, max_value=7),
    ),
    st.builds(
        lambda good, length: re.sub(rb"\x019=\d+", b"\x019=%d" % length, good, count=1),
        GOOD,
        st.integers(min_value=0, max_value=SIZE_MAX + 50),
    ),
)
STREAM = st.lists(st.one_of(GOOD, BROKEN), max_size=12)


class TestFramerCutsMessages:
    def test_one_whole_message(self) -> None:
        framer = Framer(SIZE_MAX)
        assert framer.feed(heartbeat(1)) == [heartbeat(1)]
        assert framer.garbled == 0
        assert framer.pending_bytes == 0

    def test_several_in_one_read_and_the_rest_waits(self) -> None:
        framer = Framer(SIZE_MAX)
        third = heartbeat(3)
        assert framer.feed(heartbeat(1) + heartbeat(2) + third[:30]) == [heartbeat(1), heartbeat(2)]
        assert framer.pending_bytes == 30
        assert framer.feed(third[30:]) == [third]

    def test_byte_by_byte_it_comes_with_its_last_byte(self) -> None:
        framer = Framer(SIZE_MAX)
        *first, last = [heartbeat(7)[at : at + 1] for at in range(len(heartbeat(7)))]
        assert [framer.feed(byte) for byte in first] == [[]] * len(first)
        assert framer.feed(last) == [heartbeat(7)]

    def test_the_shortest_message_does_not_wait_for_another(self) -> None:
        shortest = frame("35=0|", begin="8=FIX")
        framer = Framer(SIZE_MAX)
        assert [framer.feed(bytes([byte])) for byte in shortest][-1] == [shortest]

    def test_a_message_within_a_data_field_stays_inside(self) -> None:
        inner = heartbeat(1).decode("latin-1")
        outer = frame(f"35=B|34=2|95={len(inner)}|96={inner}|")
        assert Framer(SIZE_MAX).feed(outer) == [outer]


class TestFramerDropsWhatIsGarbled:
    @pytest.mark.parametrize(
        "bad",
        [
            pytest.param(heartbeat(1)[:-4] + b"999\x01", id="checksum"),
            pytest.param(heartbeat(1).replace(b"10=", b"10=0"), id="checksum of four digits"),
            pytest.param(heartbeat(1).replace(b"9=45", b"9=49"), id="length a little long"),
            pytest.param(heartbeat(1).replace(b"\x019=4", b"\x019=2"), id="length too short"),
            pytest.param(heartbeat(1).replace(b"\x019=", b"\x019=x"), id="length no number"),
            pytest.param(heartbeat(1).replace(b"\x019=", b"\x019=-"), id="length negative"),
            pytest.param(frame("34=1|35=0|49=A|56=B|"), id="35 not third"),
            pytest.param(raw("8=FIX.4.4|35=0|9=29|34=2|49=TW44|10=121|"), id="9 not second"),
            pytest.param(frame("35=0|34=1|", begin="8=FIXxxxxxxxxxxxx"), id="BeginString too long"),
            pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="another protocol"),
            pytest.param(heartbeat(1)[:12], id="cut short in its length"),
        ],
    )
    def test_and_the_good_message_behind_it_comes(self, bad: bytes) -> None:
        framer = Framer(SIZE_MAX)
        # A too large length is only refuted when as many bytes have come.
        good = [heartbeat(number) for number in range(2, 12)]
        frames = framer.feed(heartbeat(1) + bad + b"".join(good))
        assert frames == [heartbeat(1), *good]
        assert framer.garbled == 1

    @pytest.mark.parametrize(
        ("bad", "lost"),
        [
            pytest.param(heartbeat(1).replace(b"9=", b"9=1", 1), 2, id="length too long"),
            pytest.param(heartbeat(1)[:40], 1, id="cut short"),
        ],
    )
    def test_2m_with_the_bytes_that_its_length_claims(self, bad: bytes, lost: int) -> None:
        framer = Framer(SIZE_MAX)
        good = [heartbeat(number) for number in range(2, 12)]
        assert framer.feed(heartbeat(1) + bad + b"".join(good)) == [heartbeat(1), *good[lost:]]
        assert framer.garbled == 1

    def test_and_never_reads_a_text_within_it_as_a_message(self) -> None:
        inner = heartbeat(2).decode("latin-1")
        damaged = frame(f"35=B|34=1|95={len(inner)}|96={inner}|58=x|").replace(b"58=x", b"58=y")
        framer = Framer(SIZE_MAX)
        assert framer.feed(damaged + heartbeat(3)) == [heartbeat(3)]
        assert framer.garbled == 1

    def test_each_bad_message_counts_and_a_run_of_other_bytes_counts_once(self) -> None:
        framer = Framer(SIZE_MAX)
        bad = heartbeat(1)[:-4] + b"999\x01"
        framer.feed(bad + bad + b"junk" + heartbeat(2) + b"more" + b"junk" + heartbeat(3))
        assert framer.garbled == 3

    def test_a_message_with_8_in_the_wrong_place_is_dropped_in_two_pieces(self) -> None:
        framer = Framer(SIZE_MAX)
        bad = raw("35=0|8=FIX.4.4|9=29|34=2|49=TW44|56=ISLD|10=121|")
        assert framer.feed(bad + heartbeat(1)) == [heartbeat(1)]
        assert framer.garbled == 2

    def test_a_message_above_the_size_limit_is_garbage(self) -> None:
        framer = Framer(SIZE_MAX)
        filler = "x" * (SIZE_MAX - len(frame("35=0|58=|")) - 2)
        fits, too_long = frame(f"35=0|58={filler}|"), frame(f"35=0|58={filler}xx|")
        assert len(fits) <= SIZE_MAX < len(too_long)
        assert framer.feed(too_long + fits) == [fits]
        assert framer.garbled == 1

    def test_a_size_limit_below_the_length_of_a_prefix_is_a_bug(self) -> None:
        with pytest.raises(AssertionError):
            Framer(10)


class TestFramerIsBounded:
    @pytest.mark.parametrize(
        "endless",
        [b"x" * 64, b"8=FIX.4.4\x019=400\x01", b"8=FIX", b"8=FIX.4.4\x019=499\x0135=0\x01"],
    )
    def test_in_memory_whatever_comes(self, endless: bytes) -> None:
        framer = Framer(SIZE_MAX)
        for _ in range(2_000):
            framer.feed(endless)
            assert framer.pending_bytes < SIZE_MAX

    def test_in_what_it_copies_while_a_message_is_incomplete(self) -> None:
        size_max = 1_000_000
        framer = Framer(size_max)
        framer.feed(b"8=FIX.4.4\x019=900000\x0135=0\x0158=")
        tracemalloc.start()
        try:
            for _ in range(1_000):
                framer.feed(b"x" * 500)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        # One growing buffer; a copy for each feed would show as a second one of its size.
        assert framer.pending_bytes > 500_000
        assert peak < 2 * framer.pending_bytes


class TestFramerProperties:
    @settings(max_examples=300)
    @given(STREAM, st.data())
    def test_any_split_of_a_stream_gives_what_the_obvious_version_finds(
        self, pieces: list[bytes], data: st.DataObject
    ) -> None:
        stream = b"".join(pieces)
        cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=20).map(sorted))
        whole, chunked = Framer(SIZE_MAX), Framer(SIZE_MAX)
        expected = slow_frames(stream, SIZE_MAX)
        assert whole.feed(stream) == expected
        edges = zip([0, *cuts], [*cuts, len(stream)], strict=True)
        assert [f for begin, end in edges for f in chunked.feed(stream[begin:end])] == expected
        assert chunked.garbled == whole.garbled
        assert chunked.pending_bytes == whole.pending_bytes < SIZE_MAX

    @settings(max_examples=200)
    @given(st.lists(st.tuples(BROKEN, GOOD), min_size=1, max_size=8))
    def test_garbage_takes_no_more_good_messages_with_it_than_its_lengths_claim(
        self, pairs: list[tuple[bytes, bytes]]
    ) -> None:
        assume(not any(_claims_more(broken) for broken, _ in pairs))
        good = [message for _, message in pairs]
        tail = [heartbeat(number) for number in range(SIZE_MAX // len(heartbeat(1)) + 1)]
        frames = Framer(SIZE_MAX).feed(b"".join([*map(b"".join, pairs), *tail]))
        # What by chance *is* a right message, with the right checksum, cannot be told apart.
        assume(all(found in good or found in tail or found in _inside(pairs) for found in frames))
        wanted = iter(frames)
        assert all(message in wanted for message in good)

    @given(st.binary(max_size=300))
    def test_hostile_bytes_never_raise(self, stream: bytes) -> None:
        framer = Framer(SIZE_MAX)
        for found in framer.feed(b"8=FIX" + stream) + framer.feed(stream):
            assert found in stream


def _claims_more(broken: bytes) -> bool:
    """Whether a length within, right or wrong, reaches beyond the piece's own last byte."""
    return any(
        match.end() - 3 + int(match[1]) > len(broken)
        for match in re.finditer(rb"8=FIX[^\x01=]{0,11}\x019=([0-9]{1,7})\x0135=", broken)
        if int(match[1]) <= SIZE_MAX
    )


def _inside(pairs: list[tuple[bytes, bytes]]) -> list[bytes]:
    """Right messages that a broken piece happens to be."""
    return [found for broken, _ in pairs for found in slow_frames(broken, SIZE_MAX)]


class TestChecksum:
    @given(st.binary(max_size=2_000))
    def test_is_the_sum_of_all_bytes_modulo_256(self, data: bytes) -> None:
        assert checksum(data) == sum(data) % 256

    @pytest.mark.parametrize("size", [255, 256, 257, 511, 512, 513, 100_000])
    def test_is_right_for_the_largest_sums(self, size: int) -> None:
        assert checksum(b"\xff" * size) == 255 * size % 256


class TestDecode:
    def test_gives_all_fields_in_wire_order(self) -> None:
        message = decode(heartbeat(7))
        assert message.msg_type == "0"
        assert message.fields[:4] == [(8, "FIX.4.4"), (9, "45"), (35, "0"), (34, "7")]
        assert message.fields[-1][0] == 10

    def test_bytes_above_127_are_latin_1(self) -> None:
        assert decode(frame("35=0|58=caf\xe9|"))[58] == "caf\xe9"

    def test_a_value_may_hold_equals_signs(self) -> None:
        assert decode(frame("35=0|58=a=b=|"))[58] == "a=b="

    @pytest.mark.parametrize("tag", [0, -1, 999, 5000, 999999, 123456789])
    def test_odd_numbers_are_tags_for_the_dictionary_to_refuse(self, tag: int) -> None:
        assert decode(frame(f"35=0|34=1|{tag}=HI|"))[tag] == "HI"

    @pytest.mark.parametrize(
        "tag",
        [
            "",
            "4garbled9",
            "049",
            "+49",
            " 49",
            "4_9",
            "1.0",
            "٣",
            "--1",
            "-",
            "1234567890",
            "x" * 300,
        ],
    )
    def test_a_tag_that_is_no_number_is_garbled(self, tag: str) -> None:
        bad = b"8=FIX.4.4\x019=5\x0135=0\x01" + tag.encode() + b"=TW\x0110=000\x01"
        with pytest.raises(Garbled, match="not a number"):
            decode(bad)

    @pytest.mark.parametrize(
        "text", ["8=FIX.4.4|9=5|35=0|junk|10=000|", "8=FIX.4.4|9=5|35=0||10=000|"]
    )
    def test_a_field_without_equals_is_garbled(self, text: str) -> None:
        with pytest.raises(Garbled, match="no '='"):
            decode(raw(text))

    @pytest.mark.parametrize(
        "text", ["8=FIX.4.4|35=0|9=5|10=000|", "8=FIX.4.4|9=5|", "9=5|8=F|35=0|"]
    )
    def test_8_9_and_35_come_first_and_in_this_order(self, text: str) -> None:
        with pytest.raises(Garbled, match="8, 9, 35"):
            decode(raw(text))

    @pytest.mark.parametrize("text", ["", "8=FIX.4.4|9=5|35=0|10=000"])
    def test_the_last_field_ends_with_soh(self, text: str) -> None:
        with pytest.raises(Garbled):
            decode(raw(text))

    @given(st.binary(max_size=200))
    def test_hostile_bytes_are_read_or_garbled(self, tail: bytes) -> None:
        start = b"8=FIX.4.4\x019=5\x0135=0\x0195=3\x01"
        try:
            message = decode(start + tail + b"\x01")
        except Garbled:
            return
        again = "".join(f"{tag}={text}\x01" for tag, text in message.fields)
        assert again.encode("latin-1") == start + tail + b"\x01"


class TestDataFields:
    @pytest.mark.parametrize(("length_tag", "data_tag"), sorted(DATA_FIELDS.items()))
    def test_hold_separators_up_to_their_length(self, length_tag: int, data_tag: int) -> None:
        message = decode(frame(f"35=0|{length_tag}=7|{data_tag}=a|34=9||58=t|"))
        assert message.fields[4:6] == [(data_tag, "a\x0134=9\x01"), (58, "t")]

    def test_a_length_of_zero_leaves_an_empty_value(self) -> None:
        assert decode(frame("35=0|95=0|96=|58=t|")).fields[3:6] == [(95, "0"), (96, ""), (58, "t")]

    @pytest.mark.parametrize("length", ["2", "4", "9999", "999999999"])
    def test_a_wrong_length_is_garbled(self, length: str) -> None:
        with pytest.raises(Garbled, match="has not the"):
            decode(frame(f"35=0|95={length}|96=abc|58=t|"))

    @pytest.mark.parametrize("length", ["-3", "", "x", "+3", "9" * 5_000])
    def test_a_length_that_is_no_number_measures_nothing(self, length: str) -> None:
        message = decode(frame(f"35=0|95={length}|96=abc|58=t|"))
        assert message.fields[3:6] == [(95, length), (96, "abc"), (58, "t")]

    def test_data_without_its_length_ends_at_the_separator(self) -> None:
        assert decode(frame("35=0|96=abc|58=t|")).fields[3:5] == [(96, "abc"), (58, "t")]

    def test_a_length_without_its_data_is_an_ordinary_field(self) -> None:
        assert decode(frame("35=0|95=3|58=t|")).fields[3:5] == [(95, "3"), (58, "t")]

    def test_bad_fields_beside_data_are_garbled_all_the_same(self) -> None:
        for bad in ("x1=2|", "junk|"):
            with pytest.raises(Garbled):
                decode(frame(f"35=0|95=1|96=a|{bad}"))


class TestEncode:
    def test_writes_length_and_checksum(self) -> None:
        assert encode("FIX.4.4", "0", [(34, "7"), (49, "A")], [(112, "x=")]) == frame(
            "35=0|34=7|49=A|112=x=|"
        )

    @pytest.mark.parametrize("field", [(58, "a\x0110=000"), (58, "\x01"), (1, "x\x01")])
    def test_a_separator_in_a_value_is_a_bug(self, field: tuple[int, str]) -> None:
        for header, body in (([field], [(58, "t")]), ([(34, "1")], [field])):
            with pytest.raises(ValueError, match=f"field {field[0]} holds SOH"):
                encode("FIX.4.4", "0", header, body)

    @pytest.mark.parametrize("field", [(58, ""), (34, "")])
    def test_an_empty_value_is_a_bug(self, field: tuple[int, str]) -> None:
        with pytest.raises(ValueError, match=f"field {field[0]} has an empty value"):
            encode("FIX.4.4", "0", [(49, "A="), field], [])

    def test_an_empty_or_injected_msg_type_is_a_bug(self) -> None:
        for msg_type in ("", "0\x0134=1"):
            with pytest.raises(ValueError, match="field 35"):
                encode("FIX.4.4", msg_type, [], [])

    def test_a_character_outside_latin_1_is_a_bug(self) -> None:
        with pytest.raises(ValueError, match="latin-1"):
            encode("FIX.4.4", "0", [], [(58, "€")])

    def test_a_data_field_may_hold_separators_behind_its_length_only(self) -> None:
        fields = [(95, "3"), (96, "a\x01b")]
        assert decode(encode("FIX.4.4", "0", [], fields)).fields[3:5] == fields
        for wrong in ([(95, "4"), (96, "a\x01b")], [(96, "a\x01b")], [(95, "3"), (58, "a\x01b")]):
            with pytest.raises(ValueError, match="holds SOH"):
                encode("FIX.4.4", "0", [], wrong)

    @given(
        st.lists(
            st.tuples(
                st.integers(min_value=-10, max_value=99_999).filter(
                    lambda tag: tag not in DATA_FIELDS
                ),
                st.text(
                    alphabet=st.characters(max_codepoint=255, exclude_characters="\x01"), min_size=1
                ),
            ),
            max_size=30,
        )
    )
    def test_what_is_written_is_framed_and_read_back(self, fields: list[tuple[int, str]]) -> None:
        framer = Framer(100_000)
        [found] = framer.feed(encode("FIX.4.2", "D", fields[:3], fields[3:]))
        message = decode(found)
        assert message.msg_type == "D"
        assert message.fields[3:-1] == fields
        assert message == Message("D", [*message.fields[:3], *fields, message.fields[-1]])
