"""Who may come in: the answer to a Logon's name before a byte of it is read by its session.

Owns: the addresses that each session may come from, sessions that an operator has closed, and
peers that are kept out for a while. May not know: sockets, sessions beyond their names, why a peer
is kept out.

A refusal is a short stable word for logs and metrics; the peer gets no answer, so that nobody
learns from outside which sessions there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network


class Admission:
    """Decides by a session's name, the peer's address and the time."""

    def __init__(self, networks: Mapping[str, Iterable[Network]] | None = None) -> None:
        """`networks`: for each session that is limited to some, where its peer may come from."""
        self._networks = {name: tuple(each) for name, each in (networks or {}).items()}
        self._disabled: set[str] = set()
        self._kept_out: dict[str, int] = {}

    def refusal(self, session: str, address: str, now: int) -> str:
        """Why the peer may not have this session now; empty when it may."""
        networks = self._networks.get(session)
        if networks and not _is_within(address, networks):
            return "address-not-allowed"
        if session in self._disabled:
            return "session-disabled"
        if now < self._kept_out.get(session, 0):
            return "kept-out"
        return ""

    def keep_out(self, session: str, until_ns: int) -> None:
        """Refuse this session's peer until then."""
        self._kept_out[session] = until_ns

    def kept_out_until(self, session: str) -> int:
        """When a peer may come back that is kept out; 0 for one that never was."""
        return self._kept_out.get(session, 0)

    def disable(self, session: str) -> None:
        """Refuse this session's peer until `enable`."""
        self._disabled.add(session)

    def enable(self, session: str) -> None:
        """Let the session's peer in again, kept out or not: the operator knows better."""
        self._disabled.discard(session)
        self._kept_out.pop(session, None)


def _is_within(address: str, networks: Iterable[Network]) -> bool:
    """Whether an address is in one of the networks. IPv4 behind an IPv6 socket is IPv4."""
    try:
        peer: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return False  # no address, such as that of a Unix socket
    if isinstance(peer, IPv6Address) and peer.ipv4_mapped is not None:
        peer = peer.ipv4_mapped
    return any(peer in network for network in networks)
