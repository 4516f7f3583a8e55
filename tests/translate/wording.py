"""Readable FIX for translation tests: `35=D|11=A|...` to messages and back, dictionary-checked."""

from __future__ import annotations

from functools import cache

from sor_gateway.fix.codec import decode, encode
from sor_gateway.fix.dialect import FIX42, FIX44, Dialect
from sor_gateway.fix.dictionary import Dictionary, load_packaged
from sor_gateway.fix.message import Message
from sor_gateway.translate.outgoing import Fields, Outgoing

DIALECTS = (FIX42, FIX44)
NOW = 1_767_623_400_123_456_789
NOW_TEXT = "20260105-14:30:00.123"


@cache
def dictionary(begin_string: str) -> Dictionary:
    return load_packaged(begin_string)


def pairs(text: str) -> Fields:
    """`11=A|55=B|` to fields."""
    parts = [part.partition("=") for part in text.split("|") if part]
    return [(int(tag), value) for tag, _, value in parts]


def header(extra: Fields) -> Fields:
    return [(49, "THEM"), (56, "US"), (34, "2"), (52, NOW_TEXT), *extra]


def received(text: str, dialect: Dialect = FIX44, extra: str = "") -> Message:
    """A message as a session hands it over: `35=D|...` with `extra` header fields; no checks."""
    (_, msg_type), *body = pairs(text)
    return decode(encode(dialect.begin_string, msg_type, header(pairs(extra)), body))


def written(outgoing: Outgoing, dialect: Dialect = FIX44) -> str:
    """What we would send, as text without the session's own header and trailer, having passed our
    published dictionary."""
    raw = encode(dialect.begin_string, outgoing.msg_type, header(outgoing.header), outgoing.body)
    message = decode(raw)
    fault = dictionary(dialect.begin_string).validate(message, "listed")
    assert fault is None, fault
    shown = [f"35={outgoing.msg_type}"]
    shown += [f"{tag}={value}" for tag, value in outgoing.fields]
    return "|".join(shown) + "|"


def as_received(outgoing: Outgoing, dialect: Dialect = FIX44) -> Message:
    """What we would send, as the other side gets it."""
    written(outgoing, dialect)
    return decode(
        encode(dialect.begin_string, outgoing.msg_type, header(outgoing.header), outgoing.body)
    )
