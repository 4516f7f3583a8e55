"""What a journal counts of itself.

Owns: plain integers, read at scrape time. May not know: files, records.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sor_gateway.histogram import DurationHistogram


@dataclass(slots=True)
class JournalCounters:
    """Plain integers, read at scrape time."""

    records: int = 0
    messages: int = 0
    bytes_written: int = 0
    last_write_ns: int = 0
    """How long the last append took, from first byte to (when asked for) the disk."""
    writes: DurationHistogram = field(default_factory=DurationHistogram)
    """All appends, by how long they took."""
    stalls: int = 0
    rolls: int = 0
    roll_failures: int = 0
