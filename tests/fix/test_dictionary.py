"""Validation by the book, and the loading of data dictionaries."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sor_gateway.fix.dictionary import Dictionary, RejectInfo, UserDefined, load_packaged
from sor_gateway.fix.errors import DictionaryError
from sor_gateway.fix.message import Message
from tests.fix.reference import reference_path

FIX42 = load_packaged("FIX.4.2")
FIX44 = load_packaged("FIX.4.4")


def message(text: str, begin_string: str = "FIX.4.4") -> Message:
    """A message from its fields behind BodyLength, with | for SOH; CheckSum is added."""
    pairs = [piece.partition("=") for piece in text.strip("|").split("|")]
    fields = [(int(tag), value) for tag, _, value in pairs]
    return Message(fields[0][1], [(8, begin_string), (9, "1"), *fields, (10, "000")])


HEADER = "49=EMS|56=SOR|34=2|52=20240102-14:30:00.123"
ORDER = "11=A1|55=AAPL|54=1|60=20240102-14:30:00|38=100|40=2|44=50.01"


def order(extra: str = "", base: str = ORDER) -> Message:
    return message(f"35=D|{HEADER}|{base}|{extra}")


def fault(
    found: Message, user_defined: UserDefined = "none", dictionary: Dictionary = FIX44
) -> tuple[int, int]:
    info = dictionary.validate(found, user_defined)
    assert info is not None
    return info.reason, info.ref_tag


class TestRightMessages:
    @pytest.mark.parametrize(
        "text",
        [
            pytest.param(f"35=0|{HEADER}", id="heartbeat"),
            pytest.param(f"35=A|{HEADER}|98=0|108=30|141=Y|789=1|553=u|554=p", id="logon"),
            pytest.param(f"35=D|{HEADER}|115=C|{ORDER}", id="order"),
            pytest.param(f"35=D|52=20240102-14:30:00|34=2|56=S|49=E|{ORDER}", id="header order"),
            pytest.param(f"35=D|{HEADER}|{ORDER}|18=M f 6|847=1001|849=.1", id="instructions"),
            pytest.param(
                f"35=D|{HEADER}|{ORDER}|453=2|448=A|447=D|452=1|448=B|802=2|523=x|523=y|803=1|58=t",
                id="nested groups",
            ),
            pytest.param(f"35=D|{HEADER}|{ORDER}|453=0|58=t", id="empty group"),
            pytest.param(
                f"35=X|{HEADER}|262=q|268=2|279=0|269=0|278=1|55=A|270=1|271=5|290=1|273=14:30:00"
                "|279=2|269=1|278=2",
                id="incremental refresh",
            ),
            pytest.param(
                f"35=8|{HEADER}|37=o|17=e|150=F|39=1|55=A|54=1|14=5|151=5|6=1|136=1|137=-.01|138=USD"
                "|139=4|851=1|9730=M",
                id="fill with fee",
            ),
            pytest.param(f"35=6|{HEADER}|23=anything|28=N", id="a type known by name only"),
        ],
    )
    def test_have_no_fault(self, text: str) -> None:
        assert FIX44.validate(message(text), "none") is None

    @pytest.mark.parametrize("msg_type", ["q", "AF"])
    def test_mass_requests_on_4_2_are_left_to_the_application_to_refuse(
        self, msg_type: str
    ) -> None:
        found = message(f"35={msg_type}|{HEADER}|11=A|530=7", "FIX.4.2")
        assert FIX42.validate(found, "none") is None

    def test_have_no_fault_on_4_2(self) -> None:
        base = "11=A1|21=1|55=A|54=1|60=20240102-14:30:00|38=100|40=5|47=A|18=f|7847=1|7849=.1"
        assert FIX42.validate(message(f"35=D|{HEADER}|{base}", "FIX.4.2"), "none") is None


class TestFaults:
    """Each SessionRejectReason (373) with the tag that it names."""

    @pytest.mark.parametrize("tag", [0, -1, 999, 5000, 12345])
    def test_0_undefined_tag(self, tag: int) -> None:
        assert fault(message(f"35=0|{HEADER}|{tag}=HI")) == (0, tag)

    def test_1_required_header_field_missing(self) -> None:
        bad = message("35=0|49=EMS|34=2|52=20240102-14:30:00")
        assert fault(bad) == (1, 56)

    def test_1_required_body_field_missing_the_first_in_the_order_of_the_dictionary(self) -> None:
        assert fault(message(f"35=D|{HEADER}|40=1|54=1|21=3")) == (1, 11)

    def test_1_required_field_of_a_group_entry_missing(self) -> None:
        bad = f"35=X|{HEADER}|268=2|279=0|269=0|279=1|270=1"
        assert FIX44.validate(message(bad), "none") is None
        book = f"35=W|{HEADER}|55=A|268=2|269=0|270=1|269=1"
        assert fault(message(book, "FIX.4.2"), dictionary=FIX42) == (1, 270)

    def test_1_required_group_missing(self) -> None:
        assert fault(message(f"35=W|{HEADER}|55=A")) == (1, 268)

    def test_a_required_field_of_an_optional_component_is_not_required(self) -> None:
        text = f"35=q|{HEADER}|11=A|530=7|60=20240102-14:30:00"
        assert FIX44.validate(message(text), "none") is None

    def test_2_not_defined_for_this_message(self) -> None:
        assert fault(message(f"35=0|{HEADER}|55=MSFT")) == (2, 55)

    @pytest.mark.parametrize("text", ["35=0|49=E|56=|34=2", f"35=0|{HEADER}|115="])
    def test_4_without_a_value(self, text: str) -> None:
        assert fault(message(text))[0] == 4

    @pytest.mark.parametrize(
        ("field", "tag"), [("21=4", 21), ("59=8", 59), ("18=M ? P", 18), ("18=MP", 18)]
    )
    def test_5_value_not_in_the_enumeration(self, field: str, tag: int) -> None:
        assert fault(order(field)) == (5, tag)

    @pytest.mark.parametrize(
        ("field", "tag"),
        [
            ("110=+200.00", 110),
            ("110=1e3", 110),
            ("99=x", 99),
            ("126=20040415", 126),
            ("126=20240230-00:00:00", 126),
            ("114=y", 114),
            ("59=00", 59),
            ("18=M  P", 18),
            ("15=US", 15),
            ("423=1.0", 423),
            ("453=x", 453),
            ("453=-1", 453),
            ("354=-1", 354),
            ("432=2024-01-02", 432),
            ("200=202413", 200),
        ],
    )
    def test_6_format(self, field: str, tag: int) -> None:
        assert fault(order(field)) == (6, tag)

    def test_11_message_type(self) -> None:
        assert fault(message(f"35=*|{HEADER}")) == (11, 35)

    def test_13_tag_twice(self) -> None:
        assert fault(order("40=2")) == (13, 40)
        assert fault(message(f"35=0|34=1|{HEADER}")) == (13, 34)

    def test_13_group_member_twice_in_an_entry(self) -> None:
        assert fault(order("453=1|448=A|447=D|447=D")) == (13, 447)

    def test_14_header_field_behind_a_body_field(self) -> None:
        assert fault(message(f"35=D|{ORDER}|{HEADER}")) == (14, 49)
        assert fault(message(f"35=D|55=MSFT|34=3|49=E|{ORDER}")) == (14, 34)

    def test_14_body_field_behind_a_trailer_field(self) -> None:
        assert fault(order("93=1|89=x|58=late")) == (14, 58)

    def test_15_group_that_does_not_begin_with_its_first_field(self) -> None:
        assert fault(order("453=1|447=D|448=A")) == (15, 447)

    def test_15_group_member_outside_its_group(self) -> None:
        assert fault(order("448=A|447=D")) == (15, 448)

    @pytest.mark.parametrize(
        "group",
        ["386=3|336=1|336=2", "386=1|336=1|336=2", "386=1", "386=0|336=1", "386=2|336=1|58=t"],
    )
    def test_16_count_differs_from_the_entries(self, group: str) -> None:
        assert fault(order(group)) == (16, 386)

    def test_16_in_a_nested_group(self) -> None:
        assert fault(order("453=1|448=A|802=2|523=x")) == (16, 802)

    def test_a_field_of_group_and_message_ends_the_group_when_it_comes_again(self) -> None:
        text = f"35=X|{HEADER}|268=1|279=0|58=of the entry|58=of nobody"
        assert fault(message(text)) == (13, 58)
        session = f"35=8|{HEADER}|37=o|17=e|150=0|39=0|54=1|14=0|151=1|6=0|453=1|448=A|447=D|55=A"
        assert FIX44.validate(message(session), "none") is None

    def test_the_first_fault_on_the_wire_is_reported_and_missing_fields_last(self) -> None:
        assert fault(message(f"35=D|{HEADER}|54=Z|40=Z")) == (5, 54)
        assert fault(message(f"35=D|{HEADER}|128=|40=Z")) == (4, 128)

    def test_a_type_known_by_name_only_has_its_header_judged(self) -> None:
        assert fault(message("35=6|49=E|34=1|52=20240102-14:30:00|23=x")) == (1, 56)
        assert fault(message("35=6|49=E|56=S|34=x|52=20240102-14:30:00|23=x")) == (6, 34)


class TestLenient:
    """What leaves the meaning of the rest as it is passes; what cannot be relied on does not."""

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param(f"35=D|{HEADER}|{ORDER}|9999=X|299=Q", id="tag unknown or of another"),
            pytest.param(f"35=D|{HEADER}|{ORDER}|6999=X", id="tag of nobody"),
            pytest.param(f"35=D|{HEADER}|{ORDER}|21=9|59=Z", id="value beside the enumeration"),
            pytest.param(f"35=D|49=E|{ORDER}|56=S|34=2|52=20240102-14:30:00", id="header behind"),
            pytest.param(f"35=D|{HEADER}|{ORDER}|453=1|448=A|6999=X|447=Z", id="within a group"),
        ],
    )
    def test_passes(self, text: str) -> None:
        assert FIX44.validate(message(text), "none") is not None
        assert FIX44.validate(message(text), "none", lenient=True) is None

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (f"35=D|{HEADER}|11=A1|54=1|60=20240102-14:30:00|38=100|40=2", (1, 55)),
            (f"35=D|{HEADER}|{ORDER}|58=", (4, 58)),
            (f"35=D|{HEADER}|{ORDER}|110=+200", (6, 110)),
            (f"35=*|{HEADER}", (11, 35)),
            (f"35=D|{HEADER}|{ORDER}|40=2", (13, 40)),
            (f"35=D|{HEADER}|{ORDER}|448=A", (15, 448)),
            (f"35=D|{HEADER}|{ORDER}|386=2|336=1", (16, 386)),
            (f"35=D|{HEADER}|{ORDER}|0=X", (0, 0)),
        ],
    )
    def test_does_not_pass(self, text: str, expected: tuple[int, int]) -> None:
        info = FIX44.validate(message(text), "any", lenient=True)
        assert info is not None
        assert (info.reason, info.ref_tag) == expected


class TestTexts:
    def test_name_tag_value_and_expectation(self) -> None:
        assert FIX44.validate(order("59=8")) == RejectInfo(
            5, 59, "TimeInForce (59) = '8': expected 0, 1, 2, 3, 4, 5, 6, 7"
        )
        assert FIX44.validate(order("110=+5")) == RejectInfo(
            6, 110, "MinQty (110) = '+5': expected a decimal number such as 100 or 50.01"
        )
        assert FIX44.validate(message(f"35=0|{HEADER}|55=A")) == RejectInfo(
            2, 55, "Symbol (55) = 'A': not a field of Heartbeat (0)"
        )
        assert FIX44.validate(message(f"35=0|{HEADER}|999=A")) == RejectInfo(
            0, 999, "tag 999 = 'A': not a tag of FIX.4.4"
        )
        assert FIX44.validate(order("386=2|336=1")) == RejectInfo(
            16, 386, "NoTradingSessions (386) = '2': 1 entries follow"
        )

    def test_are_cut_to_a_length(self) -> None:
        info = FIX44.validate(order("126=" + "x" * 5_000))
        assert info is not None
        assert len(info.text) < 200

    def test_never_show_a_password(self) -> None:
        info = FIX44.validate(message(f"35=A|{HEADER}|98=0|108=30|554=secret|554=secret"))
        assert info is not None
        assert (info.reason, info.ref_tag) == (13, 554)
        assert "secret" not in info.text
        assert "***" in info.text


class TestUserDefinedTags:
    UNLISTED = order("9999=x")
    ELSEWHERE = message(f"35=0|{HEADER}|9703=x")  # listed, for orders
    LISTED = order("9703=x")

    def test_none_judges_them_like_all_others(self) -> None:
        assert fault(self.UNLISTED, "none") == (0, 9999)
        assert fault(self.ELSEWHERE, "none") == (2, 9703)
        assert FIX44.validate(self.LISTED, "none") is None

    def test_listed_takes_those_of_the_dictionary_anywhere(self) -> None:
        assert fault(self.UNLISTED, "listed") == (0, 9999)
        assert FIX44.validate(self.ELSEWHERE, "listed") is None
        assert FIX44.validate(self.LISTED, "listed") is None

    def test_any_takes_all(self) -> None:
        for found in (self.UNLISTED, self.ELSEWHERE, self.LISTED):
            assert FIX44.validate(found, "any") is None

    def test_any_does_not_take_unknown_tags_below_5000(self) -> None:
        assert fault(order("4999=x"), "any") == (0, 4999)

    def test_an_unknown_one_does_not_end_a_group(self) -> None:
        assert FIX44.validate(order("453=1|448=A|9999=x|447=D|58=t"), "any") is None

    @pytest.mark.parametrize("user_defined", ["none", "listed", "any"])
    def test_values_of_listed_ones_are_checked(self, user_defined: UserDefined) -> None:
        assert fault(order("9701=X"), user_defined) == (5, 9701)
        assert fault(order("9702=X"), user_defined) == (6, 9702)
        assert fault(order("9999="), "any") == (4, 9999)

    def test_listed_ones_elsewhere_have_their_values_checked_too(self) -> None:
        assert fault(message(f"35=0|{HEADER}|9701=X"), "listed") == (5, 9701)


PIECES = st.sampled_from(
    f"{HEADER}|{ORDER}|40=Z|38=+1|58=t|58=|112=x|999=x|10=0|453=1|448=A|447=D|18=M f|18=M  f|93=1"
    "|9703=x|126=20240230-00:00:00".split("|")
)


class TestTheTwoWaysAgree:
    @given(
        st.lists(st.integers(min_value=0, max_value=10), max_size=3),
        st.lists(st.tuples(st.integers(min_value=0, max_value=14), PIECES), max_size=3),
    )
    def test_on_orders_with_fields_taken_out_and_put_in(
        self, out: list[int], put: list[tuple[int, str]]
    ) -> None:
        pieces = [*HEADER.split("|"), *ORDER.split("|")]
        pieces = [piece for at, piece in enumerate(pieces) if at not in out]
        for at, piece in put:
            pieces.insert(at, piece)
        found = message("|".join(["35=D", *pieces]))
        # A user-defined field directly behind MsgType harms nothing with "any", but the short way
        # does not know it, so this one is judged by the long way.
        detour = Message("D", [*found.fields[:3], (9999, "x"), *found.fields[3:]])
        assert FIX44.validate(found, "any") == FIX44.validate(detour, "any")


SMALL = """
<fix type="FIX" major="4" minor="4">
  <header><field name="MsgType" required="Y"/></header>
  <messages>
    <message name="M" msgtype="M" msgcat="app">{body}</message>
    <message name="N" msgtype="N" msgcat="app"/>
  </messages>
  <trailer><field name="CheckSum" required="Y"/></trailer>
  <components>
    <component name="C"><field name="A" required="Y"/></component>
    <component name="Loop"><component name="Loop" required="N"/></component>
  </components>
  <fields>
    <field number="35" name="MsgType" type="STRING"/>
    <field number="10" name="CheckSum" type="STRING"/>
    <field number="1" name="A" type="STRING"/>
    <field number="2" name="B" type="{kind}"><value enum="1" description="one"/></field>
    <field number="3" name="NoB" type="NUMINGROUP"/>
    {fields}
  </fields>
</fix>
"""


def small(body: str = "", kind: str = "INT", fields: str = "") -> Dictionary:
    return Dictionary.parse(SMALL.format(body=body, kind=kind, fields=fields))


class TestLoading:
    def test_components_and_groups_are_flattened(self) -> None:
        dictionary = small(
            '<component name="C" required="Y"/>'
            '<group name="NoB" required="N"><field name="B" required="N"/></group>'
        )
        layout = dictionary.layouts["M"]
        assert list(layout.body.members) == [1, 3]
        assert layout.required == (35, 1, 10)
        group = layout.body.members[3]
        assert group is not None
        assert (group.count_tag, group.delimiter, list(group.entry.members)) == (3, 2, [2])
        assert dictionary.begin_string == "FIX.4.4"

    def test_required_needs_the_component_to_be_required(self) -> None:
        layout = small('<component name="C" required="N"/>').layouts["M"]
        assert layout.required == (35, 10)

    def test_names_are_found_by_tag(self) -> None:
        assert small().name_of(2) == "B"
        assert small().name_of(99) == "99"

    @pytest.mark.parametrize(
        ("body", "kind", "fields", "says"),
        [
            ('<field name="X" required="N"/>', "INT", "", "field X: not among the fields"),
            ('<component name="X" required="N"/>', "INT", "", "component X: not defined"),
            ('<component name="Loop" required="N"/>', "INT", "", "part of itself"),
            ('<group name="NoB" required="N"/>', "INT", "", "group NoB: expected members"),
            ('<group name="A" required="N"/>', "INT", "", "group A: expected the type NUMINGROUP"),
            ('<field name="A"/><field name="A"/>', "INT", "", "field A: comes twice"),
            ('<field name="MsgType"/>', "INT", "", "message M: MsgType comes twice"),
            ('<thing name="A"/>', "INT", "", "<thing>: expected field, group or component"),
            ("<field/>", "INT", "", "expected an attribute name"),
            ("", "COLOUR", "", "field B: unknown type COLOUR"),
            ("", "INT", '<field number="1" name="Z" type="INT"/>', "comes twice"),
            ("", "INT", '<field number="9" name="A" type="INT"/>', "comes twice"),
            (
                "",
                "INT",
                '<field number="x" name="Z" type="INT"/>',
                "field Z: expected a whole number",
            ),
        ],
    )
    def test_says_what_is_wrong(self, body: str, kind: str, fields: str, says: str) -> None:
        with pytest.raises(DictionaryError, match=says):
            small(body, kind, fields)

    def test_a_message_type_twice_or_a_part_missing(self) -> None:
        with pytest.raises(DictionaryError, match="a msgtype comes twice"):
            Dictionary.parse(SMALL.format(body="", kind="INT", fields="").replace('"N"', '"M"'))
        with pytest.raises(DictionaryError, match="expected a <header> element"):
            Dictionary.parse('<fix type="FIX" major="4" minor="4"/>')

    def test_what_is_no_xml_is_refused_and_the_file_named(self, tmp_path: Path) -> None:
        path = tmp_path / "bad.xml"
        path.write_text("<fix", encoding="utf-8")
        with pytest.raises(DictionaryError, match=r"bad\.xml: not XML"):
            Dictionary.load(path)

    def test_a_good_file_is_loaded(self, tmp_path: Path) -> None:
        path = tmp_path / "good.xml"
        path.write_text(SMALL.format(body="", kind="INT", fields=""), encoding="utf-8")
        assert set(Dictionary.load(path).layouts) == {"M", "N"}


class TestWithTheReferenceDictionary:
    """What the acceptance definitions 14a to 14i, 2q and 21 ask, on the full dictionary."""

    BASE = "11=ID|21=1|40=1|54=1|38=200.00|55=INTC|60=20240102-14:30:00"

    @pytest.fixture
    def full(self) -> Dictionary:
        return Dictionary.load(reference_path("FIX.4.4"))

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (f"35=0|{HEADER}|999=HI", (0, 999)),
            (f"35=0|{HEADER}|5000=HI", (0, 5000)),
            ("35=0|34=2|49=TW44|52=20240102-14:30:00", (1, 56)),
            (f"35=D|{HEADER}|40=1|60=20240102-14:30:00|54=1|21=3", (1, 11)),
            (f"35=0|{HEADER}|55=MSFT", (2, 55)),
            ("35=0|34=2|49=TW44|52=20240102-14:30:00|56=", (4, 56)),
            (f"35=D|{HEADER}|{BASE.replace('21=1', '21=4')}", (5, 21)),
            (f"35=D|{HEADER}|{BASE}|167=BOO", (5, 167)),
            (f"35=D|{HEADER}|{BASE.replace('38=', '38=+')}", (6, 38)),
            (f"35=D|{HEADER}|{BASE}|126=20040415", (6, 126)),
            (f"35=*|{HEADER}", (11, 35)),
            (f"35=D|{HEADER}|11=ID|21=1|40=1|40=2|54=1", (13, 40)),
            (f"35=D|55=MSFT|34=3|49=TW44|{BASE}", (14, 34)),
            (f"35=D|{HEADER}|{BASE}|386=3|336=PRE-OPEN|336=AFTER-HOURS", (16, 386)),
        ],
    )
    def test_faults(self, full: Dictionary, text: str, expected: tuple[int, int]) -> None:
        assert fault(message(text), "none", full) == expected

    @pytest.mark.parametrize(
        "text",
        [
            f"35=D|{HEADER}|{BASE}|167=CS",
            f"35=D|{HEADER}|{BASE.replace('38=200.00|', '')}",
            f"35=d|{HEADER}|320=J|322=1|323=6|55=TBS|22=8|167=CS|336=ONE_MAIN|58=No Products|454=0",
        ],
    )
    def test_right_messages(self, full: Dictionary, text: str) -> None:
        assert full.validate(message(text), "none") is None

    def test_fix_4_2_loads_too(self) -> None:
        assert Dictionary.load(reference_path("FIX.4.2")).begin_string == "FIX.4.2"
