"""A FIX message as translation leaves it, before a session gives it number and time.

Owns: that shape, and how text of any origin becomes a field.
May not know: orders, sessions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

TEXT_MAX: Final = 400
"""Characters of a Text (58) that we write; the rest is cut off."""
SHOWN_MAX: Final = 40
"""Characters of a peer's value that are quoted back in a text."""

Fields = list[tuple[int, str]]


@dataclass(slots=True)
class Outgoing:
    """A message to send: `Session.send(outgoing.msg_type, outgoing.fields, now, key)`."""

    msg_type: str
    body: Fields
    """In wire order; groups are laid out flat."""
    header: Fields = field(default_factory=list)
    """Header fields beyond the session's own: 97 and the routing tags."""

    @property
    def fields(self) -> Fields:
        """Header fields first, then the body: what a session takes."""
        return self.header + self.body if self.header else self.body


def clean(text: str) -> str:
    """Any text as a value that FIX can carry: latin-1, no control characters, not too long."""
    latin = text[:TEXT_MAX].encode("latin-1", "replace").decode("latin-1")
    return "".join(letter if letter.isprintable() else " " for letter in latin)


def shown(value: str) -> str:
    """A peer's value as it is quoted in a text."""
    return value if len(value) <= SHOWN_MAX else value[:SHOWN_MAX] + "..."
