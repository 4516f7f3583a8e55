"""The sockets of the gateway: one listener for clients, a dialer for each venue session.

Owns: which settings each of them gets, and the renewal of certificates while they run.
May not know: what sessions say, turns.
"""

from __future__ import annotations

import random
import ssl
from collections.abc import Mapping
from functools import partial

from sor_gateway.config.settings import Configuration, VenueConnection
from sor_gateway.daemon.admission import Admission
from sor_gateway.daemon.intake import Log
from sor_gateway.daemon.refusals import RefusalLog
from sor_gateway.daemon.sessions import Link
from sor_gateway.net.dialer import Dialer
from sor_gateway.net.listener import Listener
from sor_gateway.net.reactor import Reactor
from sor_gateway.net.tls import Renewable, TlsError, client_context, server_context


class Network:
    """Listener and dialers of one process. Raises TlsError when a certificate cannot be used."""

    def __init__(
        self, configuration: Configuration, links: Mapping[str, Link], reactor: Reactor, log: Log
    ) -> None:
        gateway = configuration.gateway
        self._configuration = configuration
        self._log = log
        self._tls = Renewable(server_context(gateway.tls)) if gateway.tls else None
        self.listener = Listener(
            reactor,
            gateway.host,
            gateway.port,
            tls=self._tls,
            limits=gateway.listener_limits,
            on_refused=RefusalLog(log, reactor.clock),
            admit=Admission(links, configuration.clients),
            connection_limits=gateway.connection_limits,
        )
        jitter = random.Random(gateway.seed).random
        self._dialers: list[tuple[VenueConnection, Dialer]] = []
        for venue in configuration.venues:
            if not configuration.router.venues[venue.name].enabled:
                continue
            context = client_context(venue.tls) if venue.tls else None
            for settings in (venue.orders, venue.quotes):
                if settings is None:
                    continue
                link = links[settings.name]
                dialer = Dialer(
                    link.session,
                    [(venue.host, venue.port), *venue.backups],
                    reactor,
                    jitter,
                    tls=context,
                    server_name=venue.tls.server_name if venue.tls else None,
                    may_dial=partial(_is_enabled, link),
                    limits=gateway.connection_limits,
                )
                self._dialers.append((venue, dialer))

    async def listen(self) -> None:
        """Open the door. Raises OSError when the address cannot be had."""
        await self.listener.start()

    def dial(self) -> None:
        """Begin to dial the venues."""
        for _, dialer in self._dialers:
            dialer.start()

    async def stop_dialling(self) -> None:
        """Dial no more; connections that are up are the reactor's."""
        for _, dialer in self._dialers:
            await dialer.stop()

    async def stop(self) -> None:
        """Dial and listen no more."""
        await self.stop_dialling()
        await self.listener.stop()

    def renew_certificates(self) -> None:
        """Read all certificates again (SIGHUP): new connections use them, old ones live on. What
        cannot be used changes nothing, and is told with its file and key."""
        gateway = self._configuration.gateway
        where, ours = "gateway.toml [gateway.tls]", None
        contexts: list[tuple[Dialer, ssl.SSLContext]] = []
        try:
            if gateway.tls is not None:
                ours = server_context(gateway.tls)
            for venue, dialer in self._dialers:
                where = f"venues/{venue.name}.toml [tls]"
                if venue.tls is not None:
                    contexts.append((dialer, client_context(venue.tls)))
        except TlsError as error:
            self._log("certificates-not-renewed", where=where, key=error.key, text=error.text)
            return
        if self._tls is not None and ours is not None:
            self._tls.current = ours
        for dialer, context in contexts:
            dialer.tls = context
        self._log("certificates-renewed")


def _is_enabled(link: Link) -> bool:
    return not link.disabled
