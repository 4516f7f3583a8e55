"""Whether a gateway that writes nothing is stuck, or the machine does not let it work.

Owns: the measure of time behind every limit of a crash run, and what is kept when one is exceeded.
May not know: who is killed, what a violation is.

A limit in seconds is no check on a machine that others use too: a process may wait for a processor
longer than it works. The kernel counts that wait (`/proc/PID/schedstat`), so it can be left out:
what is left is time in which everybody concerned could have acted and nobody did.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from sor_gateway.client.ems import Ems
from sor_gateway.journal.reader import end_of, read_records
from sor_gateway.journal.record import Record
from sor_gateway.stack import Stack

NANOS_PER_SECOND: Final = 1_000_000_000
VIEWS: Final = ("readyz", "status", "sessions", "doubts")
ANSWER_S: Final = 5.0
"""How long the admin port may take: it answers between two turns."""
TRACE_S: Final = 1.0
RECORDS_SHOWN: Final = 8
CHARACTERS: Final = 3_000


def run_delay_ns(pid: int) -> int:
    """How long a process has waited for a processor in its life; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1])
    except (OSError, IndexError):
        return 0


class OwnTime:
    """Time since it began in which the machine kept none of some processes waiting."""

    def __init__(
        self,
        pids: Callable[[], Iterable[int]],
        delay_ns: Callable[[int], int] = run_delay_ns,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """`pids` are asked for at each look: processes come and go."""
        self._pids, self._delay_ns, self._clock_ns = pids, delay_ns, clock_ns
        self._seen = {pid: delay_ns(pid) for pid in pids()}
        self._looked_ns = clock_ns()
        self._own_ns = 0

    def elapsed_s(self) -> float:
        """So far. To be asked often: between two looks, who waited longest counts."""
        now, waited_ns = self._clock_ns(), 0
        for pid in self._pids():
            delay_ns = self._delay_ns(pid)
            waited_ns = max(waited_ns, delay_ns - self._seen.get(pid, 0))
            self._seen[pid] = delay_ns
        self._own_ns += max(0, now - self._looked_ns - waited_ns)
        self._looked_ns = now
        return self._own_ns / NANOS_PER_SECOND


def processes(stack: Stack) -> list[int]:
    """All of a desk, and ourselves: the EMS lives here."""
    found = [venue.process for venue in stack.venues.values()] + [stack.gateway]
    return [os.getpid(), *(each.pid for each in found if each and each.returncode is None)]


class Stillness:
    """How long the gateway's journal has not grown, in own time."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.begin()

    def begin(self) -> None:
        """Count from now on."""
        self._end = end_of(self._stack.journal)
        self._time = OwnTime(lambda: processes(self._stack))

    def lasts_s(self) -> float:
        """So far; 0 when something was written since the last look."""
        if end_of(self._stack.journal) != self._end:
            self.begin()
        return self._time.elapsed_s()


async def evidence(stack: Stack, ems: Ems) -> str:
    """Everything that tells why nothing is written, for people."""
    assert stack.gateway is not None
    lines = [f"load {os.getloadavg()}, waits for a processor so far (s): "]
    lines[0] += str([f"{pid}: {run_delay_ns(pid) / 1e9:.1f}" for pid in processes(stack)])
    for view in VIEWS:
        url = f"http://127.0.0.1:{stack.admin_port}/{view}"
        lines.append(f"{view}: {(await asyncio.to_thread(_answer, url))[:CHARACTERS]}")
    lines.append(f"EMS: {'logged on' if ems.active else 'not logged on'}, its last words:")
    lines += ems.log[-RECORDS_SHOWN:]
    lines.append("the journal's end:")
    last = deque(read_records(stack.journal), maxlen=RECORDS_SHOWN)
    lines += [_shown(record) for _, record in last]
    if stack.gateway.returncode is None:
        stack.gateway.send_signal(signal.SIGUSR1)  # gateway.py: its stacks go into the log
        await asyncio.sleep(TRACE_S)
    for log in sorted(stack.folder.glob("*.log")):
        lines += [f"{log.name}:", log.read_text(errors="replace")[-CHARACTERS:]]
    return "\n".join(lines)


def _answer(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_S) as response:
            return str(json.load(response))
    except urllib.error.HTTPError as error:
        return error.read().decode(errors="replace")
    except OSError as error:
        return f"no answer: {error}"


def _shown(record: Record) -> str:
    age_s = (time.time_ns() - record.at_ns) / NANOS_PER_SECOND
    messages = [
        f"{entry.session}{'>' if entry.outbound else '<'}{entry.number}:{entry.msg_type}"
        for entry in record.entries
    ]
    return (
        f"  turn {record.turn}, {age_s:.1f} s ago: {messages} {[name for name, _ in record.facts]}"
    )
