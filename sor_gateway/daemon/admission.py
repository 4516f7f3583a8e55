"""Who may come in: the answer to a Logon's name before a byte of it is read by its session.

Owns: the order of the questions asked of a peer that names a session. May not know: sockets, FIX,
why a client is kept out or a session closed.

A refusal is a short stable word for logs and metrics; the peer gets no answer, so that nobody
learns from outside which sessions there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sor_gateway.config.settings import ClientSettings
from sor_gateway.daemon.sessions import ClientLink, Link
from sor_gateway.net.addresses import is_within


@dataclass(slots=True)
class Admission:
    """Decides by a session's name, the peer's address and the time."""

    links: Mapping[str, Link]
    clients: Mapping[str, ClientSettings]

    def __call__(self, session: str, address: str, now: int) -> str:
        """Why the peer may not have this session now; empty when it may."""
        settings, link = self.clients.get(session), self.links[session]
        if settings is not None and settings.networks and not is_within(address, settings.networks):
            return "address-not-allowed"
        if link.disabled:
            return "session-disabled"
        if isinstance(link, ClientLink) and now < link.kept_out_until_ns:
            return "kept-out"
        return ""
