"""Our FIX42.xml and FIX44.xml: what they contain, against the reference dictionaries."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sor_gateway.fix import tags
from sor_gateway.fix.codec import DATA_FIELDS
from sor_gateway.fix.dictionary import (
    USER_DEFINED_MIN,
    Dictionary,
    FieldSpec,
    Layout,
    Section,
    load_packaged,
)
from sor_gateway.fix.errors import DictionaryError
from tests.fix.reference import reference_path, reference_tree

VERSIONS = ["FIX.4.2", "FIX.4.4"]
SPOKEN = set("01234589ADFGHQVWXYefghj")
#: The named extensions: tag, name and type.
EXTENSIONS = {
    7928: ("SelfMatchID", "STRING"),
    9701: ("MinQtyMode", "CHAR"),
    9702: ("Conditional", "BOOLEAN"),
    9703: ("FirmUpID", "STRING"),
    9704: ("DLimit", "CHAR"),
    9705: ("FirmUpDeadline", "UTCTIMESTAMP"),
    9730: ("LiquidityCode", "CHAR"),
}
EXTENSIONS_42 = {
    7847: ("CustomTargetStrategy", "INT"),
    7848: ("CustomTargetStrategyParameters", "STRING"),
    7849: ("CustomParticipationRate", "FLOAT"),
}


@pytest.fixture(params=VERSIONS)
def ours(request: pytest.FixtureRequest) -> Dictionary:
    return load_packaged(request.param)


@pytest.fixture
def reference(ours: Dictionary) -> Dictionary:
    return Dictionary.load(reference_path(ours.begin_string))


def standard_fields(dictionary: Dictionary) -> list[FieldSpec]:
    return [spec for spec in dictionary.fields.values() if spec.tag < USER_DEFINED_MIN]


def spoken(dictionary: Dictionary) -> list[Layout]:
    """The messages that have fields."""
    return [layout for layout in dictionary.layouts.values() if not layout.named_only]


def walk(section: Section, path: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """Each field of a section with the groups that it is in."""
    for tag, group in section.members.items():
        yield (*path, tag)
        if group is not None:
            yield from walk(group.entry, (*path, tag))


class TestAgainstTheReference:
    def test_each_field_has_the_same_name_and_type(
        self, ours: Dictionary, reference: Dictionary
    ) -> None:
        assert {spec.tag: (spec.name, spec.type) for spec in standard_fields(ours)} == {
            spec.tag: (reference.fields[spec.tag].name, reference.fields[spec.tag].type)
            for spec in standard_fields(ours)
        }

    def test_each_enumeration_is_the_same_or_left_open(
        self, ours: Dictionary, reference: Dictionary
    ) -> None:
        for spec in standard_fields(ours):
            extra = {"f"} if spec.tag == tags.ExecInst else set()
            if spec.values:
                assert spec.values == reference.fields[spec.tag].values | extra, spec.name

    def test_each_message_has_the_same_name_and_type(
        self, ours: Dictionary, reference: Dictionary
    ) -> None:
        named = {layout.msg_type: layout.name for layout in ours.layouts.values()}
        theirs = {layout.msg_type: layout.name for layout in reference.layouts.values()}
        if ours.begin_string == "FIX.4.2":
            # Of 4.4, by name only: a request of one gets BusinessMessageReject, not Reject.
            theirs |= {"q": "OrderMassCancelRequest", "AF": "OrderMassStatusRequest"}
        assert named == theirs

    def test_each_field_of_a_message_is_there_in_the_reference(
        self, ours: Dictionary, reference: Dictionary
    ) -> None:
        for layout in spoken(ours):
            theirs = set(walk(reference.layouts[layout.msg_type].body))
            standard = {path for path in walk(layout.body) if path[-1] < USER_DEFINED_MIN}
            assert standard <= theirs, layout.name
        assert set(walk(ours.header)) <= set(walk(reference.header))
        assert set(walk(ours.trailer)) <= set(walk(reference.trailer))

    def test_what_the_reference_requires_is_required(
        self, ours: Dictionary, reference: Dictionary
    ) -> None:
        for layout in spoken(ours):
            assert set(reference.layouts[layout.msg_type].required) <= set(layout.required)

    def test_groups_begin_with_the_same_field(
        self, ours: Dictionary, reference: Dictionary
    ) -> None:
        for layout in spoken(ours):
            for tag, group in layout.body.members.items():
                if group is not None:
                    theirs = reference.layouts[layout.msg_type].body.members[tag]
                    assert theirs is not None
                    assert group.delimiter == theirs.delimiter

    def test_admin_messages_are_those_of_the_reference(self, ours: Dictionary) -> None:
        found = reference_tree(ours.begin_string).findall("messages/message[@msgcat='admin']")
        # XMLnonFIX (n) is counted among them there; no session layer answers it.
        assert {message.attrib["msgtype"] for message in found} - {"n"} == tags.ADMIN_MSG_TYPES


class TestContent:
    def test_the_messages_with_fields_are_those_that_we_speak(self, ours: Dictionary) -> None:
        found = {layout.msg_type for layout in spoken(ours)}
        assert found == SPOKEN | ({"q", "r", "AF"} if ours.begin_string == "FIX.4.4" else set())

    def test_the_extensions_are_the_named_ones(self, ours: Dictionary) -> None:
        expected = EXTENSIONS | (EXTENSIONS_42 if ours.begin_string == "FIX.4.2" else {})
        found = {tag: spec for tag, spec in ours.fields.items() if tag >= USER_DEFINED_MIN}
        assert {tag: (spec.name, spec.type) for tag, spec in found.items()} == expected
        assert ours.fields[tags.LiquidityCode].values == {"A", "R", "M"}
        assert ours.fields[tags.MinQtyMode].values == {"C", "M"}

    def test_intermarket_sweeps_are_known_in_both_versions(self, ours: Dictionary) -> None:
        assert "f" in ours.fields[tags.ExecInst].values

    def test_open_lists_are_open(self, ours: Dictionary) -> None:
        for tag in (102, 103, 378, 380, 373, 281):
            assert not ours.fields[tag].values

    def test_each_listed_field_is_used(self, ours: Dictionary) -> None:
        sections = [ours.header, ours.trailer, *(layout.body for layout in ours.layouts.values())]
        used = {path[-1] for section in sections for path in walk(section)}
        assert used == set(ours.fields)

    def test_data_fields_stand_beside_their_lengths(self, ours: Dictionary) -> None:
        data = {spec.tag for spec in ours.fields.values() if spec.type == "DATA"}
        assert data <= set(DATA_FIELDS.values())

    def test_no_dictionary_is_packaged_for_other_versions(self) -> None:
        for begin_string in ("FIX.4.3", "", "../FIX.4.4"):
            with pytest.raises(DictionaryError, match="no dictionary of this version"):
                load_packaged(begin_string)


class TestTags:
    def test_carry_the_names_of_the_dictionaries(self) -> None:
        names = {spec.tag: spec.name for spec in load_packaged("FIX.4.2").fields.values()}
        names |= {spec.tag: spec.name for spec in load_packaged("FIX.4.4").fields.values()}
        constants = {
            number: name.removesuffix("_")
            for name, number in vars(tags).items()
            if isinstance(number, int)
        }
        assert constants == names

    def test_header_and_trailer_are_those_of_the_dictionaries(self) -> None:
        both = [load_packaged(version) for version in VERSIONS]
        header = {path[-1] for dictionary in both for path in walk(dictionary.header)}
        trailer = {path[-1] for dictionary in both for path in walk(dictionary.trailer)}
        assert header == tags.HEADER_TAGS
        assert trailer == tags.TRAILER_TAGS

    def test_message_types_are_those_that_we_speak(self) -> None:
        values = {value for name, value in vars(tags.MsgType).items() if name.isupper()}
        assert values == SPOKEN | {"q", "r", "AF"}
