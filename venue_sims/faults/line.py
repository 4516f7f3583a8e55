"""What faults want done to a session's line, once the turn is written down.

Owns: the words for it.
May not know: sockets, sessions.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Deed(StrEnum):
    """What is done to a line."""

    RST = "rst"
    """Torn down at once: what is on its way is gone."""
    FIN = "fin"
    """Closed behind what was written."""
    LOGOUT = "logout"
    """A Logout first."""
    ABANDON = "abandon"
    """Forgotten here, while the other side believes it is well."""
    DEAFEN = "deafen"
    """Not read for a while."""
    MUTE = "mute"
    """Not written to for a while."""


@dataclass(slots=True)
class LineAction:
    """`until_ns`: how long it lasts, for a closed line how long no new one is taken. `half`: what
    the turn had to say leaves by half."""

    session: str
    deed: Deed
    until_ns: int = 0
    half: bool = False
