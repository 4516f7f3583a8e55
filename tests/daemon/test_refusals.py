"""A crowd that knocks costs the log a line a second."""

from __future__ import annotations

from sor_gateway.daemon.refusals import QUIET_NS, RefusalLog


def test_one_line_a_second_and_cause_and_none_is_lost() -> None:
    lines: list[dict[str, object]] = []
    now = 0

    def log(event: str, /, **fields: object) -> None:
        assert event == "connection-refused"
        lines.append(fields)

    refused = RefusalLog(log, lambda: now)
    for number in range(100):
        now = number * QUIET_NS // 50
        refused(f"peer {number}", "no-logon")
    refused("stranger", "not-fix")
    assert [(line["peer"], line["cause"], line["more_before"]) for line in lines] == [
        ("peer 0", "no-logon", 0),
        ("peer 50", "no-logon", 49),
        ("stranger", "not-fix", 0),
    ]


def test_a_clock_that_steps_back_silences_nothing() -> None:
    lines: list[dict[str, object]] = []
    times = iter([10 * QUIET_NS, 0])

    def log(_: str, /, **fields: object) -> None:
        lines.append(fields)

    refused = RefusalLog(log, lambda: next(times))
    refused("a", "no-logon")
    refused("b", "no-logon")
    assert [line["peer"] for line in lines] == ["a", "b"]
