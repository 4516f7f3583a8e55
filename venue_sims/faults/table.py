"""All faults by name: the keys of a venue file's [faults], and of `venue-sim ctl fault`.

Owns: the table. The order is that in which faults of one stage are asked.
May not know: anything else.
"""

from __future__ import annotations

from typing import Any, Final

from venue_sims.faults.data import Crossed, MdGap, MdSilent, StaleMd
from venue_sims.faults.day import Halt, Luld, Restart, SessionEnd
from venue_sims.faults.fault import Fault, PlanFault
from venue_sims.faults.line import Cod, Disconnect, HalfOpen, SlowConsumer, TcpStall
from venue_sims.faults.orders import NoAck, RejectStorm, StuckPending
from venue_sims.faults.reports import (
    DupEr,
    IdReuse,
    OrderidChange,
    Overfill,
    PriceBad,
    Reorder,
    WrongSide,
)
from venue_sims.faults.trades import Bust, Correct, FeeSurprise, LateFill, UnsolCancel
from venue_sims.faults.wire import (
    ClockSkew,
    ExecutesQueue,
    GapFillWrong,
    Garbled,
    LogonFail,
    PartialWrite,
    ResendFreshDup,
    ResendGapFilled,
    ResendIgnored,
    SeqGap,
    SeqLow,
)

FAULTS: Final[dict[str, type[Fault[Any]]]] = {
    fault.name: fault
    for fault in (
        *(NoAck, StuckPending, RejectStorm),
        *(LateFill, Bust, Correct, UnsolCancel, FeeSurprise),
        *(Reorder, PriceBad, Overfill, WrongSide, IdReuse, OrderidChange, DupEr),
        *(SeqGap, SeqLow, ResendIgnored, ResendGapFilled, GapFillWrong, ResendFreshDup),
        *(ClockSkew, Garbled, LogonFail, PartialWrite, ExecutesQueue),
        *(StaleMd, Crossed, MdSilent, MdGap),
        *(Halt, Luld, SessionEnd),
        *(Cod, Disconnect, HalfOpen, SlowConsumer, TcpStall, Restart),
    )
}
PLANS: Final[dict[str, type[PlanFault[Any]]]] = {
    name: fault for name, fault in FAULTS.items() if issubclass(fault, PlanFault)
}
"""Those that have consequences later."""
