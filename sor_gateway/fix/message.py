"""One FIX message as an ordered list of fields.

Owns: look-up by tag and the reading of repeating groups.
May not know: bytes, checksums, sessions, which fields a message should have.
"""

from __future__ import annotations

import re
from typing import Final, overload

_COUNT: Final = re.compile("[0-9]{1,9}")


class Message:
    """A message: `fields` in wire order, `first` the first value of each tag.

    Received messages carry all their fields, 8, 9 and 35 to 10. Text is latin-1, which maps every
    byte to one character and back.
    """

    __slots__ = ("fields", "first", "msg_type")

    def __init__(
        self,
        msg_type: str,
        fields: list[tuple[int, str]],
        first: dict[int, str] | None = None,
    ) -> None:
        self.msg_type = msg_type
        self.fields = fields
        # Backwards, so that the first of several equal tags is written last and stays.
        self.first: dict[int, str] = dict(reversed(fields)) if first is None else first

    @overload
    def get(self, tag: int) -> str | None: ...
    @overload
    def get(self, tag: int, default: str) -> str: ...
    @overload
    def get(self, tag: int, default: None) -> str | None: ...
    def get(self, tag: int, default: str | None = None) -> str | None:
        """The first value of `tag`, or `default`."""
        return self.first.get(tag, default)

    def __getitem__(self, tag: int) -> str:
        return self.first[tag]

    def __contains__(self, tag: int) -> bool:
        return tag in self.first

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Message):
            return NotImplemented
        return self.msg_type == other.msg_type and self.fields == other.fields

    __hash__ = None  # type: ignore[assignment]  # mutable fields: equal today need not be tomorrow

    def __repr__(self) -> str:
        return f"Message({self.msg_type!r}, {self})"

    def __str__(self) -> str:
        return "".join([f"{tag}={value}|" for tag, value in self.fields])

    def group(self, count_tag: int, delimiter_tag: int) -> list[dict[int, str]]:
        """The entries of the repeating group that `count_tag` announces, flat, one level deep.

        An entry begins at each `delimiter_tag`; at most as many are read as the count says, and of
        a tag that comes twice in an entry (a nested group) the first is kept. Without a dictionary
        the end of the *last* entry cannot be told from the fields behind the group, so it carries
        those too: read from it only tags that belong to the group. A count that is missing or not
        a number gives no entries.
        """
        count_text = self.first.get(count_tag, "")
        if not _COUNT.fullmatch(count_text):
            return []
        left = int(count_text)
        start = self.fields.index((count_tag, count_text)) + 1
        entries: list[dict[int, str]] = []
        for tag, value in self.fields[start:]:
            if tag == delimiter_tag:
                if left == 0:
                    break
                left -= 1
                entries.append({tag: value})
            elif entries:
                entries[-1].setdefault(tag, value)
            else:
                break
        return entries
