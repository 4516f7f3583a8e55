"""Log lines: JSON, one per parent and per incident, never one per message.

Owns: the format, the level of each event, and how many lines one kind of event may write.
May not know: what the events mean beyond their names.

A peer that misbehaves at wire speed makes an incident per message. So of the events that are not
plain information, at most `LINES_PER_SECOND` lines for one event, code and peer are written in a
second; the next one that is written says how many were left out (`suppressed`). The metrics count
them all.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

import structlog

LINES_PER_SECOND: Final = 10
KINDS_MAX: Final = 1_000
"""Most kinds of event that are counted; above it all counting starts anew."""
NANOS_PER_SECOND: Final = 1_000_000_000

LEVELS: Final[dict[str, int]] = {
    "alarm": logging.WARNING,
    "incident": logging.WARNING,
    "session-ended": logging.WARNING,
    "connection-refused": logging.WARNING,
    "peer-rejected": logging.WARNING,
    "venue-rejected": logging.WARNING,
    "venue-message-unusable": logging.WARNING,
    "quote-unusable": logging.WARNING,
    "kill-switch": logging.WARNING,
    "journal-stalled": logging.ERROR,
    "message-quarantined": logging.ERROR,
    "journal-note": logging.WARNING,
    "journal-not-rolled": logging.ERROR,
    "journal-refused": logging.CRITICAL,
    "cannot-listen": logging.CRITICAL,
    "tail-suspect": logging.ERROR,
    "children-left": logging.WARNING,
    "failed": logging.CRITICAL,
}
"""The level of each event that is not plain information."""


@dataclass(slots=True)
class _Quota:
    """How many lines one kind of event has written in the current second."""

    second: int
    written: int = 0
    suppressed: int = 0


class Logs:
    """Writes log lines: `logs("venue-synchronised", venue="dark-a")`. `clock` gives nanoseconds.
    What other libraries log (asyncio, aiohttp) comes out in the same form."""

    def __init__(self, level: str, file: Path | None, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._quotas: dict[tuple[object, ...], _Quota] = {}
        self._file: TextIO | None = None
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._file = file.open("a", encoding="utf-8", buffering=1)
        stream = self._file or sys.stderr
        shared: list[structlog.types.Processor] = [
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
        ]
        number = logging.getLevelNamesMapping()[level.upper()]
        self._logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
            structlog.WriteLogger(stream),
            processors=[*shared, structlog.processors.JSONRenderer()],
            wrapper_class=structlog.make_filtering_bound_logger(number),
        )
        self._handler = logging.StreamHandler(stream)
        self._handler.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                processor=structlog.processors.JSONRenderer(),
                foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            )
        )
        self._handler.setLevel(max(number, logging.WARNING))
        logging.getLogger().addHandler(self._handler)

    def __call__(self, event: str, /, **fields: object) -> None:
        """Write one line, unless this kind of incident has had its share of the second."""
        level = LEVELS.get(event, logging.INFO)
        if level > logging.INFO:
            peer = fields.get("session") or fields.get("venue") or fields.get("peer")
            suppressed = self._spend((event, fields.get("code"), peer))
            if suppressed is None:
                return
            if suppressed:
                fields["suppressed"] = suppressed
        self._logger.log(level, event, **fields)

    def close(self) -> None:
        """Close the file; nothing may be written afterwards."""
        logging.getLogger().removeHandler(self._handler)
        self._handler.close()
        if self._file is not None:
            self._file.close()

    def _spend(self, kind: tuple[object, ...]) -> int | None:
        """Take one line of a kind's share: how many were left out before it, None for no."""
        second = self._clock() // NANOS_PER_SECOND
        quota = self._quotas.get(kind)
        if quota is None:
            if len(self._quotas) >= KINDS_MAX:
                self._quotas.clear()
            quota = self._quotas[kind] = _Quota(second)
        if quota.second != second:
            quota.second, quota.written = second, 0
        if quota.written >= LINES_PER_SECOND:
            quota.suppressed += 1
            return None
        quota.written += 1
        suppressed, quota.suppressed = quota.suppressed, 0
        return suppressed


def open_log(level: str, file: Path | None) -> Logs:
    """Log lines on the wall clock, to a file or to standard error."""
    return Logs(level, file, time.time_ns)
