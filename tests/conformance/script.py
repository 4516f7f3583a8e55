"""The lines of cases.py as values, as messages of a version, and as files for the public runner."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.conformance.cases import Case

US = "ISLD"
PEERS = {"FIX.4.2": "TW42", "FIX.4.4": "TW44"}
"""Whom the public definitions of each version log on as."""

_LINE = re.compile(r"(2?)(>>|>|<|closed|connect)(?: (.*))?")
_TIME = re.compile(r"(?<==)@([+-][0-9]+)?(?=\||$)")
_ANY = re.compile(r"(?<=\|)(60|122)=\*")
_ANY_TIME = "00000000-00:00:00"


@dataclass(slots=True)
class Line:
    """One step: which line it is on, what happens, the text as it is written in the case."""

    connection: int
    action: str
    text: str


def lines_of(case: Case) -> list[Line]:
    """The steps of a case."""
    steps = []
    for written in filter(str.strip, case.lines.splitlines()):
        match = _LINE.fullmatch(written.strip())
        assert match is not None, f"{case.name}: {written!r} is no line"
        steps.append(Line(2 if match[1] else 1, match[2], match[3] or ""))
    return steps


@dataclass(slots=True)
class Version:
    """How a version writes what a case says."""

    begin_string: str

    def fields(self, text: str, *, from_us: bool) -> list[str]:
        """`tag=value` of a message without 9 and 10 unless they are written, header completed."""
        peer = PEERS[self.begin_string]
        text = text.replace("@BEGIN", self.begin_string).replace("@PEER", peer)
        fields = text.replace("@US", US).split("|")
        old = self.begin_string == "FIX.4.2"
        fields = [f.removeprefix("?") for f in fields if not (old and f.startswith("?"))]
        have = {field.partition("=")[0] for field in fields}
        if "8" not in have:
            fields.insert(0, f"8={self.begin_string}")
        sender, target = (US, peer) if from_us else (peer, US)
        header = [f"49={sender}", "52=@", f"56={target}"]
        at = next(i for i, f in enumerate(fields) if f.startswith("34=" if "34" in have else "35="))
        fields[at + 1 : at + 1] = [f for f in header if f.partition("=")[0] not in have]
        return fields

    def raw_text(self, text: str) -> str:
        """A `>>` line, with | for SOH."""
        text = text.replace("@BEGIN", self.begin_string).replace("@US", US)
        return text.replace("@PEER", PEERS[self.begin_string])

    def definition(self, case: Case) -> str:
        """The case in the language of the public runner."""
        written = [f"# {case.rule}", "iCONNECT"]
        for line in lines_of(case):
            many = "2," if line.connection == 2 else ""
            if line.action == ">":
                message = "|".join(self.fields(line.text, from_us=False)) + "|"
                written.append(f"I{many}" + _TIME.sub(r"<TIME\1>", message))
            elif line.action == ">>":
                written.append(f"I{many}{self.raw_text(line.text)}")
            elif line.action == "<":
                message = "|".join(self.fields(line.text, from_us=True)) + "|10=0|"
                message = _TIME.sub(_ANY_TIME, message)
                written.append(f"E{many}" + _ANY.sub(rf"\1={_ANY_TIME}", message))
            elif line.action == "closed":
                written.append(f"e{many}DISCONNECT")
            else:
                written.append(f"i{many}CONNECT")
        return "\n".join(written) + "\n"


def timed(fields: list[str], stamp: Callable[[int], str]) -> list[str]:
    """Times filled in; `stamp` gives the text of so many seconds from now."""
    return [_TIME.sub(lambda match: stamp(int(match[1] or 0)), field) for field in fields]
