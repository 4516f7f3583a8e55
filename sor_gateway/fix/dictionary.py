"""Data dictionaries: which fields a message has, and whether a received one keeps to it.

Owns: QuickFIX's XML format, and the order in which faults are found (SessionRejectReason, 373).
May not know: sessions, what is done about a fault, what the fields mean.

Each message type is compiled into one table when the dictionary is loaded. `validate` then has two
ways. The short one walks over the fields once and says "surely right" or "perhaps not"; it knows no
repeating groups and no user-defined tags. The long one is the rule itself: it finds the first fault
in wire order, and missing fields last. What the short one passes, the long one passes too.

Read liberally: the members of a group may come in any order behind its first field, which begins
each entry; the fields of header and body in any order within their section.

*Lenient* validation lets pass whatever leaves the meaning of the rest as it is: unknown tags, tags
of other messages, values beside an enumeration, fields of the header behind the body. It still
refuses what cannot be relied on: missing fields, values that are not of their type, a tag that
comes twice, groups that do not add up, types that do not exist.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal, TypeAlias

from sor_gateway.fix.errors import DictionaryError
from sor_gateway.fix.formats import FORMATS, Format
from sor_gateway.fix.message import Message
from sor_gateway.fix.tags import SessionRejectReason as Reason

UserDefined: TypeAlias = Literal["none", "listed", "any"]

#: Tags from here on are for bilateral use (FIX 4.4 vol. 1, "user defined fields").
USER_DEFINED_MIN: Final = 5_000

_MSG_TYPE: Final = 35
_SECRET_TAGS: Final = frozenset({96, 554, 925})
_VALUE_SHOWN_MAX: Final = 40
_ENUM_SHOWN_MAX: Final = 30
_HEADER, _BODY, _TRAILER = 0, 1, 2


@dataclass(slots=True)
class RejectInfo:
    """Why a message breaks the dictionary."""

    reason: int
    """SessionRejectReason (373)."""
    ref_tag: int
    """RefTagID (371); may be a tag that FIX does not have, zero and negative ones included."""
    text: str
    """For people: names the tag, its value and what was expected. Secrets are masked."""


class _FaultError(Exception):
    def __init__(self, reason: int, ref_tag: int, text: str) -> None:
        super().__init__(text)
        self.info = RejectInfo(reason, ref_tag, text)


@dataclass(slots=True)
class FieldSpec:
    """One field of the dictionary."""

    tag: int
    name: str
    type: str
    values: frozenset[str]
    """The enumeration; empty when any value of the type will do."""
    format: Format

    def acceptor(self) -> Callable[[str], object]:
        """A function that is truthy for exactly the right values."""
        if not self.values:
            return self.format.fits
        return self._all_known if self.format.multiple else self.values.__contains__

    def _all_known(self, text: str) -> bool:
        return self.values.issuperset(text.split(" "))

    def check(self, value: str, *, lenient: bool) -> None:
        """Raise the fault in a value that is not empty: its format first, then its enumeration,
        unless lenient."""
        if not self.format.fits(value):
            raise self.fault(
                Reason.INCORRECT_DATA_FORMAT, value, f"expected {self.format.expected}"
            )
        if not lenient and not self.acceptor()(value):
            known = sorted(self.values)
            more = ", ..." if len(known) > _ENUM_SHOWN_MAX else ""
            shown = ", ".join(known[:_ENUM_SHOWN_MAX])
            raise self.fault(Reason.VALUE_INCORRECT, value, f"expected {shown}{more}")

    def fault(self, reason: int, value: str, remark: str) -> _FaultError:
        """The fault of this field with this value."""
        shown = f"{self.name} ({self.tag}) = {_shown(self.tag, value)}"
        return _FaultError(reason, self.tag, f"{shown}: {remark}")


def _shown(tag: int, value: str) -> str:
    if tag in _SECRET_TAGS:
        return "***"
    cut = value[:_VALUE_SHOWN_MAX]
    return f"'{cut}...'" if len(value) > len(cut) else f"'{cut}'"


@dataclass(slots=True)
class Section:
    """What a header, body, trailer or group entry is made of."""

    members: dict[int, Group | None] = field(default_factory=dict)
    """Tag to None, or to the repeating group that it counts; in the order of the dictionary."""
    required: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Group:
    """A repeating group: its first member begins each entry."""

    count_tag: int
    delimiter: int
    entry: Section


@dataclass(slots=True)
class Layout:
    """One message type, compiled."""

    msg_type: str
    name: str
    body: Section
    named_only: bool
    """A type of the standard without fields here: only its header is judged."""
    places: dict[int, tuple[int, Group | None]] = field(default_factory=dict)
    """Tag to section number and group, for everything outside groups."""
    group_tags: frozenset[int] = frozenset()
    required: tuple[int, ...] = ()
    plain: dict[int, tuple[Callable[[str], object], int]] = field(default_factory=dict)
    """For the short way: tag to acceptor and section number, groups left out."""
    required_set: frozenset[int] = frozenset()


class Dictionary:
    """A compiled data dictionary."""

    def __init__(
        self,
        begin_string: str,
        fields: Iterable[FieldSpec],
        header: Section,
        trailer: Section,
        layouts: Iterable[Layout],
    ) -> None:
        self.begin_string = begin_string
        self.fields: dict[int, FieldSpec] = {spec.tag: spec for spec in fields}
        self.header = header
        self.trailer = trailer
        self.layouts: dict[str, Layout] = {}
        for layout in layouts:
            self._compile(layout)
            self.layouts[layout.msg_type] = layout

    @classmethod
    def load(cls, path: Path) -> Dictionary:
        """Read a file. Raises DictionaryError, naming it, when it is not a usable dictionary."""
        try:
            return cls.parse(path.read_text(encoding="utf-8"))
        except DictionaryError as error:
            raise DictionaryError(f"{path}: {error}") from error

    @classmethod
    def parse(cls, xml_text: str) -> Dictionary:
        """Read the text of a dictionary. Raises DictionaryError."""
        try:
            root = ET.fromstring(xml_text)
        except ET.ParseError as error:
            raise DictionaryError(f"not XML: {error}") from error
        return _Reader(root).read()

    def name_of(self, tag: int) -> str:
        """The name of a tag, or the tag itself when the dictionary does not have it."""
        spec = self.fields.get(tag)
        return spec.name if spec else str(tag)

    def validate(
        self, message: Message, user_defined: UserDefined = "listed", *, lenient: bool = False
    ) -> RejectInfo | None:
        """The first fault of a received message, or None.

        `user_defined` says what becomes of tags from 5000 on: with "none" they are judged like all
        others, so each must be listed, and for this message type; with "listed" those that the
        dictionary lists may come in any message; with "any" unknown ones may come too.
        """
        layout = self.layouts.get(message.msg_type)
        if layout is None:
            shown = _shown(_MSG_TYPE, message.msg_type)
            text = f"MsgType (35) = {shown}: not a type of {self.begin_string}"
            return RejectInfo(Reason.INVALID_MSG_TYPE, _MSG_TYPE, text)
        if _surely_right(layout, message):
            return None
        try:
            _Examination(self, layout, message, user_defined, lenient=lenient).run()
        except _FaultError as fault:
            return fault.info
        return None

    def _compile(self, layout: Layout) -> None:
        for number, section in enumerate((self.header, layout.body, self.trailer)):
            for tag, group in section.members.items():
                if tag in layout.places:
                    raise DictionaryError(f"message {layout.name}: {self.name_of(tag)} comes twice")
                layout.places[tag] = (number, group)
        layout.group_tags = frozenset(
            tag
            for _, group in layout.places.values()
            if group is not None
            for tag in _all_tags(group.entry)
        )
        layout.required = (*self.header.required, *layout.body.required, *self.trailer.required)
        layout.required_set = frozenset(layout.required)
        layout.plain = {
            tag: (self.fields[tag].acceptor(), number)
            for tag, (number, group) in layout.places.items()
            if group is None and not layout.named_only
        }


def _all_tags(section: Section) -> list[int]:
    tags = list(section.members)
    for group in section.members.values():
        if group is not None:
            tags += _all_tags(group.entry)
    return tags


def _surely_right(layout: Layout, message: Message) -> bool:
    """The short way: no groups, no unknown tags, each field once, in section order, right."""
    if len(message.first) != len(message.fields):
        return False
    plain = layout.plain
    section = _HEADER
    for tag, value in message.fields:
        rule = plain.get(tag)
        if rule is None or not rule[0](value):
            return False
        if rule[1] != section:
            if rule[1] < section:
                return False
            section = rule[1]
    return layout.required_set <= message.first.keys()


class _Examination:
    """The long way: one message, field by field. Raises the first fault."""

    __slots__ = ("_at", "_dictionary", "_fields", "_layout", "_lenient", "_user_defined")

    def __init__(
        self,
        dictionary: Dictionary,
        layout: Layout,
        message: Message,
        user_defined: UserDefined,
        *,
        lenient: bool,
    ) -> None:
        self._dictionary = dictionary
        self._layout = layout
        self._fields = message.fields
        self._user_defined = user_defined
        self._lenient = lenient
        self._at = 0

    def run(self) -> None:
        """Raise the first fault."""
        section = _HEADER
        seen: set[int] = set()
        while self._at < len(self._fields):
            tag, value = self._fields[self._at]
            place = self._layout.places.get(tag)
            if self._layout.named_only and place is None:
                break
            spec = self._known(tag, value)
            if place is None:
                self._check_stray(tag, value, spec)
                self._at += 1
                continue
            assert spec is not None
            number, group = place
            if number < section and not (self._lenient and number == _HEADER):
                remark = "comes behind a field of a later section"
                raise spec.fault(Reason.TAG_OUT_OF_ORDER, value, remark)
            if tag in seen:
                raise spec.fault(Reason.TAG_APPEARS_MORE_THAN_ONCE, value, "comes a second time")
            section = max(section, number)
            seen.add(tag)
            spec.check(value, lenient=self._lenient)
            self._at += 1
            if group is not None:
                self._group(group, int(value))
        header_only = self._layout.named_only
        wanted = self._dictionary.header.required if header_only else self._layout.required
        self._require(wanted, seen, self._layout.name)

    def _known(self, tag: int, value: str) -> FieldSpec | None:
        """The field's row, None for an unknown one that is allowed; faults 0 and 4."""
        spec = self._dictionary.fields.get(tag)
        if spec is None and not self._is_foreign(tag):
            text = f"tag {tag} = {_shown(tag, value)}: not a tag of {self._dictionary.begin_string}"
            raise _FaultError(Reason.INVALID_TAG_NUMBER, tag, text)
        if not value:
            name = self._dictionary.name_of(tag)
            raise _FaultError(Reason.TAG_WITHOUT_VALUE, tag, f"{name} ({tag}): expected a value")
        return spec

    def _is_foreign(self, tag: int) -> bool:
        """Whether a tag that is not listed may come all the same."""
        allowed = self._lenient or (self._user_defined == "any" and tag >= USER_DEFINED_MIN)
        return allowed and tag > 0 and tag not in self._dictionary.fields

    def _check_stray(self, tag: int, value: str, spec: FieldSpec | None) -> None:
        """A field that has no place outside groups in this message."""
        if spec is None:
            return
        if tag in self._layout.group_tags:
            if any(tag == earlier for earlier, _ in self._fields[: self._at]):
                raise spec.fault(Reason.TAG_APPEARS_MORE_THAN_ONCE, value, "comes a second time")
            remark = "a field of a repeating group, outside it"
            raise spec.fault(Reason.GROUP_FIELDS_OUT_OF_ORDER, value, remark)
        if not self._lenient and (tag < USER_DEFINED_MIN or self._user_defined == "none"):
            remark = f"not a field of {self._layout.name} ({self._layout.msg_type})"
            raise spec.fault(Reason.TAG_NOT_DEFINED_FOR_MESSAGE, value, remark)
        spec.check(value, lenient=self._lenient)

    def _group(self, group: Group, count: int) -> None:
        """Walk over the entries behind a count field; faults 15, 16 and those of the members."""
        entries = 0
        seen: set[int] = set()
        members = group.entry.members
        where = self._dictionary.name_of(group.count_tag)
        while self._at < len(self._fields):
            tag, value = self._fields[self._at]
            if self._is_foreign(tag):
                self._at += 1
                continue
            if tag not in members:
                break
            spec = self._known(tag, value)
            assert spec is not None
            if tag == group.delimiter:
                if entries:
                    self._require(group.entry.required, seen, where)
                entries += 1
                seen.clear()
            elif not entries:
                first = f"{self._dictionary.name_of(group.delimiter)} ({group.delimiter})"
                remark = f"expected {first} first in each entry of {where}"
                raise spec.fault(Reason.GROUP_FIELDS_OUT_OF_ORDER, value, remark)
            elif tag in seen:
                break  # the same tag again, perhaps as a field behind the group
            seen.add(tag)
            spec.check(value, lenient=self._lenient)
            self._at += 1
            nested = members[tag]
            if nested is not None:
                self._group(nested, int(value))
        if entries != count:
            text = f"{where} ({group.count_tag}) = '{count}': {entries} entries follow"
            raise _FaultError(Reason.INCORRECT_GROUP_COUNT, group.count_tag, text)
        if entries:
            self._require(group.entry.required, seen, where)

    def _require(self, tags: Iterable[int], present: Container[int], where: str) -> None:
        for tag in tags:
            if tag not in present:
                text = f"{self._dictionary.name_of(tag)} ({tag}): required in {where}"
                raise _FaultError(Reason.REQUIRED_TAG_MISSING, tag, text)


class _Reader:
    """Turns the XML tree into sections and layouts."""

    def __init__(self, root: ET.Element) -> None:
        self._root = root
        self._components = {
            _attribute(element, "name"): element
            for element in root.iterfind("components/component")
        }
        specs = [_field_spec(element) for element in root.iterfind("fields/field")]
        self._specs = {spec.name: spec for spec in specs}
        if len(self._specs) != len(specs) or len({spec.tag for spec in specs}) != len(specs):
            raise DictionaryError("fields: a name or a number comes twice")

    def read(self) -> Dictionary:
        """The dictionary, compiled."""
        root = self._root
        parts = [_attribute(root, name) for name in ("type", "major", "minor")]
        layouts = [
            Layout(
                msg_type=_attribute(element, "msgtype"),
                name=_attribute(element, "name"),
                body=self._section(element),
                named_only=len(element) == 0,
            )
            for element in root.iterfind("messages/message")
        ]
        if len({layout.msg_type for layout in layouts}) != len(layouts):
            raise DictionaryError("messages: a msgtype comes twice")
        header, trailer = self._part("header"), self._part("trailer")
        return Dictionary(".".join(parts), self._specs.values(), header, trailer, layouts)

    def _part(self, name: str) -> Section:
        element = self._root.find(name)
        if element is None:
            raise DictionaryError(f"expected a <{name}> element")
        return self._section(element)

    def _section(self, element: ET.Element) -> Section:
        section = Section()
        self._collect(element, section, binding=True, inside=())
        return section

    def _collect(
        self, element: ET.Element, section: Section, *, binding: bool, inside: tuple[str, ...]
    ) -> None:
        """Add what `element` lists. A required field of an optional component is not required."""
        for child in element:
            name = _attribute(child, "name")
            required = binding and child.get("required") == "Y"
            if child.tag == "component":
                component = self._components.get(name)
                if component is None or name in inside:
                    raise DictionaryError(f"component {name}: not defined, or part of itself")
                self._collect(component, section, binding=required, inside=(*inside, name))
                continue
            if child.tag not in ("field", "group"):
                raise DictionaryError(f"<{child.tag}>: expected field, group or component")
            spec = self._specs.get(name)
            if spec is None:
                raise DictionaryError(f"{child.tag} {name}: not among the fields")
            if spec.tag in section.members:
                raise DictionaryError(f"{child.tag} {name}: comes twice in one place")
            group = self._group(spec, child, inside) if child.tag == "group" else None
            section.members[spec.tag] = group
            if required:
                section.required.append(spec.tag)

    def _group(self, spec: FieldSpec, element: ET.Element, inside: tuple[str, ...]) -> Group:
        if spec.type not in ("NUMINGROUP", "INT"):
            raise DictionaryError(f"group {spec.name}: expected the type NUMINGROUP or INT")
        entry = Section()
        self._collect(element, entry, binding=True, inside=inside)
        if not entry.members:
            raise DictionaryError(f"group {spec.name}: expected members")
        return Group(spec.tag, next(iter(entry.members)), entry)


def _attribute(element: ET.Element, name: str) -> str:
    value = element.get(name)
    if not value:
        raise DictionaryError(f"<{element.tag} {element.attrib}>: expected an attribute {name}")
    return value


def _field_spec(element: ET.Element) -> FieldSpec:
    name, number, kind = (_attribute(element, key) for key in ("name", "number", "type"))
    format_ = FORMATS.get(kind)
    if format_ is None:
        raise DictionaryError(f"field {name}: unknown type {kind}")
    if not (number.isascii() and number.isdecimal()):
        raise DictionaryError(f"field {name}: expected a whole number, not {number!r}")
    values = frozenset(_attribute(value, "enum") for value in element.iterfind("value"))
    return FieldSpec(int(number), name, kind, values, format_)


@cache
def load_packaged(begin_string: str) -> Dictionary:
    """Our own dictionary for `FIX.4.2` or `FIX.4.4`; read once. Raises DictionaryError."""
    name = begin_string.replace(".", "") + ".xml"
    resource = files(__package__).joinpath("dictionaries", name)
    if not resource.is_file():
        raise DictionaryError(f"{begin_string}: no dictionary of this version is packaged")
    return Dictionary.parse(resource.read_text(encoding="utf-8"))
