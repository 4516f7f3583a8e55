"""What a case of `make faults` is made of, and the checks that several cases share.

Owns: the form of a case.
May not know: any single fault, how a run is made, who prints.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sor_gateway.demo.audit import Check
from tests.faults.bench import BAD_NS, Bench

Prepare = Callable[[Bench], None]
Judge = Callable[[Bench], list[Check]]
Count = Callable[[Bench], int]


def nothing_more(_: Bench) -> list[Check]:
    """The common audit says all."""
    return []


@dataclass(slots=True)
class Case:
    """One fault."""

    number: str
    name: str
    does: str
    """The venue."""
    must: str
    """The gateway."""
    prepare: Prepare
    judge: Judge = nothing_more
    counts: tuple[str, ...] = ()
    """Alarms to show."""
    strikes: tuple[str, ...] = ()
    """Names of the venue's faults, to count how often they happened."""
    struck: Count | None = None
    """How often it happened, where venues do not count it."""
    share: float = 0.5
    """In which part of many runs it has to happen: a fault that finds nothing to happen to shows
    nothing."""
    bad_ns: int = BAD_NS
    """How long a run goes on under it."""

    def times(self, bench: Bench) -> int:
        """How often it happened."""
        return bench.struck(*self.strikes) if self.struck is None else self.struck(bench)


def flagged(bench: Bench, *codes: str, when: int) -> list[Check]:
    """These alarms were raised, if the fault happened at all."""
    missing = [code for code in codes if when and not bench.alarms[code]]
    found = ", ".join(missing) + " missing" if missing else "raised"
    return [Check("it is alarmed", "raised", found, not missing)]


def raised(code: str) -> Count:
    """How often an alarm was raised."""
    return lambda bench: bench.alarms[code]


def bound(name: str, found: int, most: int) -> Check:
    """A figure that may not be larger."""
    return Check(name, f"at most {most}", str(found), found <= most)
