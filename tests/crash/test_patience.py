"""The harness tells a gateway that hangs from a machine that does not let it work."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest

from sor_gateway.client.ems import EmsSettings
from sor_gateway.stack import PAIR, Stack
from tests.crash import run
from tests.crash.patience import OwnTime, run_delay_ns

ROOT = Path(__file__).parents[2]
SECOND = 1_000_000_000


class Machine:
    """A clock, and how long each process has waited for a processor."""

    def __init__(self) -> None:
        self.now = 0
        self.delays: dict[int, int] = {1: 7 * SECOND}
        self.time = OwnTime(lambda: list(self.delays), lambda pid: self.delays[pid], self.clock)

    def clock(self) -> int:
        return self.now

    def passes(self, seconds: float, **waited: float) -> float:
        """Own time after so many seconds, of which each process waited some (`p1`: process 1)."""
        self.now += int(seconds * SECOND)
        for name, waited_s in waited.items():
            pid = int(name.removeprefix("p"))
            self.delays[pid] = self.delays.get(pid, 0) + int(waited_s * SECOND)
        return self.time.elapsed_s()


class TestOwnTime:
    def test_where_nobody_waits_it_is_time(self) -> None:
        machine = Machine()
        assert [machine.passes(1), machine.passes(2)] == [1, 3]

    def test_who_waits_longest_counts(self) -> None:
        machine = Machine()
        machine.delays[2] = 0
        assert machine.passes(10, p1=3, p2=4) == 6

    def test_a_machine_that_serves_nobody_lets_no_time_pass(self) -> None:
        machine = Machine()
        assert machine.passes(10, p1=10) == 0
        assert machine.passes(1, p1=5) == 0, "a wait is counted when it is over"
        assert machine.passes(5) == 5

    def test_a_process_that_comes_waited_from_its_beginning(self) -> None:
        assert Machine().passes(10, p2=4) == 6

    def test_the_kernel_counts(self) -> None:
        assert run_delay_ns(os.getpid()) > 0
        assert run_delay_ns(2**22 + 1) == 0, "no process has this number"


@pytest.mark.slow
class TestAGatewayThatHangs:
    async def test_is_a_violation_that_says_where_it_stands(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(run, "STILL_LIMIT_S", 2.0)
        monkeypatch.setattr(run, "OTHERS_SHARE", 0.0)
        stack = Stack(tmp_path, ROOT / "config", PAIR)
        tally, dice = run.Tally(), random.Random(1)
        load = run.Load(EmsSettings(port=stack.port), dice, tally)
        monkeypatch.setattr(load, "top_up", lambda: stop(stack))
        try:
            await stack.start_venues()
            await load.ems.start()
            await run.one_life(stack, load, dice, tally)
        finally:
            await load.ems.stop()
            await stack.stop()
        (violation,) = tally.violations
        assert "it hangs with {}" in violation
        assert "readyz: no answer: " in violation
        assert "EMS: not logged on" in violation
        assert stack.gateway is not None
        assert stack.gateway.returncode == -signal.SIGKILL


def stop(stack: Stack) -> None:
    """The gateway stands still, alive, before it has done anything."""
    assert stack.gateway is not None
    stack.gateway.send_signal(signal.SIGSTOP)
